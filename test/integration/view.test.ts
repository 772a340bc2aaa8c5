/** The page of `foster view`, in Chromium. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Chromium, type Page } from './support/chromium.js';
import { Containers } from './support/containers.js';
import { Home, type Running } from './support/foster.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

const home = new Home();
const containers = new Containers(home);
const chromium = new Chromium(home.env);

/** A process that says HTML, escape sequences and text that runs backwards, in its name and its arguments. */
const HOSTILE = `<img src=x onerror="document.title='taken'">\u001b[31m\u202e`;

/** A shell with a child that it leaves as soon as somebody writes to /end. */
const LEAVING = `mkfifo /end; sh -c 'sleep 1111 & read x </end' & echo -n '<b>bold' >/proc/self/comm; sleep 2222; :`;

let view: Running;
let address = '';
let page: Page;

before(async () => {
  const { status, stderr } = home.run([
    '-d',
    '--name',
    'web',
    '--network',
    'none',
    'busybox',
    'sh',
    '-c',
    LEAVING,
    HOSTILE,
  ]);
  assert.equal(status, 0, stderr);
  view = await startView();
  address = view.stdout.trim();
  page = await chromium.open(address);
  await shown(row('sleep 1111'));
});

after(() => chromium.close());

async function startView(...args: string[]): Promise<Running> {
  const started = containers.begin(['view', '--no-open', '--interval', '0.1', ...args]);
  await started.says('\n');
  return started;
}

/** Waits until an expression is true in the page. */
async function shown(expression: string, of = page): Promise<void> {
  await waitUntil(`in the page: ${expression}`, () => of.value<boolean>(`Boolean(${expression})`));
}

/** Whether an expression is true once what has happened before is drawn. */
async function drawn(expression: string, of = page): Promise<boolean> {
  const frame = 'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))';
  return await of.value<boolean>(`${frame}.then(() => Boolean(${expression}))`);
}

/** The row whose name begins like this, as an expression: that of a process has its command. */
function row(command: string): string {
  return `document.querySelector('[role=treeitem][aria-label^="${command}"]')`;
}

function answerTo(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject).end();
  });
}

test('the tree shows the processes of a container, with their PIDs inside and outside', async () => {
  const name = await page.value<string>(`${row('sleep 2222')}.getAttribute('aria-label')`);
  assert.match(name, /^sleep 2222, sleeping, PID inside \d+, PID outside \d+$/);
  const levels = await page.value<string>(
    `[...document.querySelectorAll('[role=treeitem]')].map((each) => each.getAttribute('aria-level')).join()`,
  );
  assert.equal(levels, '1,2,3,4,5,4', 'web, foster-init, sh, sh, sleep 1111, sleep 2222');
});

test('what a process calls itself is shown as text', async () => {
  assert.equal(await page.value('document.querySelectorAll("img, b:not([class])").length'), 0);
  assert.equal(await page.value('document.title'), 'foster view');
  const text = await page.value<string>(`${row('sh -c mkfifo')}.textContent`);
  assert.ok(text.includes(`<img src=x onerror="document.title='taken'">\\u001b[31m\\u202e`), text);
});

test('an orphan moves below PID 1: its row is the same one', async () => {
  await page.value(`${row('sleep 1111')}.mine = true`);
  home.foster(['exec', 'web', 'sh', '-c', 'echo >/end']);
  await shown(`${row('sleep 1111')}?.getAttribute('aria-level') === '3'`);
  assert.match(await page.value(`${row('sleep 1111')}.getAttribute('aria-label')`), /, adopted$/);
  assert.equal(await page.value(`${row('sleep 1111')}.mine`), true);
  await shown(`document.getElementById('event-list').textContent.includes('foster-init (1) adopts sleep')`);
});

test('the past can be shown again, with the keyboard', async () => {
  await page.value(`document.getElementById('slider').focus()`);
  await waitUntil('it is where it was', async () => {
    await page.press('ArrowLeft');
    return await drawn(`${row('sleep 1111')}?.getAttribute('aria-level') === '5'`);
  });
  assert.equal(await page.value(`document.getElementById('status').textContent`), 'in the past');
  await page.value(`document.getElementById('back').click()`);
  await shown(`${row('sleep 1111')}?.getAttribute('aria-level') === '3'`);
});

test('arrow keys move in the tree, fold it, and choose tabs', async () => {
  const active = `document.getElementById(document.getElementById('tree').getAttribute('aria-activedescendant'))`;
  await page.value(`document.getElementById('tree').focus()`);
  await page.press('Home');
  await shown(`${active}.getAttribute('aria-level') === '1'`);
  await page.press('ArrowRight');
  await shown(`${active}.getAttribute('aria-level') === '2'`);
  await page.press('ArrowLeft');
  await shown(`${active}.getAttribute('aria-expanded') === 'false' && !${row('sleep 1111')}`);
  await page.press('ArrowRight');
  await shown(row('sleep 1111'));
  await page.value(`document.getElementById('tab-processes').focus()`);
  for (const [panel, content] of [
    ['namespaces', '.box.host .box .member'],
    ['layers', '.layer.own'],
    ['networks', 'svg .container'],
    ['plan', '.steps details code'],
  ]) {
    await page.press('ArrowRight');
    await shown(
      `!document.getElementById('${panel}').hidden && document.querySelector('#${panel} ${content}')`,
    );
  }
  await page.press('ArrowRight');
});

test('what a container writes is shown, and what is unfolded or has the focus stays so', async () => {
  await page.value(`document.getElementById('tab-layers').click()`);
  await page.value(`{
    const layer = document.querySelector('.layer.own');
    layer.open = true;
    layer.querySelector('summary').focus();
  }`);
  home.foster(['exec', 'web', 'touch', '/new']);
  await shown(`document.querySelector('.layer.own .changes')?.textContent.includes('added /new')`);
  assert.equal(await page.value(`document.activeElement.closest('.layer.own').open`), true);
  await page.value(`document.getElementById('tab-processes').click()`);
});

test('everything has a name for screen readers', async () => {
  const nodes = await page.accessibility();
  const has = (role: string, name: string | RegExp) =>
    assert.ok(
      nodes.some(
        (node) =>
          node.role === role && (typeof name === 'string' ? node.name === name : name.test(node.name)),
      ),
      `${role} ${name}`,
    );
  has('tree', 'Processes');
  has('treeitem', 'Container web, running');
  has('treeitem', /^sleep 2222, sleeping/);
  for (const name of ['Processes', 'Namespaces', 'Layers', 'Networks', 'Plan']) has('tab', name);
  has('slider', 'Time line');
  has('combobox', 'Container');
  const roles = ['button', 'tab', 'treeitem', 'slider', 'combobox', 'tree', 'image', 'svg root'];
  assert.deepEqual(
    nodes.filter(({ role, name }) => roles.includes(role) && name === ''),
    [],
    'nothing that one can use is without a name',
  );
});

test('the token works once, and other hosts and sites get no answer', async () => {
  const again = await answerTo(new URL(address).search.replace('?', '/?'), {});
  assert.deepEqual([again.status, /works only once/.test(again.text)], [403, true]);
  assert.equal((await answerTo('/', {})).status, 403);
  const cookie = 'foster-view=guessed';
  for (const headers of [
    { cookie },
    { host: 'evil.example' },
    { origin: 'http://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
  ] as Record<string, string>[])
    assert.equal((await answerTo('/changes', headers)).status, 403, JSON.stringify(headers));
  // the browser that has the cookie opens it again
  const other = await chromium.open(new URL(address).origin, { width: 360, height: 640, isDark: true });
  await shown(row('sleep 2222'), other);
  assert.equal(await other.value('document.documentElement.scrollWidth'), 360, 'nothing sticks out');
  await other.close();
});

test('on a desktop the page opens by itself, by a file that only its user reads; Enter prints addresses for other browsers', async () => {
  const person = new Tmux(home, { columns: 100, rows: 30 });
  const opened = join(home.shared, 'opened');
  // as xdg-open: it ends before the browser has read the page
  writeFileSync(
    join(home.folder, 'bin/xdg-open'),
    `#!/bin/sh\nstat -c '%a %n' "$@" >>${opened}; cat "$1" >>${opened}; mv ${opened} ${opened}.whole\n`,
    { mode: 0o755 },
  );
  const addressesOn = (screen: string) => screen.match(/http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}/g) ?? [];
  try {
    person.types('DISPLAY=:9 foster view --interval 0.5 web');
    const [first = ''] = addressesOn(await person.sees('The address works once.'));
    await waitUntil('the browser is told', () => existsSync(`${opened}.whole`));
    const [, mode, path = '', url] =
      /^(\d+) (\S+)\n<meta http-equiv="refresh" content="0; url=(\S+)">\n$/.exec(
        readFileSync(`${opened}.whole`, 'utf8'),
      ) ?? [];
    assert.deepEqual([mode, url], ['600', first]);
    assert.equal(path.includes('token'), false, 'everybody sees arguments');
    person.presses('Enter', 'Enter');
    await waitUntil('there are three addresses', () => addressesOn(person.screen()).length === 3);
    const pages = [];
    for (const each of addressesOn(person.screen())) {
      const cookie = (await fetch(each)).headers.get('set-cookie')?.split(';')[0] ?? '';
      assert.equal((await fetch(each)).status, 403, 'it is used');
      const changes = await fetch(new URL('/changes', each), { headers: { cookie } });
      pages.push(changes.body?.getReader());
    }
    for (const page of pages) assert.ok(((await page?.read())?.value?.length ?? 0) > 0, 'each has its own');
    await waitUntil('the file is removed', () => !existsSync(path));
    // one is closed, and the others go on
    await pages.shift()?.cancel();
    home.foster(['exec', 'web', 'true']);
    for (const page of pages) assert.ok(((await page?.read())?.value?.length ?? 0) > 0, 'it goes on');
    person.presses('C-c');
    await person.seesPrompt();
    rmSync(`${opened}.whole`);
    // there is no desktop
    person.types('clear; DISPLAY= WAYLAND_DISPLAY= foster view web');
    assert.equal(addressesOn(await person.sees('The address works once.')).length, 1);
    person.presses('C-c');
    await person.seesPrompt();
    assert.equal(existsSync(`${opened}.whole`), false);
  } finally {
    person.leaves();
  }
});

test('a layer says what it adds, changes and deletes of those below', async () => {
  const folder = join(home.shared, 'layers');
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM localhost/foster/busybox\nRUN mkdir /mine && echo 1 >/mine/new && echo 2 >/etc/passwd && rm /etc/group\nRUN rm -r /mine\n',
  );
  containers.ok('build', '-q', '--network', 'none', '-t', 'layered', folder);
  containers.ok('run', '-d', '--name', 'layers', '--network', 'none', 'layered', 'sleep', '1000');
  await page.value(`document.getElementById('tab-layers').click()`);
  const stack = `document.querySelector('.stack[aria-label="layers"]')`;
  await shown(stack);
  const layers = await page.value<string>(
    `JSON.stringify([...${stack}.querySelectorAll('.layer:not(.own)')].map((layer) => [...layer.querySelectorAll('li')].map((each) => each.textContent)))`,
  );
  assert.deepEqual(JSON.parse(layers).slice(0, 2), [
    ['deleted /mine'],
    ['deleted /etc/group', 'changed /etc/passwd', 'added /mine', 'added /mine/new'],
  ]);
  containers.ok('rm', '-f', '-t', '0', 'layers');
  await page.value(`document.getElementById('tab-processes').click()`);
});

test('a recording shows the run without foster', async () => {
  const file = join(home.folder, 'run.html');
  const recording = containers.begin(['view', '--record', file, '--interval', '0.1', 'short']);
  assert.equal((await recording.ended).status, 1, 'there is no such container yet');
  assert.equal(existsSync(file), false);
  containers.ok(
    'create',
    '--name',
    'short',
    '--network',
    'none',
    '-i',
    'busybox',
    'sh',
    '-c',
    'read x; :',
    '</script>',
  );
  const running = containers.begin(['view', '--record', file, '--interval', '0.1', 'short']);
  await waitUntil('there is a file', () => existsSync(file));
  const started = containers.begin(['start', '-ai', 'short']);
  await waitUntil('it is recorded', () => readFileSync(file, 'utf8').includes('sh -c read x'));
  started.child.stdin.end('\n');
  await started.ended;
  const { status, stderr } = await running.ended;
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(home.foster(['view', '--record', file]).status, 125, 'it is not overwritten');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -5)); // as if it had been killed
  const recorded = await chromium.open(`file://${file}`);
  await shown(`document.getElementById('status').textContent === 'recorded'`, recorded);
  await waitUntil('its process is shown', async () => {
    await recorded.value(`document.getElementById('next').click()`);
    return await drawn(row('sh -c read x; : </script>'), recorded);
  });
  await recorded.close();
});

test('of two thousand processes, only those on the screen are elements', async (t) => {
  containers.detach('many', 'i=0; while [ $i -lt 2000 ]; do sleep 5000 & i=$((i+1)); done; wait', [
    '--network',
    'none',
  ]);
  const size = `Number(${row('Container many')}?.nextSibling && document.querySelector('.space').clientHeight) > 2000 * 26`;
  await shown(size);
  // scrolls while updates arrive
  const seconds = await page.value<number>(`new Promise((resolve) => {
    const tree = document.getElementById('tree');
    const start = performance.now();
    let frames = 0;
    const next = () => {
      tree.scrollTop += 60;
      if (++frames < 60) requestAnimationFrame(next);
      else resolve((performance.now() - start) / 1000);
    };
    requestAnimationFrame(next);
  })`);
  t.diagnostic(`${Math.round(60 / seconds)} frames a second`);
  assert.ok((await page.value<number>(`document.querySelectorAll('[role=treeitem]').length`)) < 60);
  assert.ok((await page.value<number>(`document.querySelectorAll('*').length`)) < 3000);
  assert.equal(await page.value(`document.querySelector('#tree .active') === null`), true, 'it has scrolled');
  await page.value(`document.getElementById('tree').focus()`);
  await page.press('End');
  await shown(`document.querySelector('#tree .active')?.getAttribute('aria-posinset') === '2000'`);
});

test('wrong input', () => {
  for (const [args, message] of [
    [['view', 'nobody'], /no such container: nobody/],
    [['view', '--port', '70000'], /--port '70000': expected a number from 0 to 65535/],
    [['view', '--interval', '0'], /--interval '0': expected a number of seconds/],
    [
      ['view', '--port', new URL(address).port],
      /cannot listen on 127.0.0.1:\d+: address already in use \(EADDRINUSE\); choose/,
    ],
    [['view', '--record', 'x.html', '--port', '80'], /a recording is a file/],
    [['view', '--record', '/nowhere/x.html'], /cannot write \/nowhere\/x.html: no such file or directory/],
  ] as const) {
    const { stderr, status } = home.foster([...args]);
    assert.match(stderr, message);
    assert.notEqual(status, 0);
  }
});

test('Ctrl-C ends it, and nothing is left', async () => {
  await chromium.close();
  assert.equal(view.hasEnded, false, view.stderr);
  view.signal('SIGINT');
  assert.equal((await view.ended).status, 130);
  containers.removeAll();
  await home.assertNothingLeft();
});
