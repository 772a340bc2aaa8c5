import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, type Result } from './support/foster.js';
import { ALL, change, EVERYTHING, FrontHome, NO_NODE, normalized } from './support/front.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

/** `foster run` without Node: src/init/front. */
const home = new FrontHome();
const containers = new Containers(home);
const { programs } = home;

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

type Env = Record<string, string>;

const run = (args: string[], env: Env = {}, input = ''): Result =>
  home.byAny(['run', ...args], { env, input });

const byNode = (args: string[], input = ''): Result => home.byNode(['run', ...args], { input });

const byFront = (args: string[], env: Env = {}, input = ''): Result =>
  home.byFront(['run', ...args], { env, input });

const isFronted = (args: string[], env: Env = {}): boolean => home.isFronted(['run', ...args], { env });

const templates = join(home.folder, 'data/foster/templates');

run(['--rm', 'busybox', 'true']); // what is found out once for all, such as the storage driver

mkdirSync(join(home.shared, 'folder'));
writeFileSync(join(home.shared, 'folder/file'), 'text\n');
writeFileSync(join(home.shared, 'env'), 'FROM_FILE=1\n# comment\nOF_CALLER\n');
const folder = join(home.shared, 'folder');

/** A root filesystem in a directory, whose files may change. */
const rootfs = join(home.shared, 'rootfs');
for (const name of ['bin', 'etc', 'proc', 'tmp', 'dev', 'sys'])
  mkdirSync(join(rootfs, name), { recursive: true });
writeFileSync(join(rootfs, 'bin/busybox'), readFileSync('/usr/bin/busybox'), { mode: 0o755 });
symlinkSync('busybox', join(rootfs, 'bin/sh'));
symlinkSync('busybox', join(rootfs, 'bin/id'));
writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nsomebody:x:5:6::/tmp:/bin/sh\n');
writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\n');

for (const name of ['filled', 'second'])
  containers.ok('run', '--rm', '-v', `${name}:/v`, 'busybox', 'sh', '-c', 'echo text > /v/file');

/** All characters that JSON escapes, but for `"` and `\`. */
const CONTROL = Array.from({ length: 31 }, (_, code) => `<${String.fromCharCode(code + 1)}>`);

/** Words after `foster run`; standard input is "input". */
const SAME: string[][] = [
  ['--rm', ...ALL],
  ['--rm', '-i', ...ALL],
  ['--rm', '--interactive', ...ALL],
  ['--rm', '-t', 'busybox', 'sh', '-c', 'env; tty; cat /proc/self/limits'],
  ['--rm', '-e', 'A=b', '-e', 'EMPTY=', ...ALL],
  ['--rm', '-e', 'OF_CALLER', '--env', 'NOT_SET', ...ALL],
  ['--rm', '-eA=b c', ...ALL],
  ['--rm', '--env=A="\'\\', ...ALL],
  ['--rm', '--env-file', 'env', ...ALL],
  ['--rm', '-w', '/tmp', ...ALL],
  ['--rm', '--workdir=/new/folder', ...ALL],
  ['--rm', '-u', '5', ...ALL],
  ['--rm', '-u', '5:6', '--group-add', '7', ...ALL],
  ['--rm', '-h', 'some-host', ...ALL],
  ['--rm', '--hostname', 'other', '--domainname', 'example', ...ALL],
  ['--rm', '-v', `${folder}:/x`, ...ALL],
  ['--rm', '-v', `${folder}:/x:ro`, '-w', '/x', ...ALL],
  ['--rm', '-v', './folder:/x', ...ALL],
  ['--rm', '-v', `${folder}/file:/f`, ...ALL],
  ['--rm', '--mount', `type=bind,source=${folder},target=/m,readonly`, ...ALL],
  ['--rm', '--mount', 'type=tmpfs,target=/t', ...ALL],
  ['--rm', '-v', 'filled:/filled', ...ALL],
  [
    '--rm',
    '-v',
    'second:/w',
    '-v',
    'filled:/v:ro',
    'busybox',
    'sh',
    '-c',
    'cat /v/file; date > /w/date; ls /w; mount',
  ],
  ['--rm', '--tmpfs', '/tmp:size=1m', ...ALL],
  ['--rm', '--read-only', ...ALL],
  ['--rm', '--read-only', '--tmpfs', '/run', ...ALL],
  ['--rm', '--privileged', ...ALL],
  ['--rm', '--cap-add', 'SYS_ADMIN', '--cap-drop', 'CHOWN', ...ALL],
  ['--rm', '--cap-drop', 'ALL', ...ALL],
  ['--rm', '--security-opt', 'seccomp=unconfined', ...ALL],
  ['--rm', '--security-opt', 'no-new-privileges=false', ...ALL],
  ['--rm', '--security-opt', 'mask=/proc/version', ...ALL],
  ['--rm', '--init', ...ALL],
  ['--rm', '--no-init', ...ALL],
  ['--rm', '--init-signal-group', ...ALL],
  ['--rm', '--network', 'host', ...ALL],
  ['--rm', '--network=none', ...ALL],
  ['--rm', '--uts', 'host', ...ALL],
  ['--rm', '--ipc', 'host', ...ALL],
  ['--rm', '--userns', 'keep-id', ...ALL],
  ['--rm', '--userns', 'auto', ...ALL],
  ['--rm', '--no-hosts', ...ALL],
  ['--rm', '--add-host', 'one:1.2.3.4', '--dns', '9.9.9.9', '--dns-search', 'example', ...ALL],
  ['--rm', '--ulimit', 'nofile=100:200', '--ulimit', 'core=0', ...ALL],
  ['--rm', '--shm-size', '1m', ...ALL],
  ['--rm', '--sysctl', 'net.ipv4.ip_forward=1', ...ALL],
  ['--rm', '--umask', '077', ...ALL],
  ['--rm', '--oom-score-adj', '500', ...ALL],
  ['--rm', '--personality', 'LINUX32', ...ALL],
  ['--rm', '--tz', 'UTC', ...ALL],
  ['--rm', '--device', '/dev/fuse', ...ALL],
  ['--rm', '--stop-signal', 'INT', '--stop-timeout', '3', ...ALL],
  ['--rm', '--timeout', '1000', ...ALL],
  ['--rm', '-l', 'a=b c', '--label', 'x', '--annotation', 'y=z', ...ALL],
  ['--rm', '--entrypoint', 'sh', 'busybox', '-c', EVERYTHING],
  ['--rm', '--entrypoint', '["sh", "-c"]', 'busybox', EVERYTHING],
  ['--rm', '--entrypoint', 'id', 'busybox'],
  ['--rm', '--entrypoint', '', 'busybox', 'id'],
  ['--rm', '--log-driver', 'none', ...ALL],
  ['--rm', '--name', 'given', ...ALL],
  ['--rm', '--pull', 'never', 'busybox', 'id'],
  ['--rm', '-q', 'busybox', 'id'],
  ['--rm', './rootfs', 'id'],
  ['--rm', rootfs, 'sh', '-c', 'id; exit 2'],
  ['--rm', '-u', 'somebody', './rootfs', 'id'],
  ['--rm', '-i', 'busybox'],
  ['--rm', '--entrypoint', '["sh", "-c"]', 'busybox', 'echo "$0: $1" \'\\x\'; exit 3', 'an "argument"'],
  ['--rm', '--entrypoint', 'printf', 'busybox', '"%s"\\n', '"', '\\'],
  ['--rm', 'busybox', 'printf', '[%s]', 'ä', '世界', '😀', '\u2028', '\u007f', ...CONTROL],
  ['--rm', '-e', 'CITY=北京', '-l', 'größe=ß', 'busybox', 'env'],
  ['--rm', 'busybox', 'printf', '[%s]', '', 'a b', '"', "'", '\\', '*', '-e', 'two\nlines\tand a tab'],
  ['--rm', 'busybox', '/bin/echo', 'x'],
  ['--rm', 'busybox', 'sh', '-c', 'kill -9 $$'],
  ['--rm', 'busybox', 'nope'],
  ['--rm', 'busybox', '/nope/nope'],
  ['--rm', 'busybox', '/etc'],
  ['--rm', '--entrypoint', 'nope', 'busybox', 'x'],
  ['--rm', 'busybox', 'sh', '-c', 'echo $#', ...Array.from({ length: 300 }, () => 'x')],
  ['--rm', 'busybox', 'sh', '-c', 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done'],
  ['--rm', 'busybox', 'sh', '-c', '(sleep 1000 & exec sh -c "exit 5")'],
];

for (const [index, args] of SAME.entries()) {
  const title = args.map((word) => (word.length > 40 ? '...' : word)).slice(0, 12);
  test(`the same by Node and without it, ${index + 1}: ${JSON.stringify(title.join(' '))}`, () => {
    const of = ({ stdout, ...rest }: Result) => ({
      ...rest,
      stdout: normalized(stdout),
      events: home.lastEvents(),
    });
    const expected = of(byNode(args, 'input'));
    run(args, {}, 'input');
    const found = of(byFront(args, {}, 'input'));
    assert.doesNotMatch(found.stderr, NO_NODE);
    assert.deepEqual(found, expected);
  });
}

/** Containers whose record stays, with what is known of them. */
const KEPT: string[][] = [
  ['busybox', 'sh', '-c', 'echo out; exit 4'],
  ['-d', ...ALL],
  ['-d', '--entrypoint', '["sh", "-c"]', 'busybox', 'echo "ä"', ...CONTROL],
  ['-d', '-l', 'a=b', '--restart', 'on-failure:3', 'busybox', 'true'],
  ['-dit', 'busybox', 'sh'],
  ['-d', '-i', '--name', 'some-name', 'busybox', 'cat'],
  ['-d', '--entrypoint', 'sleep', 'busybox', '1000'],
  ['-t', 'busybox', 'tty'],
  ['-d', '--health-cmd', 'true', '--health-interval', '1s', 'busybox', 'sleep', '1000'],
];

for (const args of KEPT) {
  test(`the same record by Node and without it: ${args.slice(0, 6).join(' ')}`, async () => {
    const records = [];
    for (const start of [byNode, run, byFront]) {
      const { status, stderr, stdout } = start(args);
      assert.doesNotMatch(stderr, NO_NODE);
      const [id = ''] = containers.ok('ps', '-aq', '--no-trunc').split('\n');
      if (args[0]?.startsWith('-d')) assert.equal(stdout, `${id}\n`);
      const own = join(home.folder, 'data/foster/containers', id);
      if (args.includes(EVERYTHING)) await containers.waitFor(id, 'exited');
      const record = JSON.parse(readFileSync(join(own, 'config.json'), 'utf8'));
      assert.ok(Math.abs(Date.parse(record.created) - Date.now()) < 600_000, record.created);
      assert.match(record.name, /^([a-z]+_[a-z]+|some-name)$/);
      const inspected = JSON.parse(containers.ok('inspect', id))[0];
      assert.equal(inspected.Name.replace('/', ''), record.name);
      records.push({
        status,
        stderr,
        record: normalized(JSON.stringify(record).replaceAll(`"${record.name}"`, '"NAME"')),
        restart: readFileSync(join(own, 'restart'), 'utf8'),
        files: readdirSync(own)
          .filter((name) => !/^(exit|live|counts|log|attach|health)/.test(name))
          .sort(),
        output: args.includes(EVERYTHING) && normalized(home.foster(['logs', id]).stdout),
        created: home.lastEvents().split('\n')[0],
      });
      containers.ok('rm', '-f', '-t', '0', id);
    }
    assert.deepEqual(records[2], records[0]);
  });
}

test('names are random, and ids too', () => {
  run(['-d', 'busybox', 'true']);
  const ids = Array.from({ length: 12 }, () => byFront(['-d', 'busybox', 'true']).stdout.trim());
  assert.equal(new Set(ids).size, ids.length);
  const names = containers.ok('ps', '-a', '--format', '{{.Names}}').trim().split('\n');
  assert.equal(new Set(names).size, names.length);
  containers.ok('rm', '-f', ...ids);
});

test('a name that is taken: Node says so, and nothing is left', () => {
  const args = ['-d', '--name', 'one', 'busybox', 'sleep', '1000'];
  run(args);
  containers.ok('rm', '-f', '-t', '0', 'one');
  assert.equal(byFront(args).status, 0);
  const before = home.leftFolders();
  assert.match(byFront(args).stderr, NO_NODE);
  assert.deepEqual(home.leftFolders(), before);
  assert.match(run(args).stderr, /the name 'one' is in use by container/);
  containers.ok('rm', '-f', '-t', '0', 'one');
});

/** Both ways to give a name. */
const NAMED = [(name: string) => ['--name', name], (name: string) => [`--name=${name}`]] as const;

test('a template serves any name, and the container is the one that Node makes', () => {
  for (const [option, ...others] of [
    [NAMED[0], 'second-one', 'x'.repeat(128), '00'],
    [NAMED[1], 'a.b_C'],
  ] as const) {
    const args = (name: string) => ['-d', '-l', '--name=label', ...option(name), ...ALL];
    const found = (name: string) => {
      containers.ok('wait', name);
      const folder = join(
        home.folder,
        'data/foster/containers',
        containers.ok('inspect', '-f', '{{.Id}}', name).trim(),
      );
      const text = {
        record: readFileSync(join(folder, 'config.json'), 'utf8'),
        output: normalized(home.foster(['logs', name]).stdout),
        events: home.lastEvents(),
        names: readdirSync(join(home.folder, 'data/foster/names')),
      };
      containers.ok('rm', name);
      assert.ok(!readdirSync(join(home.folder, 'data/foster/names')).includes(name));
      return JSON.parse(normalized(JSON.stringify(text)));
    };
    assert.equal(run(args('maker-1')).stderr, '');
    found('maker-1');
    for (const name of others) {
      assert.equal(byFront(args(name)).stderr, '', name);
      const front = found(name);
      assert.equal(byNode(args(name)).stderr, '', name);
      assert.deepEqual(front, found(name));
      assert.equal(JSON.parse(front.record).name, name);
    }
    assert.ok(!isFronted(['-d', '-l', '--name=other', ...option('third'), ...ALL]));
    for (const refused of ['x', '-x', '_x', 'a/b', 'x y', 'a'.repeat(129)])
      assert.ok(!isFronted(args(refused)), refused);
    assert.ok(!isFronted(['-d', '-l', '--name=label', '--name', 'fourth', ...option('fifth'), ...ALL]));
  }
});

/** Where a name can be besides the option: whoever made a template of these could not tell the two apart. */
const ALSO_ELSEWHERE: ((name: string) => string[])[] = [
  (name) => ['-e', `WHO=${name}`, 'busybox'],
  (name) => ['-l', `app.${name}=1`, 'busybox'],
  (name) => ['-h', name, 'busybox'],
  (name) => ['-v', `${folder}:/srv/${name}:ro`, 'busybox'],
  (name) => ['--add-host', `${name}:1.2.3.4`, 'busybox'],
  (name) => ['--annotation', `a=x${name}x`, 'busybox'],
];

test('a template is for one name, where the name is also part of something else', () => {
  for (const option of NAMED)
    for (const elsewhere of ALSO_ELSEWHERE) {
      const args = (name: string) => [
        '--rm',
        ...option(name),
        ...elsewhere(name),
        'sh',
        '-c',
        'cat /etc/hosts; env; ls /srv; hostname',
      ];
      const own = (name: string) => normalized(run(args(name)).stdout);
      const words = args('NAME').join(' ');
      const [one, two] = [own('name-one'), own('name-two')];
      assert.equal(normalized(byFront(args('name-one')).stdout), one, words);
      assert.equal(normalized(byFront(args('name-two')).stdout), two, words);
      assert.equal(one.replaceAll('name-one', 'name-two'), two, words);
      assert.ok(!isFronted(args('name-three')), words);
    }
  // short, so that it is also part of what the template depends on
  const args = (name: string) => ['--rm', '--name', name, 'busybox', 'true'];
  run(args('sh'));
  run(args('longer'));
  assert.ok(isFronted(args('another')));
  assert.ok(isFronted(args('sh')));
});

test("what it gets from another container is that one's: a template does not know whether it is the same", () => {
  const args = ['--rm', '--volumes-from', 'giver', 'busybox', 'sh', '-c', 'ls -d /one /two'];
  for (const place of ['one', 'two']) {
    containers.ok('create', '--name', 'giver', '-v', `filled:/${place}`, 'busybox', 'true');
    for (let time = 0; time < 3; time++) assert.equal(run(args).stdout, `/${place}\n`);
    containers.ok('rm', 'giver');
  }
});

test('two starts at once with the same name: one of them gets it', async () => {
  const args = ['-d', '--name', 'same', 'busybox', 'sleep', '1000'];
  run(['-d', '--name', 'model', 'busybox', 'true']);
  for (let time = 0; time < 4; time++) {
    const both = [0, 1].map(() => home.start(args, { env: home.callers, cwd: home.shared }));
    const results = await Promise.all(both.map((one) => one.ended));
    const [won, lost] = results.sort((one, other) => (one.status ?? 0) - (other.status ?? 0));
    assert.deepEqual([won?.status, lost?.status], [0, 125]);
    assert.match(lost?.stderr ?? '', /^foster: the name 'same' is in use by container/);
    assert.equal(containers.ok('inspect', '-f', '{{.Id}}', 'same'), won?.stdout);
    containers.ok('rm', '-f', '-t', '0', 'same');
  }
  containers.ok('rm', '-f', 'model');
});

test('many at once', async () => {
  const args = ['--rm', 'busybox', 'sh', '-c', 'echo $HOSTNAME'];
  run(args);
  const all = Array.from({ length: 12 }, () => home.start(args, { env: home.callers, cwd: home.shared }));
  const results = await Promise.all(all.map((one) => one.ended));
  assert.deepEqual([...new Set(results.map(({ status }) => status))], [0]);
  assert.equal(new Set(results.map(({ stdout }) => stdout)).size, all.length);
});

test('a terminal: its size, keys that detach, and the end with its owner', async () => {
  const person = new Tmux(home, { columns: 90, rows: 20 });
  const command = `cd ${home.shared}; PATH=${programs} LANG=C.UTF-8 OF_CALLER=mine ${FOSTER} run -it --name tty busybox sh`;
  person.types(command);
  await person.sees('/ #');
  person.types('exit');
  await person.seesPrompt();
  containers.ok('rm', 'tty');
  const putBack = home.takeNodeAway();
  person.types(command);
  await person.sees('/ #');
  putBack();
  person.types('stty size');
  await person.sees(/20 90/);
  person.presses('C-p', 'C-q');
  await person.seesPrompt();
  assert.equal(containers.status('tty'), 'running');
  containers.ok('rm', '-f', '-t', '0', 'tty');
  person.leaves();
});

test('-it without a terminal is refused, as by Node', async () => {
  const args = ['--rm', '-it', 'busybox', 'true'];
  for (let time = 0; time < 2; time++)
    assert.match(run(args).stderr, /^foster: the input device is not a TTY/);
  const person = new Tmux(home, { columns: 90, rows: 20 });
  person.types(
    `cd ${home.shared}; PATH=${programs} LANG=C.UTF-8 OF_CALLER=mine ${FOSTER} run --rm -it busybox true && echo it is le''ft`,
  );
  await person.sees('it is left');
  person.leaves();
  assert.match(byFront(args).stderr, NO_NODE);
  assert.equal(run(args).status, 125);
});

test('an events file that is to be rotated is left to Node, which does that', () => {
  const events = join(home.folder, 'data/foster/events');
  const plain = ['--rm', 'busybox', 'true'];
  run(plain);
  assert.ok(isFronted(plain));
  appendFileSync(events, `${'x'.repeat(99)}\n`.repeat(50_000));
  assert.ok(!isFronted(plain));
  run(plain);
  assert.ok(statSync(events).size < 4 << 20);
  assert.ok(isFronted(plain));
});

test('Ctrl-C, and a signal for the container', async () => {
  const args = [
    '--rm',
    'busybox',
    'sh',
    '-c',
    'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.02; done',
  ];
  const warm = home.start(args, { env: home.callers, cwd: home.shared });
  await warm.says('ready');
  warm.signal('SIGINT');
  await warm.ended;
  const running = home.start(args, { env: home.callers, cwd: home.shared });
  await running.says('ready');
  running.signal('SIGINT');
  const { status, stdout } = await running.ended;
  assert.deepEqual([status, stdout], [9, 'ready\ncaught\n']);
});

/** Holds the lock of a file until its standard input ends: fcntl(2), F_OFD_SETLKW. */
const HOLD = `
import fcntl, struct, sys
file = open(sys.argv[1], 'r+')
fcntl.fcntl(file, 38, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))
print('held', flush=True)
sys.stdin.read()
`;

/** What the front leaves to Node, whatever has been run before. */
const LEFT: string[][] = [
  ['--rm', '-v', '/etc', 'busybox', 'true'],
  ['--rm', '-v', 'empty:/tmp', 'busybox', 'true'],
  ['--rm', '-v', 'filled:/v:U', 'busybox', 'true'],
  ['--rm', '--health-cmd', 'true', 'busybox', 'true'],
  ['--rm', '--explain', 'busybox', 'true'],
  ['--dry-run', 'busybox', 'true'],
  ['--rm', '--init-verbose', 'busybox', 'true'],
  ['--rm', '--cidfile', 'cid', 'busybox', 'true'],
  ['--rm', '--replace', '--name', 'x', 'busybox', 'true'],
  ['--rm', '--memory', '50m', '--ignore-unenforced-limits', 'busybox', 'true'],
  ['--rm', '-a', 'stdout', 'busybox', 'true'],
  ['--rm', '--sig-proxy=false', 'busybox', 'true'],
  ['--restart', 'on-failure:1', 'busybox', 'true'],
  ['--rm', 'busybox', 'nope"'],
  ['--rm', 'busybox', 'nöpe'],
  ['--rm', '-l', 'code=\\u0001', 'busybox', 'true'],
  ['--rm', '-l', 'code=\u0002', 'busybox', 'true'],
  ['--rm', '-', 'true'],
  ['--rm', '--', 'busybox', 'true'],
  ['--help'],
  ['--rm', '--nope', 'busybox'],
  ['--rm', '-e'],
  [],
];

test('at the least doubt, Node does it', () => {
  for (const args of LEFT) {
    for (let time = 0; time < 2; time++) run(args);
    rmSync(join(home.shared, 'cid'), { force: true });
    assert.match(byFront(args).stderr, NO_NODE, args.join(' '));
  }
  containers.ok('volume', 'rm', '-f', 'empty');
  const plain = ['--rm', 'busybox', 'true'];
  run(plain);
  assert.ok(isFronted(plain));
  assert.match(byFront(plain, { FOSTER_NO_FRONT: '1' }).stderr, NO_NODE);
});

test('a health check sees what the container sees, and another start has it, too', async () => {
  const args = [
    '-d',
    '-e',
    'PART=one',
    '--health-cmd',
    'echo $PART $HOSTNAME',
    '--health-interval',
    '1s',
    'busybox',
    'sleep',
    '1000',
  ];
  run(args);
  const id = byFront(args).stdout.trim();
  const isHealthy = () =>
    home.foster(['inspect', '-f', '{{.State.Health.Status}}', id]).stdout === 'healthy\n';
  await waitUntil('it is healthy', isHealthy);
  const [first] = JSON.parse(containers.ok('inspect', '-f', '{{json .State.Health.Log}}', id));
  assert.deepEqual([first.ExitCode, first.Output], [0, `one ${id.slice(0, 12)}\n`]);
  containers.ok('stop', '-t', '0', id);
  assert.equal(home.byAny(['start', id]).stderr, '');
  containers.ok('stop', '-t', '0', id);
  assert.equal((await home.byFrontSoon(['start', id])).stderr, '');
  await waitUntil('it is healthy again', isHealthy);
  containers.ok('rm', '-f', '-t', '0', '-a');
});

test('a program with a path, and one that is looked up in PATH, whichever came first', () => {
  for (const label of ['path=first', 'path=second']) {
    const programs = label === 'path=first' ? ['/bin/echo', 'echo'] : ['echo', '/bin/echo'];
    for (const program of [...programs, ...programs]) {
      const args = ['--rm', '--label', label, 'busybox', program, 'said'];
      assert.deepEqual(run(args), { status: 0, signal: null, stdout: 'said\n', stderr: '' }, args.join(' '));
      assert.equal(byFront(args).stdout, 'said\n', args.join(' '));
    }
  }
});

test('a registry that is to be asked each time is asked each time', () => {
  const tar = join(home.shared, 'image.tar');
  const image = '127.0.0.1:1/nobody:1'; // refuses connections: then the image that is here will do
  containers.ok('create', '--name', 'source', 'busybox');
  containers.ok('export', '-o', tar, 'source');
  containers.ok('import', tar, image);
  const args = (when: string) => ['--rm', '--pull', when, image, 'true'];
  for (const when of ['missing', 'newer', 'newer']) assert.equal(run(args(when)).status, 0, when);
  assert.ok(isFronted(args('missing')));
  assert.match(byFront(args('newer')).stderr, NO_NODE);
  containers.ok('rm', 'source');
  containers.ok('rmi', image);
});

test('a volume: it is not removed while a container is being made that uses it, and another one of its name is found', async () => {
  const args = ['-d', '-v', 'filled:/v', 'busybox', 'sleep', '1000'];
  run(args);
  const id = byFront(args).stdout.trim();
  assert.match(home.foster(['volume', 'rm', 'filled']).stderr, /in use/);
  const events = readFileSync(join(home.folder, 'data/foster/events'), 'utf8').trimEnd().split('\n');
  assert.match(
    events.filter((line) => line.includes(' volume.mount ')).at(-1) ?? '',
    new RegExp(` filled container=${id} `),
  );
  containers.ok('rm', '-f', '-t', '0', '-a');
  const folder = join(home.folder, 'data/foster/volumes/filled');
  const lock = spawn('python3', ['-c', HOLD, join(folder, 'lock')], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(lock.stdout, 'data');
  assert.ok(!isFronted(args), 'somebody has its lock');
  lock.stdin.end();
  await once(lock, 'close');
  mkdirSync(join(folder, '_new'));
  assert.ok(!isFronted(args), 'a command that was killed has left something');
  run(args);
  assert.ok(!existsSync(join(folder, '_new')));
  containers.ok('rm', '-f', '-t', '0', '-a');
  containers.ok('volume', 'rm', 'filled');
  assert.ok(!isFronted(args), 'it is gone');
  assert.equal(run(args).status, 0);
  containers.ok('rm', '-f', '-t', '0', '-a');
  assert.ok(!isFronted(args), 'it is another one, and empty');
});

const PLAIN = ['--rm', './rootfs', 'id'];

/** After each of these, Node does the next run, and the front the one after it. */
const CHANGES: [title: string, change: () => void, env?: Record<string, string>][] = [
  [
    'a file that was read is written to',
    () => writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n'),
  ],
  ['a file that was not there is made', () => writeFileSync(join(rootfs, 'etc/hosts'), '')],
  ['the root filesystem is another directory', () => replaceRoot()],
  ['a variable that was read has another value', () => {}, { FOSTER_NETWORK: 'host' }],
  ['the storage driver is probed again', () => rmSync(join(home.folder, 'data/foster/storage'))],
];

function replaceRoot(): void {
  renameSync(rootfs, `${rootfs}.old`);
  mkdirSync(rootfs);
  for (const name of readdirSync(`${rootfs}.old`))
    renameSync(join(`${rootfs}.old`, name), join(rootfs, name));
}

for (const [title, change, env = {}] of CHANGES) {
  test(`a template does not hold when ${title}`, () => {
    run(PLAIN);
    assert.ok(isFronted(PLAIN));
    change();
    assert.ok(!isFronted(PLAIN, env), 'it was used');
    const { stdout, stderr } = run(PLAIN, env);
    assert.match(stdout, /^uid=0/, stderr);
    if (title.startsWith('the storage')) run(PLAIN, env); // what the first one has found out changes what it depends on
    assert.ok(isFronted(PLAIN, env), 'there is no new one');
  });
}

test('a container gets the value that a variable has now, whatever its name', () => {
  const args = ['--rm', '-e', 'NODE_ENV', 'busybox', 'sh', '-c', 'echo $NODE_ENV'];
  for (const value of ['development', 'production'])
    assert.equal(run(args, { NODE_ENV: value }).stdout, `${value}\n`);
  assert.ok(isFronted(args, { NODE_ENV: 'production' }));
});

test('what comes out of a pipe is read each time', () => {
  const pipe = join(home.shared, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const options = { env: { ...home.env, ...home.callers }, cwd: home.shared, encoding: 'utf8' } as const;
  for (const file of [pipe, '/proc/self/fd/0']) {
    const args = ['run', '--rm', '--env-file', file, 'busybox', 'sh', '-c', 'echo $A'];
    for (const value of ['1', '2']) {
      const writer = spawn('sh', ['-c', 'echo "A=$0" >pipe', value], { cwd: home.shared });
      const script = 'value=$0; echo "A=$value" | "$@"';
      const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script, value, FOSTER, ...args], options);
      writer.kill();
      assert.equal(stdout, `${value}\n`, stderr);
    }
  }
});

test('what fails while PID 1 runs the plan: Node says why, and nothing is left', () => {
  const args = ['--rm', '-w', '/tmp/here', './rootfs', 'id'];
  run(args);
  assert.ok(isFronted(args));
  const before = home.leftFolders();
  rmSync(join(rootfs, 'tmp'), { recursive: true });
  writeFileSync(join(rootfs, 'tmp'), ''); // planning has not looked at it
  assert.match(byFront(args).stderr, NO_NODE);
  assert.deepEqual(home.leftFolders(), before);
  assert.match(run(args).stderr, /^foster: cannot make the working directory/);
  assert.deepEqual(home.leftFolders(), before);
  rmSync(join(rootfs, 'tmp'));
  mkdirSync(join(rootfs, 'tmp'));
});

test('a template does not hold in another directory, if the directory matters', () => {
  run(PLAIN);
  assert.ok(isFronted(PLAIN));
  const other = join(home.shared, 'folder');
  const { stderr } = home.run(PLAIN, { env: home.callers, cwd: other });
  assert.match(stderr, /rootfs/);
  const plain = ['--rm', 'busybox', 'true'];
  run(plain);
  assert.equal(home.byFront(['run', ...plain], { env: home.callers, cwd: other }).status, 0);
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
  ['of an exec', (path) => change(path, (bytes) => bytes.writeUInt32LE(1, 12))],
  ['of another build', (path) => change(path, (bytes) => bytes.writeUInt32LE(1, 136))],
  ['with offsets beyond its end', (path) => change(path, (bytes) => bytes.fill(0xff, 176, 208))],
  [
    'of another command line',
    (path) => change(path, (bytes) => void bytes.write('-', bytes.indexOf('--rm\0busybox\0') + 4)),
  ],
  ['writable by others', (path) => chmodSync(path, 0o622)],
];

for (const [title, spoil] of SPOILED) {
  test(`a template that is ${title} is not used, and is replaced`, () => {
    const plain = ['--rm', 'busybox', 'echo', 'x'];
    rmSync(templates, { recursive: true, force: true });
    run(plain);
    assert.ok(isFronted(plain));
    const [name = ''] = readdirSync(templates);
    spoil(join(templates, name));
    assert.ok(!isFronted(plain));
    assert.equal(run(plain).stdout, 'x\n');
    assert.equal(byFront(plain).stdout, 'x\n');
  });
}

test('a folder of templates that others can write to is not used', () => {
  const plain = ['--rm', 'busybox', 'true'];
  run(plain);
  chmodSync(templates, 0o722);
  assert.ok(!isFronted(plain));
  chmodSync(templates, 0o700);
  assert.ok(isFronted(plain));
});

test('templates are few, and those in use stay', () => {
  const used = ['--rm', 'busybox', 'true'];
  run(used);
  for (let index = 0; index < 70; index++) {
    const past = new Date(Date.now() - 1000 * (1000 - index));
    const path = join(templates, index.toString(16).padStart(16, '0'));
    writeFileSync(path, '');
    utimesSync(path, past, past);
  }
  run(['--rm', '-e', 'NEW=1', 'busybox', 'true']);
  assert.ok(readdirSync(templates).length <= 70);
  assert.ok(isFronted(used));
});

test('a layer that is removed: Node says what is missing', async () => {
  const [name = ''] = readdirSync(join(home.folder, 'data/foster/roots')).filter((one) =>
    one.startsWith('recipe-busybox'),
  );
  const plain = ['--rm', 'busybox', 'true'];
  run(plain);
  const root = join(home.folder, 'data/foster/roots', name);
  renameSync(root, `${root}.away`);
  assert.ok(!isFronted(plain));
  renameSync(`${root}.away`, root);
  await waitUntil('the front does it again', () => isFronted(plain));
});

test('foster info counts templates, and system prune removes them', () => {
  run(['--rm', 'busybox', 'true']);
  assert.match(containers.ok('info'), /runTemplates: [1-9]/);
  containers.ok('system', 'prune', '-f', '--filter', 'label=x');
  assert.match(containers.ok('info'), /runTemplates: [1-9]/);
  containers.ok('system', 'prune', '-f');
  assert.match(containers.ok('info'), /runTemplates: 0/);
  assert.ok(!isFronted(['--rm', 'busybox', 'true']));
});

test('a warning is given each time', () => {
  const args = ['--rm', '-p', '8080:80', 'busybox', 'true'];
  for (let time = 0; time < 3; time++) assert.match(run(args).stderr, /no port is published/);
});
