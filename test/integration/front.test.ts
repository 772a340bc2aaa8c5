import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers, descriptorsOf } from './support/containers.js';
import { FOSTER, Home, type Result } from './support/foster.js';
import { change, NO_NODE, withoutNumbers } from './support/front.js';
import { readProcess } from './support/processes.js';
import { fosterAtTerminal } from './support/terminal.js';
import { Tmux } from './support/tmux.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** `foster exec` without Node: src/init/front. */
const home = new Home();
const containers = new Containers(home);

/** Node cannot be found, so what works has been done by the front. */
const WITHOUT_NODE = { PATH: '/nonexistent' };
const WITHOUT_FRONT = { FOSTER_NO_FRONT: '1' };

let id = '';

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const exec = (args: string[], env: Record<string, string> = {}, input = ''): Result =>
  home.foster(['exec', ...args], { env, input });

/** With a terminal as standard input, where somebody types. */
const inTerminal = (args: string[], env: Record<string, string> = {}): Result =>
  fosterAtTerminal(home, ['exec', ...args], args.includes('cat') ? 'typed\n' : '', env);

/** Node does it once in each way, and leaves the templates; those of users not while its /etc/passwd has just been made. */
async function prepare(name: string): Promise<void> {
  const folder = join(home.folder, 'data/foster/containers', containers.inspect(name, '{{.Id}}'));
  await waitUntil('a template for a user is left', () => {
    exec(['-u', '33', name, 'true']);
    return existsSync(join(folder, 'exec-u33'));
  });
  for (const flags of [[], ['-d'], ['-t']]) assert.equal(exec([...flags, name, 'true']).status, 0);
  assert.equal(inTerminal(['-it', name, 'true']).status, 0);
  assert.equal(inTerminal(['-it', '-u', '33', name, 'true']).status, 0);
  for (const user of ['0', '33', '5:33']) assert.equal(exec(['-u', user, name, 'true']).status, 0);
}

before(async () => {
  id = containers.detach('web', 'sleep 1000', [
    '-e',
    'OWN=value',
    '-w',
    '/usr/bin',
    '--label',
    'a=b c',
    '-u',
    '5:6',
    '--group-add',
    '44',
    '--umask',
    '0027',
  ]);
  containers.detach('root', 'sleep 1000');
  for (const name of ['web', 'root']) await prepare(name);
});

const EVERYTHING = [
  'cat /proc/self/status',
  'cat /proc/self/mountinfo',
  'cat /proc/self/limits',
  'cat /proc/self/cgroup',
  'cat /proc/self/oom_score_adj',
  'cat /proc/self/sessionid',
  'for one in /proc/self/ns/*; do readlink $one; done',
  'ls -l /proc/self/fd',
  'env',
  'pwd',
  'id',
  'umask',
  'ulimit -a',
  'tty',
  'echo error >&2',
  'cat',
].join('; ');

/** Words after `foster exec`; standard input is "input". */
const SAME: [title: string, args: string[]][] = [
  ['all that a process can see of itself', ['web', 'sh', '-c', EVERYTHING]],
  ['the same with -i', ['-i', 'web', 'sh', '-c', EVERYTHING]],
  ['the same as root', ['-i', 'root', 'sh', '-c', EVERYTHING]],
  ['the same in a terminal that can be left', ['-it', 'web', 'sh', '-c', EVERYTHING]],
  ['the same there as root', ['-i', '-t', 'root', 'sh', '-c', EVERYTHING]],
  ['input in a terminal', ['-it', '-e', 'A=b', 'web', 'cat']],
  ['a name that is not there, in a terminal', ['-it', 'web', 'nope']],
  ['a file that is no program, in a terminal', ['-it', 'web', '/etc/passwd']],
  [
    'an exit code in a terminal',
    ['-it', '-e', 'A=b', '-w', '/tmp', 'web', 'sh', '-c', 'echo $A $OWN; pwd; exit 5'],
  ],
  ['a signal in a terminal', ['-it', 'web', 'sh', '-c', 'kill -9 $$']],
  ['the same in a terminal', ['-t', 'web', 'sh', '-c', EVERYTHING.replace(/; cat$/, '')]],
  ['by id', ['ID', 'env']],
  ['by the start of an id', ['START', 'env']],
  ['as another user', ['-u', '33', 'web', 'sh', '-c', EVERYTHING]],
  ['as root', ['--user', '0', '-w', '/', 'web', 'sh', '-c', EVERYTHING]],
  [
    'as another user and group, with another home',
    ['-u', '5:33', '-e', 'HOME=/x', 'root', 'sh', '-c', EVERYTHING],
  ],
  ['as another user in a terminal that can be left', ['-it', '-u', '33', 'root', 'sh', '-c', EVERYTHING]],
  ['in another directory', ['-w', '/tmp', 'web', 'pwd']],
  ['in the root', ['--workdir', '/', 'web', 'pwd']],
  ['-e', ['-e', 'OWN=other', '-e', 'NEW=a b=c', '-e', 'EMPTY=', 'web', 'env']],
  ['-e of the caller', ['-e', 'HOME', '-e', 'NOT_SET', '--env', 'LANG', 'web', 'env']],
  ['a variable twice', ['-e', 'A=1', '-e', 'B=2', '-e', 'A=3', 'web', 'env']],
  ['-i', ['-i', 'web', 'cat']],
  ['--interactive', ['--interactive', 'web', 'wc', '-c']],
  ['no -i', ['web', 'cat']],
  ['arguments', ['web', 'printf', '[%s]', '', 'a b', '"', "'", '\\', 'ä\n', '*', '-e']],
  ['an absolute path', ['web', '/bin/echo', 'x']],
  ['a relative path', ['web', '../bin/../bin/../../bin/echo', 'x']],
  ['an exit code', ['web', 'sh', '-c', 'exit 7']],
  ['a signal', ['web', 'sh', '-c', 'kill -9 $$']],
  ['both streams', ['web', 'sh', '-c', 'echo out; echo err >&2; exit 3']],
  ['a name that is not there', ['web', 'nope']],
  ['a path that is not there', ['web', '/nope/nope']],
  ['a directory', ['web', '/bin']],
  ['a file that is no program', ['web', '/etc/passwd']],
  ['many arguments', ['web', 'sh', '-c', 'echo $#', ...Array.from({ length: 300 }, () => 'x')]],
  ['much output', ['web', 'sh', '-c', 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done']],
];

for (const [title, words] of SAME) {
  test(`the same by Node and without it: ${title}`, () => {
    const args = words.map((word) => (word === 'ID' ? id : word === 'START' ? id.slice(0, 12) : word));
    const [byNode, byFront] = [WITHOUT_FRONT, WITHOUT_NODE].map((env) => {
      const isTyped = args.includes('-it') || (args.includes('-i') && args.includes('-t'));
      const result = isTyped ? inTerminal(args, env) : exec(args, env, 'input');
      return { ...result, stdout: withoutNumbers(result.stdout), event: containers.events(id).at(-1) };
    });
    assert.doesNotMatch(byFront?.stderr ?? '', NO_NODE);
    assert.deepEqual(byFront, byNode);
  });
}

test('in the background', async () => {
  const [byNode, byFront] = [WITHOUT_FRONT, WITHOUT_NODE].map((env, index) => {
    const result = exec(
      ['-d', '-e', `N=${index}`, 'root', 'sh', '-c', `env >/tmp/env${index}; sleep 10${index}`],
      env,
    );
    return { ...result, event: containers.events(id).at(-1)?.replace(/\d/g, '') };
  });
  assert.deepEqual(byFront, byNode);
  assert.equal(byFront?.status, 0);
  const environment = (index: number) =>
    exec(['root', 'sh', '-c', `cat /tmp/env${index} || true`]).stdout.replace(`N=${index}`, 'N=');
  await waitUntil('both have written', () => environment(1) !== '' && environment(1) === environment(0));
  const parents = containers.ok('exec', 'root', 'ps', '-o', 'ppid,args').match(/^ *\d+ .*sleep 10[01]$/gm);
  assert.deepEqual(
    parents?.map((line) => line.trim().split(' ')[0]),
    ['1', '1'],
  );
  assert.match(exec(['-d', 'root', 'nope']).stderr, /^foster: cannot run "nope"/);
});

test('without -i, nothing holds the standard input of the caller', async () => {
  const path = join(home.shared, 'input');
  writeFileSync(path, '');
  const input = openSync(path, 'r');
  const env = { ...home.env, ...WITHOUT_NODE };
  const child = spawn(FOSTER, ['exec', 'root', 'sleep', '1000'], {
    env,
    stdio: [input, 'ignore', 'inherit'],
  });
  closeSync(input);
  const { pid = 0 } = child;
  await waitUntil('it is the monitor', () => readProcess(pid)?.name === 'foster-monitor');
  assert.deepEqual(
    descriptorsOf(pid).filter((one) => one.endsWith(path)),
    [],
  );
  child.kill();
  await once(child, 'exit');
});

test('a terminal of the right size', async () => {
  const person = new Tmux(home, { columns: 90, rows: 20 });
  person.types(`PATH=/nonexistent ${FOSTER} exec -t root sh -c 'stty size; tty; exit 4'`);
  await person.sees(/20 90\n\/dev\/pts\/\d+/);
  await person.seesPrompt();
  person.types('echo code $?');
  await person.sees('code 4');
  person.clears();
  const script = 'stty size; tty; until test -e /tmp/go; do sleep 0.05; done; touch /tmp/gone';
  person.types(`PATH=/nonexistent ${FOSTER} exec -it root sh -c '${script}'`);
  await person.sees(/20 90\n\/dev\/pts\/\d+/);
  person.presses('C-p', 'C-q');
  await person.sees(/detached/);
  containers.ok('exec', 'root', 'touch', '/tmp/go');
  await waitUntil('it has ended', () => exec(['root', 'test', '-e', '/tmp/gone']).status === 0);
  person.leaves();
});

/** What the front leaves to Node. */
const LEFT: string[][] = [
  ['-u', 'root', 'web', 'true'],
  ['-u', '0:root', 'web', 'true'],
  ['-u', '0:', 'web', 'true'],
  ['-u', ':0', 'web', 'true'],
  ['-u', '0:0:0', 'web', 'true'],
  ['-u', '-1', 'web', 'true'],
  ['-u', '00000000000', 'web', 'true'],
  ['-u', '1', 'web', 'true'], // no such template
  ['-u'],
  ['-w', '/tmp/../usr', 'web', 'true'],
  ['-w', '/usr/', 'web', 'true'],
  ['-w', '//usr', 'web', 'true'],
  ['-w', 'usr', 'web', 'true'],
  ['-w', '', 'web', 'true'],
  ['-w', '/not/there', 'web', 'true'],
  ['--privileged', 'web', 'true'],
  ['--env-file', '/dev/null', 'web', 'true'],
  ['-e', 'PATH=/bin', 'web', 'true'],
  ['-e', '=x', 'web', 'true'],
  ['-e'],
  ['--tty=false', 'web', 'true'],
  ['-dt', 'web', 'true'],
  ['-it', 'web', 'true'], // without a terminal
  ['-x', 'web', 'true'],
  ['-', 'web', 'true'],
  ['--', 'web', 'true'],
  ['--help'],
  ['web'],
  ['web', ''],
  ['web', 'nope"'],
  ['web', 'x'.repeat(2000)],
  ['../containers/web', 'true'],
  ['missing', 'true'],
  [],
];

test('at the least doubt, Node does it', () => {
  for (const args of LEFT) assert.match(exec(args, WITHOUT_NODE).stderr, NO_NODE, args.join(' '));
  assert.match(exec(['web', 'true'], { ...WITHOUT_NODE, ...WITHOUT_FRONT }).stderr, NO_NODE);
  assert.match(exec(['web', 'true'], { ...WITHOUT_NODE, XDG_DATA_HOME: 'relative' }).stderr, NO_NODE);
  assert.equal(exec(['web', 'true'], WITHOUT_NODE).status, 0);
});

test('a container that is paused, or has ended, is left to Node', async () => {
  containers.detach('short', 'sleep 1000');
  await prepare('short');
  containers.ok('pause', 'short');
  assert.match(exec(['short', 'true'], WITHOUT_NODE).stderr, NO_NODE);
  containers.ok('unpause', 'short');
  assert.equal(exec(['short', 'true'], WITHOUT_NODE).status, 0);
  containers.ok('kill', 'short');
  await containers.waitFor('short', 'exited');
  assert.match(exec(['short', 'true'], WITHOUT_NODE).stderr, NO_NODE);
  assert.match(exec(['short', 'true']).stderr, /is not running/);
  containers.ok('start', 'short');
  assert.equal(exec(['short', 'true']).status, 0);
  assert.equal(exec(['short', 'true'], WITHOUT_NODE).status, 0);
});

/** Changes after which a template must not be used. */
const SPOILED: [title: string, spoil: (template: string) => void][] = [
  ['deleted', (path) => rmSync(path)],
  ['empty', (path) => truncateSync(path, 0)],
  ['cut short', (path) => truncateSync(path, readFileSync(path).length - 1)],
  ['longer', (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(8)]))],
  [
    'of another version',
    (path) => change(path, (bytes) => bytes.writeUInt32LE(bytes.readUInt32LE(4) + 1, 4)),
  ],
  ['of another kind', (path) => change(path, (bytes) => bytes.writeUInt32LE(2, 12))],
  ['of another config.json', (path) => change(path, (bytes) => bytes.writeUInt32LE(1, 40))],
  ['of another build', (path) => change(path, (bytes) => bytes.writeUInt32LE(1, 136))],
  ['with offsets beyond its end', (path) => change(path, (bytes) => bytes.fill(0xff, 176, 208))],
  ['writable by others', (path) => chmodSync(path, 0o622)],
  [
    'a directory',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
  ],
  [
    'a link',
    (path) => {
      renameSync(path, `${path}.moved`);
      symlinkSync(`${path}.moved`, path);
    },
  ],
];

for (const [title, spoil] of SPOILED) {
  test(`a template that is ${title} is not used, and is replaced`, () => {
    const template = join(containers.folder(id), 'exec');
    spoil(template);
    assert.match(exec(['web', 'true'], WITHOUT_NODE).stderr, NO_NODE);
    assert.equal(exec(['web', 'true']).status, 0);
    if (title === 'a directory') rmSync(template, { recursive: true, force: true });
    exec(['web', 'true']);
    assert.equal(exec(['web', 'echo', 'x'], WITHOUT_NODE).stdout, 'x\n');
  });
}

test('a change of the container is seen', () => {
  containers.ok('rename', 'web', 'other');
  assert.match(exec(['web', 'true'], WITHOUT_NODE).stderr, NO_NODE);
  assert.match(exec(['other', 'true'], WITHOUT_NODE).stderr, NO_NODE);
  assert.equal(exec(['other', 'true']).status, 0);
  assert.equal(exec(['other', 'true'], WITHOUT_NODE).status, 0);
  const line = readFileSync(join(home.folder, 'data/foster/events'), 'utf8').trimEnd().split('\n').at(-1);
  assert.match(line ?? '', new RegExp(`^\\d+ exec ${id} other `));
  containers.ok('rename', 'other', 'web');
  assert.equal(exec(['web', 'true']).status, 0);
});

test('a change of the users of the container is seen', async () => {
  const asUser = (env: Record<string, string> = {}) =>
    exec(['-u', '33', 'root', 'sh', '-c', 'id; echo $HOME'], env);
  assert.match(asUser(WITHOUT_NODE).stdout, /www-data[\s\S]*\/var\/www/);
  for (const change of ["sed -i 's|/var/www|/other|' /etc/passwd", 'echo more:x:77:www-data >> /etc/group']) {
    containers.ok('exec', 'root', 'sh', '-c', change);
    assert.match(asUser(WITHOUT_NODE).stderr, NO_NODE);
    const by = asUser();
    assert.match(by.stdout, /\/other/);
    // only files that did not just change make a template
    await waitUntil('there is a new template', () => asUser() && asUser(WITHOUT_NODE).status === 0);
    assert.deepEqual(asUser(WITHOUT_NODE), by);
  }
  assert.match(asUser(WITHOUT_NODE).stdout, /77\(more\)/);
});

test('as npm installs it: a link in a folder of commands', () => {
  const prefix = join(home.folder, 'prefix');
  const links: [link: string, target: string, isKnown: boolean][] = [
    ['bin/foster', '../lib/node_modules/foster/dist/foster', true],
    ['lib/node_modules/.bin/foster', '../foster/dist/foster', true],
    ['../elsewhere/foster', FOSTER, false],
  ];
  mkdirSync(join(prefix, 'lib/node_modules'), { recursive: true });
  symlinkSync(dirname(dirname(FOSTER)), join(prefix, 'lib/node_modules/foster'));
  for (const [link, target, isKnown] of links) {
    const path = join(prefix, link);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
    const { status, stderr } = spawnSync(path, ['exec', 'web', 'true'], {
      env: { ...home.env, ...WITHOUT_NODE },
      encoding: 'utf8',
    });
    assert.equal(status, isKnown ? 0 : 127, `${link}: ${stderr}`);
    assert.equal(spawnSync(path, ['exec', 'web', 'true'], { env: home.env }).status, 0, link);
  }
});

test('where nothing tells which processor the machine has, Node does it', () => {
  const hide = 'f=/proc/sys/kernel/arch; [ ! -e $f ] || mount --bind /dev/null $f';
  const { status, stderr } = spawnSync(
    'unshare',
    ['-rm', 'sh', '-c', `${hide} && PATH=/nonexistent exec "$0" exec web true`, FOSTER],
    { env: home.env, encoding: 'utf8', timeout: DEADLINE },
  );
  assert.equal(status, 127, stderr);
  assert.match(stderr, /^foster: cannot find node in PATH/m);
});

test('the variable by which the front asks for a template is not passed on', () => {
  rmSync(join(containers.folder(id), 'exec'));
  assert.doesNotMatch(exec(['-e', 'FOSTER_FRONT', 'web', 'env']).stdout, /FOSTER_FRONT/);
  assert.ok(existsSync(join(containers.folder(id), 'exec')));
});
