import assert from 'node:assert/strict';
import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { descriptorsOf } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { readProcess, waitUntilBlocked } from './support/processes.js';
import { waitUntil } from './support/wait.js';

const home = new Home();
let count = 0;

/** A detached container that runs a shell script; its name. */
function detached(script: string, flags: string[] = []): string {
  const name = `logs-${++count}`;
  const { status, stderr } = home.foster([
    'run',
    '-d',
    '--name',
    name,
    ...flags,
    'busybox',
    'sh',
    '-c',
    script,
  ]);
  assert.equal(status, 0, stderr);
  after(() => home.foster(['rm', '-f', name]));
  return name;
}

function ended(script: string, flags: string[] = []): string {
  const name = detached(script, flags);
  home.foster(['wait', name]);
  return name;
}

function logs(...args: string[]) {
  const { status, stdout, stderr } = home.foster(['logs', ...args]);
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

function containerFolder(name: string): string {
  const { stdout } = home.foster(['inspect', '-f', '{{.Id}}', name]);
  return join(home.folder, 'data', 'foster', 'containers', stdout.trim());
}

/** `foster logs -f` at work. */
function follow(name: string, ...args: string[]) {
  const child = spawn(FOSTER, ['logs', '-f', ...args, name], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const state = { child, stdout: '', stderr: '' };
  child.stdout.setEncoding('latin1').on('data', (text) => {
    state.stdout += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text) => {
    state.stderr += text;
  });
  const closed = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on('close', (status, signal) => done({ status, signal }));
  });
  return Object.assign(state, { closed });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whether a process has a log open. */
function reads(pid: number): boolean {
  return descriptorsOf(pid).some((one) => one.endsWith('/log'));
}

test('standard output and error stay separate', () => {
  const name = ended('echo out; echo err >&2; printf "no end"');
  assert.deepEqual(logs(name), { stdout: 'out\nno end', stderr: 'err\n' });
});

test('a terminal has one stream', () => {
  const name = ended('echo out; echo err >&2', ['-t']);
  assert.deepEqual(logs(name), { stdout: 'out\r\nerr\r\n', stderr: '' });
});

test('--tail, --since, --until and --timestamps', async () => {
  const name = detached('for i in 1 2 3; do echo $i; done; until [ -e /go ]; do sleep 0.05; done; echo 4');
  await waitUntil('three are in the log', () => logs(name).stdout === '1\n2\n3\n');
  home.foster(['exec', name, 'touch', '/go']);
  home.foster(['wait', name]);
  assert.equal(logs('--tail', '2', name).stdout, '3\n4\n');
  assert.equal(logs('-n', '0', name).stdout, '');
  assert.equal(logs('--tail', 'all', name).stdout, '1\n2\n3\n4\n');
  const lines = logs('-t', name).stdout.split('\n').slice(0, -1);
  for (const [index, line] of lines.entries()) {
    assert.match(line, new RegExp(`^20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z ${index + 1}$`));
  }
  const [third = '', last = ''] = lines.slice(2).map((line) => line.split(' ')[0]);
  assert.equal(logs('--since', last, name).stdout, '4\n');
  const before = new Date((Date.parse(third) + Date.parse(last)) / 2).toISOString();
  assert.equal(logs('--until', before, name).stdout, '1\n2\n3\n');
  assert.equal(logs('--since', '1h', name).stdout, '1\n2\n3\n4\n');
});

test('--tail of a growing log', async () => {
  const name = detached('i=0; while :; do i=$((i + 1)); echo $i; done', ['--log-opt', 'max-size=100m']);
  await waitUntil('it has written much', () => statSync(join(containerFolder(name), 'log')).size > 1_000_000);
  for (let round = 0; round < 10; round++) {
    const lines = logs('--tail', '3', name).stdout.trimEnd().split('\n');
    assert.equal(lines.length, 3, `${lines.length} lines`);
    assert.equal(Number(lines[2]), Number(lines[0]) + 2);
  }
  home.foster(['rm', '-f', name]);
});

test('following ends with the container, and misses nothing', async () => {
  const name = detached('for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done; echo bye >&2');
  const state = follow(name);
  assert.deepEqual(await state.closed, { status: 0, signal: null });
  assert.equal(state.stdout, 'line 1\nline 2\nline 3\nline 4\nline 5\n');
  assert.equal(state.stderr, 'bye\n');
});

test('following shows output as it arrives', async () => {
  const name = detached('echo first; read x; echo second', ['-i']);
  const state = follow(name);
  await waitUntil('the first line is there', () => state.stdout === 'first\n');
  home.foster(['kill', name]);
  assert.deepEqual(await state.closed, { status: 0, signal: null });
});

test('following continues through a restart, and ends with the container', async () => {
  const name = detached('echo run; sleep 0.1; exit 1', ['--restart', 'on-failure:2']);
  const state = follow(name);
  assert.deepEqual(await state.closed, { status: 0, signal: null });
  assert.equal(state.stdout, 'run\nrun\nrun\n');
});

test('Ctrl-C ends it like cat', async () => {
  const name = detached('echo here; sleep 1000');
  const state = follow(name);
  await waitUntil('it follows', () => state.stdout === 'here\n');
  state.child.kill('SIGINT');
  assert.deepEqual(await state.closed, { status: null, signal: 'SIGINT' });
});

test('no byte is lost or duplicated while files are rotated', async () => {
  // A reader that is slow may lose what is rotated away before it looks. So the writer is at most two files ahead.
  const STEPS = 5;
  const once = Array.from({ length: 10_000 }, (_, index) => `${index + 1}\n`).join('');
  const step = once.repeat(8);
  const awaits = (index: string) => `until [ -e /shared/go${index} ]; do sleep 0.02; done`;
  const script = `i=0; while [ $i -lt ${STEPS} ]; do ${awaits('$i')}
    for n in 1 2 3 4 5 6 7 8; do seq 1 10000; done; i=$((i+1)); done`;
  const limits = ['--log-opt', 'max-size=256k', '--log-opt', 'max-file=3'];
  const name = detached(script, [...limits, '-v', `${home.shared}:/shared`]);
  const state = follow(name);
  for (let index = 0; index < STEPS; index++) {
    await waitUntil('it has all there is', () => state.stdout.length === index * step.length);
    if (index === 0) await waitUntil('it reads the log', () => reads(state.child.pid ?? 0));
    writeFileSync(join(home.shared, `go${index}`), '');
  }
  await state.closed;
  const expected = step.repeat(STEPS);
  assert.equal(state.stdout.length, expected.length);
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  assert.equal(hash(state.stdout), hash(expected));
  const files = readdirSync(containerFolder(name)).filter((file) => file.startsWith('log'));
  assert.deepEqual(files.toSorted(), ['log', 'log.1', 'log.2']);
  assert.equal(logs('--tail', '3', name).stdout, once.split('\n').slice(-4).join('\n'));
});

test('a log that ends in the middle of a frame', () => {
  const name = ended('echo whole');
  appendFileSync(
    join(containerFolder(name), 'log'),
    Buffer.from('0102030405060708ff00000001000000616263', 'hex'),
  );
  assert.equal(logs(name).stdout, 'whole\nabc');
});

test('it ends quietly when its reader is gone', async () => {
  const name = ended('seq 1 100000');
  for (const isAnyUnread of [false, true]) {
    const state = follow(name);
    if (isAnyUnread) {
      state.child.stdout.pause();
      await waitUntilBlocked(state.child.pid ?? 0);
      state.child.stdout.destroy();
    } else state.child.stdout.once('data', () => state.child.stdout.destroy());
    const { status, signal } = await state.closed;
    assert.deepEqual({ status, signal, stderr: state.stderr }, { status: 0, signal: null, stderr: '' });
  }
});

test('also if the reader is a socket with unread data', async () => {
  const name = ended('seq 1 200000');
  for (let round = 0; round < 3; round++) {
    const child = spawn(FOSTER, ['logs', name], { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.stdout.once('readable', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on('close', resolve));
    assert.deepEqual([status, stderr], [0, '']);
  }
});

test('a container in the foreground has a log, wherever else its output goes', async () => {
  const inFront = (name: string, script: string, stdio: StdioOptions) => {
    after(() => home.foster(['rm', '-f', name]));
    return spawn(FOSTER, ['run', '--name', name, 'busybox', 'sh', '-c', script], { env: home.env, stdio });
  };
  const both = inFront('front-1', 'echo out; echo err >&2; exec sleep 1000', ['ignore', 'pipe', 'pipe']);
  await waitUntil('the log has it', () => home.foster(['logs', 'front-1']).stdout === 'out\n');
  assert.equal(home.foster(['logs', 'front-1']).stderr, 'err\n');
  assert.equal(home.foster(['kill', 'front-1']).status, 0);
  await new Promise((done) => both.on('close', done));
  const none = inFront('front-2', 'echo to nobody; exec sleep 1000', 'ignore');
  await waitUntil('the log has it', () => home.foster(['logs', 'front-2']).stdout === 'to nobody\n');
  assert.equal(home.foster(['kill', 'front-2']).status, 0);
  await new Promise((done) => none.on('close', done));
});

test('nothing is lost or duplicated in it, whether its reader is fast, slow, or a file', async () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join('');
  for (const [name, reader, count] of [
    ['front-fast', 'cat > /dev/null', 300_000],
    ['front-slow', 'while head -c 30000 | grep -q .; do sleep 0.01; done', 200_000],
    ['front-file', `cat > ${join(home.folder, 'taken')}`, 100_000],
    ['front-direct', undefined, 100_000],
  ] as const) {
    after(() => home.foster(['rm', '-f', name]));
    const target = join(home.folder, `taken-${name}`);
    const run = `${FOSTER} run --name ${name} busybox seq ${count}`;
    const { status } = spawnSync('sh', ['-c', `${run} ${reader ? `| (${reader})` : `> ${target}`}`], {
      env: home.env,
    });
    assert.equal(status, 0, name);
    const { stdout } = spawnSync(FOSTER, ['logs', name], {
      env: home.env,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    assert.equal(sha256(stdout), sha256(lines(count)), name);
    if (reader === undefined) assert.equal(sha256(readFileSync(target, 'utf8')), sha256(lines(count)));
  }
});

test('with --rm the output goes to foster run and to attached clients, and there is no log', async () => {
  after(() => home.foster(['rm', '-f', 'front-rm']));
  const script = 'echo first; while [ ! -e /go ]; do sleep 0.1; done; echo second; exec sleep 1000';
  const running = home.start(['--rm', '--name', 'front-rm', 'busybox', 'sh', '-c', script]);
  await running.says('first\n');
  const { status, stdout, stderr } = home.foster(['logs', 'front-rm']);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /front-rm has no log: .* with --rm; .* use -d, or omit --rm/);
  const watcher = spawn(FOSTER, ['attach', 'front-rm'], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = '';
  watcher.stdout.setEncoding('utf8').on('data', (text) => {
    seen += text;
  });
  await waitUntil('it is attached to', () => readProcess(watcher.pid ?? 0)?.name === 'foster-attach');
  assert.equal(home.foster(['exec', 'front-rm', 'touch', '/go']).status, 0);
  await running.says('second\n');
  await waitUntil('the watcher sees what comes', () => seen === 'second\n');
  assert.equal(home.foster(['kill', 'front-rm']).status, 0);
  await running.ended;
});

test('the log keeps the last part of endless output in the foreground', () => {
  after(() => home.foster(['rm', '-f', 'front-much']));
  const script = `${FOSTER} run --name front-much busybox sh -c 'head -c 60000000 /dev/zero; echo end' > /dev/null`;
  assert.equal(spawnSync('sh', ['-c', script], { env: home.env }).status, 0);
  const folder = containerFolder('front-much');
  const sizes = readdirSync(folder).flatMap((file) =>
    file.startsWith('log') ? statSync(join(folder, file)).size : [],
  );
  assert.ok(sizes.length === 2 && sizes.every((size) => size <= 16 << 20), `${sizes}`);
  assert.equal(home.foster(['logs', '--tail', '1', 'front-much']).stdout.slice(-4), 'end\n');
});

test('--details shows the labels and variables that --log-opt names, after the time', () => {
  const options = ['--log-opt', 'labels=team,size', '--log-opt', 'env=COLOUR,NONE', '--log-opt', 'tag=t1'];
  const flags = [...options, '--label', 'team=a b', '--label', 'other=x', '-e', 'COLOUR=dark,red'];
  home.run(['--name', 'detailed', ...flags, 'busybox', 'echo', 'line']);
  const details = 'COLOUR=dark%2Cred,tag=t1,team=a+b';
  assert.equal(home.foster(['logs', '--details', 'detailed']).stdout, `${details} line\n`);
  const stamped = home.foster(['logs', '--details', '-t', '--names', 'detailed']).stdout;
  assert.match(stamped, /^detailed \d{4}-\d\d-\d\dT\S+Z COLOUR=dark%2Cred,tag=t1,team=a\+b line\n$/);
  home.run(['--name', 'plain', 'busybox', 'echo', 'line']);
  assert.equal(home.foster(['logs', '--details', 'plain']).stdout, ' line\n');
});

test('errors', () => {
  assert.match(home.foster(['logs', 'nobody']).stderr, /no such container: nobody/);
  const name = ended('true');
  assert.match(home.foster(['logs', '--tail', 'x', name]).stderr, /--tail 'x': expected a number of lines/);
  assert.match(home.foster(['logs', '--since', 'x', name]).stderr, /--since 'x': expected a time/);
});

test('nothing is left behind', async () => {
  for (const name of home.foster(['ps', '-aq']).stdout.split('\n').filter(Boolean))
    home.foster(['rm', '-f', name]);
  await home.assertNothingLeft();
});
