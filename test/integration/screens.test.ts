/** What commands print on narrow and wide terminals, on one that can do nothing, without colours, to a pipe, and to nobody. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { DebianRegistry } from './support/registry.js';
import { Tmux } from './support/tmux.js';
import { DEADLINE } from './support/wait.js';

const home = new Home();
const containers = new Containers(home);
const archive = join(home.folder, 'large.tar');

before(() => {
  containers.detach('web', 'touch /new; exec sleep 1000');
  containers.ok('commit', '-m', 'a comment', 'web', 'localhost/a-name/that-is/rather-long:1');
  const root = join(home.folder, 'large');
  mkdirSync(join(root, 'bin'), { recursive: true });
  execFileSync('cp', ['/bin/busybox', join(root, 'bin/true')]);
  writeFileSync(join(root, 'file'), Buffer.alloc(4_000_000, 'x'));
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
});

after(() => containers.removeAll());

/** Commands that print a table or a list, once. */
const TABLES = [
  'ps -a',
  'ps --no-trunc',
  'images',
  'images --digests',
  'images --tree',
  'history localhost/a-name/that-is/rather-long:1',
  'top web',
  'top --tree web',
  'stats --no-stream web',
  'system df',
  'system df -v',
  'events --since 1h --until 0s',
  'diff web',
  'info',
  'version',
];

const ESCAPE = String.fromCharCode(27);

interface Screen {
  columns?: number;
  env?: Record<string, string>;
}

/** What a command line writes to a terminal of a width, all of it. */
function onTerminal(line: string, { columns = 80, env = {} }: Screen): string {
  const { stdout, status } = spawnSync(
    'script',
    ['-qec', `stty cols ${columns} rows 24; ${line}`, '/dev/null'],
    {
      env: { ...home.env, TERM: 'xterm', PATH: `${home.folder}:${process.env.PATH}`, FOSTER, ...env },
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, `${line}: ${stdout}`);
  return stdout.replaceAll('\r\n', '\n');
}

/** Numbers, and the columns that their widths make, differ from one moment to the next. */
function withoutNumbers(text: string): string {
  return text
    .replace(/Less than a second|About a minute|\d+ (second|minute)s?/g, '# seconds')
    .replace(/[\d.,:]+/g, '#')
    .replace(/ +/g, ' ');
}

/** What each of TABLES prints to a pipe. */
const piped: string[] = [];

for (const { title, ...screen } of [
  { title: '40 columns', columns: 40 },
  { title: '80 columns', columns: 80 },
  { title: '200 columns', columns: 200 },
  { title: 'TERM=dumb', env: { TERM: 'dumb' } },
  { title: 'NO_COLOR', env: { NO_COLOR: '1' } },
]) {
  test(`tables are the same on a terminal with ${title} as in a pipe, without control characters`, () => {
    const script = TABLES.map((line) => `"$FOSTER" ${line}; echo '---'`).join('; ');
    const shown = onTerminal(script, screen).split('---\n');
    for (const [index, line] of TABLES.entries()) {
      piped[index] ??= containers.ok(...line.split(' '));
      const wanted = piped[index];
      assert.equal(withoutNumbers(shown[index] ?? ''), withoutNumbers(wanted), line);
      assert.ok(!shown[index]?.includes(ESCAPE), line);
      assert.ok(wanted.length > 0, line);
    }
  });
}

test('help fits the terminal, and breaks between words only', () => {
  for (const columns of [40, 80, 200]) {
    for (const command of ['', 'run', 'ps', 'image ls', 'build', 'system df']) {
      const lines = onTerminal(`"$FOSTER" ${command} --help`, { columns }).split('\n');
      const long = lines.filter((line) => line.length > columns && /\S\s+\S/.test(line));
      assert.deepEqual(long, [], `${command} in ${columns} columns`);
    }
  }
});

test('errors are in colour on a terminal, but with TERM=dumb or NO_COLOR', () => {
  const line = '"$FOSTER" inspect nobody; true';
  assert.ok(onTerminal(line, {}).includes(`${ESCAPE}[1;31mfoster:`));
  for (const env of [{ TERM: 'dumb' }, { NO_COLOR: '1' }]) {
    const shown = onTerminal(line, { env });
    assert.ok(/^foster: no such container.*: nobody/m.test(shown), shown);
    assert.ok(!shown.includes(ESCAPE), shown);
  }
});

// An archive that takes long enough for a bar to be drawn, which begins after 0.2 s.
const SLOW_RUN = `(head -c 2000000 "$ARCHIVE"; sleep 0.6; tail -c +2000001 "$ARCHIVE") | "$FOSTER" run --rm - /bin/true`;

test('progress is drawn on a terminal that can move its cursor, and leaves nothing there', () => {
  const shown = onTerminal(SLOW_RUN, { columns: 40, env: { ARCHIVE: archive } });
  assert.match(shown, /standard input: \d/);
  assert.ok(
    shown.includes(`${ESCAPE}[?7l`),
    'what is too long for the terminal is not continued on the next line',
  );
  assert.ok(shown.endsWith(`${ESCAPE}[2K`), 'the line is cleared');
});

test('progress is not drawn with TERM=dumb, nor where standard error is no terminal', () => {
  execFileSync(FOSTER, ['system', 'prune', '-f'], { env: home.env });
  assert.equal(onTerminal(SLOW_RUN, { env: { ARCHIVE: archive, TERM: 'dumb' } }), '');
  execFileSync(FOSTER, ['system', 'prune', '-f'], { env: home.env });
  assert.equal(onTerminal(`(${SLOW_RUN}) 2>&1 | cat`, { env: { ARCHIVE: archive } }), '');
});

test('pull, push, load, save and build: bars on a terminal, plain lines with TERM=dumb and in a pipe', async () => {
  const registry = await DebianRegistry.start(join(home.folder, 'registry'));
  try {
    const name = `${registry.host}/large:1`;
    const root = join(home.folder, 'context');
    mkdirSync(root);
    writeFileSync(join(root, 'file'), Buffer.alloc(4_000_000, 'y'));
    writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\nCOPY file /\n');
    const saved = join(home.folder, 'saved.tar');
    const lines = [
      `build --no-cache -t ${name} ${root}`,
      `push --tls-verify=false ${name}`,
      `rmi ${name}`,
      `pull --tls-verify=false ${name}`,
      `save -o ${saved} ${name}`,
      `rmi ${name}`,
      `load -i ${saved}`,
    ].map((line) => `"$FOSTER" ${line}`);
    const onScreen = onTerminal(lines.join(' && '), { columns: 40 });
    assert.ok(onScreen.includes(ESCAPE), 'bars are drawn');
    const ends = onScreen.split('\n').filter((line) => line.includes(`${ESCAPE}[?7l`));
    assert.ok(ends.length > 0, 'bars that are too long are not continued on the next line');
    for (const [line, env] of [
      [lines.join(' && '), { TERM: 'dumb' }],
      [`(${lines.join(' && ')}) 2>&1 | cat`, {}],
    ] as const) {
      const shown = onTerminal(`rm -f ${saved}; ${line}`, { columns: 40, env });
      assert.ok(!shown.includes(ESCAPE) && !shown.includes('\r'), shown);
      assert.match(shown, /Pull complete|Loaded image/);
    }
  } finally {
    await registry.stop();
  }
});

test('stats with TERM=dumb prints one table after the other', async () => {
  const person = new Tmux(home);
  const output = join(home.folder, 'stats');
  try {
    await person.seesPrompt();
    person.types(`TERM=dumb script -qec 'foster stats web' ${output}`);
    await person.sees(/CONTAINER ID[\s\S]*CONTAINER ID/);
    person.presses('C-c');
    await person.seesPrompt();
    assert.ok(!readFileSync(output, 'utf8').includes(ESCAPE));
  } finally {
    person.leaves();
  }
});

for (const columns of [40, 80, 200]) {
  test(`stats draws over what it has drawn in ${columns} columns`, async () => {
    const person = new Tmux(home, { columns, rows: 24 });
    try {
      await person.seesPrompt();
      person.types('foster stats web');
      await person.sees(/web +\d/);
      const before = person.screen();
      containers.ok('exec', '-d', 'web', 'sleep', '1000');
      const screen = await waitForOther(person, before);
      assert.equal(screen.split('CONTAINER ID').length - 1, 1, screen);
      person.presses('C-c');
      await person.seesPrompt();
    } finally {
      person.leaves();
    }
  });
}

/** Waits until there is something else on the screen. */
async function waitForOther(person: Tmux, before: string): Promise<string> {
  const lines = before.split('\n');
  await person.sees(new RegExp(`^(?!${escapeForRegExp(lines.join('\n'))}$)`));
  return person.screen();
}

function escapeForRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

test('a reader that goes early is no error', () => {
  for (const line of [
    ...TABLES,
    'stats web',
    'events --since 1h',
    'logs web',
    '--help',
    'inspect web',
    'completion bash',
  ]) {
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `"$FOSTER" ${line} | head -n 0; echo "\${PIPESTATUS[0]}"`],
      {
        env: { ...home.env, FOSTER },
        encoding: 'utf8',
        input: '',
        timeout: DEADLINE,
      },
    );
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '0\n', stderr: '' }, line);
  }
});
