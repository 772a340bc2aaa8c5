import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { CONTROL_RESUME, encodeMonitor } from '../../src/init/wire.js';
import { BuildHome, FROM } from './support/build.js';
import { Containers } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { descendants } from './support/processes.js';
import { Tmux } from './support/tmux.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** What a container has as 0, 1 and 2 is foster's own: nothing of the caller's can be reached by it. */
const home = new BuildHome();
const containers = new Containers(home);
const shared = ['-v', `${home.shared}:/shared`];

after(() => containers.removeAll());

/** A script of the caller's shell, which has the command as `$foster`, in the folder `shared`. */
function shell(script: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('bash', ['-c', script], {
    cwd: home.shared,
    env: { ...home.env, foster: FOSTER },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: DEADLINE,
  });
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** What 0, 1 and 2 are, of the shell itself, in `$fds`. */
const LIST = 'fds=$(for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done)';

function assertOwn(what: string): void {
  const kinds = readFileSync(join(home.shared, 'fds'), 'utf8').trim().split('\n');
  assert.equal(kinds.length, 3, what);
  for (const kind of kinds) assert.match(kind, /^(pipe:\[\d+\]|\/dev\/null)$/, what);
  // and not those of the caller
  const callers = [0, 1, 2].map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  for (const kind of kinds) assert.ok(kind === '/dev/null' || !callers.includes(kind), what);
}

test("the standard streams are the container's own pipes, whatever the caller has", () => {
  writeFileSync(join(home.shared, 'in'), 'in\n');
  containers.detach('lists', 'exec sleep 1000', shared);
  const command = `sh -c '${LIST}; echo "$fds" >/shared/fds'`;
  const callers = [
    '<in >out 2>&1',
    '<in >>out 2>>out',
    '</dev/zero >/dev/full 2>/dev/null',
    '<in 3<in | cat',
  ];
  for (const how of callers) {
    for (const verb of [
      'run --rm -v .:/shared busybox',
      'run --rm -i -v .:/shared busybox',
      'run --rm -i --no-init -v .:/shared busybox',
      'exec lists',
      'exec -i lists',
      'exec -d lists',
    ]) {
      execFileSync('rm', ['-f', join(home.shared, 'fds')]);
      const { stderr } = shell(`$foster ${verb} ${command} ${how}`);
      if (verb.startsWith('exec -d')) {
        const isWhole = () =>
          existsSync(join(home.shared, 'fds')) &&
          /(.*\n){3}/.test(readFileSync(join(home.shared, 'fds'), 'utf8'));
        const end = Date.now() + DEADLINE;
        while (!isWhole() && Date.now() < end) execFileSync('sleep', ['0.02']);
      }
      assertOwn(`${verb} ${how} ${stderr}`);
    }
  }
});

test("a RUN of a build does not get the build's", () => {
  writeFileSync(join(home.shared, 'Dockerfile'), `${FROM}\nRUN ${LIST}; echo "$fds"\n`);
  const { stdout, stderr, status } = shell('$foster build --no-cache . >out 2>&1; cat out');
  assert.equal(status, 0, stderr);
  const kinds = stdout.match(/^(\/dev\/null|pipe:\[\d+\]|\/.*\/out)$/gm);
  assert.deepEqual(
    kinds?.map((kind) => kind.replace(/\d+/, 'N')),
    ['/dev/null', 'pipe:[N]', 'pipe:[N]'],
  );
});

test('a file given as input cannot be written, and its mode cannot be changed', () => {
  const file = join(home.shared, 'in.txt');
  writeFileSync(file, 'mine\n');
  chmodSync(file, 0o600);
  const attack = 'cat; echo EVIL >/proc/self/fd/0; chmod 4777 /proc/self/fd/0; chown 1:1 /proc/self/fd/0';
  const { stdout } = shell(`$foster run --rm -i busybox sh -c '${attack}' <in.txt`);
  assert.equal(stdout, 'mine\n');
  assert.equal(readFileSync(file, 'utf8'), 'mine\n');
  assert.equal(statSync(file).mode & 0o7777, 0o600);
  assert.equal(statSync(file).uid, process.getuid?.());
});

test('a file for the output cannot be read, truncated or changed', () => {
  const file = join(home.shared, 'out.txt');
  writeFileSync(file, 'secret\n');
  chmodSync(file, 0o600);
  const attack =
    'timeout 1 head -n 1 /proc/self/fd/1 >/shared/stolen; : >/proc/self/fd/1; chmod 4777 /proc/self/fd/1; truncate -s 0 /proc/self/fd/1; echo said';
  shell(`$foster run --rm -v .:/shared busybox sh -c '${attack}' 2>/dev/null >>out.txt`);
  assert.equal(readFileSync(join(home.shared, 'stolen'), 'utf8'), '');
  assert.equal(readFileSync(file, 'utf8'), 'secret\nsaid\n');
  assert.equal(statSync(file).mode & 0o7777, 0o600);
});

test('a directory as input is refused', () => {
  containers.detach('directory', 'exec sleep 1000');
  for (const verb of ['run --rm -i busybox', 'exec -i directory']) {
    const { status, stdout, stderr } = shell(`$foster ${verb} ls /proc/self/fd/0/ </`);
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(stderr, /standard input is a directory/);
  }
  assert.equal(shell('$foster run --rm busybox echo fine </').stdout, 'fine\n');
});

test('-i and -t together need a terminal', () => {
  containers.detach('device', 'exec sleep 1000');
  for (const verb of ['run --rm -it busybox', 'exec -it device']) {
    const { status, stderr } = shell(`$foster ${verb} sh </dev/null`);
    assert.equal(status, 125);
    assert.match(stderr, /the input device is not a TTY; leave out -t/);
  }
  assert.equal(shell('$foster run --rm -t busybox echo fine </dev/null').stdout, 'fine\r\n');
});

test('a program run with exec cannot keep the terminal and read later input', async () => {
  containers.detach('hostile', 'exec sleep 1000', shared);
  const person = new Tmux(home);
  try {
    const keep =
      'for fd in 0 1 2; do (timeout 1000 cat <&$fd >>/shared/typed &) 2>/dev/null; done; echo k""ept';
    person.types(`foster exec hostile sh -c '${keep}'`);
    await person.sees(/^kept$/m);
    await person.seesPrompt();
    for (let round = 0; round < 5; round++) {
      person.types(`echo my-secret-pass""word-${round}`);
      await person.sees(new RegExp(`^my-secret-password-${round}$`, 'm'));
    }
    assert.doesNotMatch(readFileSync(join(home.shared, 'typed'), 'utf8'), /secret/);
  } finally {
    person.leaves();
  }
});

test('a user other than root can open /dev/stdin, /dev/stdout and /dev/stderr', async () => {
  const script = 'cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr; echo fd >/proc/self/fd/1';
  for (const flags of [['--user', '1000'], ['--user', '1000', '--no-init'], ['--user', '33:33'], []]) {
    const { stdout, stderr } = home.shell(script, ['-i', ...flags], { input: 'in\n' });
    assert.deepEqual([stdout, stderr], ['in\nout\nfd\n', 'err\n'], flags.join(' '));
  }
  containers.detach('logs', `${script.replace(/^[^;]*; /, '')}; exec sleep 1000`, ['--user', '1000']);
  await containers.logs('logs', /out\n(.*\n)*fd\n/);
  const { stdout, stderr } = home.foster(['exec', '-u', '1001', 'logs', 'sh', '-c', 'echo x >/dev/stdout']);
  assert.deepEqual([stdout, stderr], ['x\n', '']);
});

test('bytes pass unchanged between files, pipes and the container', () => {
  const data = randomBytes(20 * 1024 * 1024);
  writeFileSync(join(home.shared, 'data'), data);
  const wanted = sha256(data);
  const cat = '$foster run --rm -i busybox cat';
  for (const script of [
    `${cat} <data >copy`,
    `cat data | ${cat} | cat >copy`,
    `: >copy; ${cat} <data >>copy`,
  ]) {
    const { status, stderr } = shell(script);
    assert.deepEqual([status, stderr], [0, ''], script);
    assert.equal(sha256(readFileSync(join(home.shared, 'copy'))), wanted, script);
  }
});

test('two containers that write to one file do not overwrite each other', () => {
  const command = (word: string) => `$foster run --rm busybox sh -c 'yes ${word} | head -n 200000'`;
  const { stdout } = shell(`{ ${command('one')} & ${command('two')} & wait; } >both; sort both | uniq -c`);
  // A line may be cut in two by the other's, as it is where two programs share a file.
  assert.equal(statSync(join(home.shared, 'both')).size, 2 * 200_000 * 4);
  assert.match(stdout, /one/);
});

test('input that is not read holds up neither output nor the end', () => {
  const { stdout, status } = shell(
    `yes | $foster run --rm -i busybox sh -c 'seq 50000; exit 7' | tail -n 1; echo \${PIPESTATUS[*]}`,
  );
  assert.equal(status, 0);
  assert.equal(stdout, '50000\n141 7 0\n');
  assert.equal(shell('yes | $foster run --rm -i busybox head -n 1').stdout, 'y\n');
});

test('a writer gets a SIGPIPE when the command closes its input', () => {
  const script = `yes | $foster run --rm -i busybox sh -c 'exec <&-; until [ -e /shared/gone ]; do sleep 0.05; done'`;
  const { stdout } = shell(
    `(yes; echo $? >gone) | ${script.slice(6).replace('-i', '-i -v .:/shared')}; cat gone`,
  );
  assert.equal(stdout, '141\n');
});

test('a slow reader gets everything', () => {
  const { stdout } = shell(`$foster run --rm busybox seq 200000 | (sleep 1; wc -l)`);
  assert.equal(stdout.trim(), '200000');
});

test('a reader that does not read holds up the container, but not signals', async () => {
  const child = spawn('bash', ['-c', 'exec "$0" run --rm --name held busybox yes | sleep 1000', FOSTER], {
    env: home.env,
    stdio: 'ignore',
    detached: true,
  });
  const find = (wanted: string) => descendants(child.pid).find(({ name }) => name === wanted)?.pid;
  let monitor: number | undefined;
  try {
    const isBlocked = () => {
      const pid = find('yes');
      return pid !== undefined && /pipe/.test(readFileSync(`/proc/${pid}/wchan`, 'utf8'));
    };
    await waitUntil('yes waits', isBlocked);
    monitor = find('foster-monitor');
    containers.ok('kill', '-s', 'TERM', 'held');
    await waitUntil('it has ended', () => find('yes') === undefined);
    await waitUntil(
      'nobody knows of it any more',
      () => containers.ok('ps', '-aq', '-f', 'name=held') === '',
    );
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGTERM');
  }
  assert.ok(monitor !== undefined);
  await waitUntil('foster has ended', () => !descendants().some(({ pid }) => pid === monitor));
});

test('output that cannot be written is an error', () => {
  const { status, stderr } = shell('$foster run --rm busybox echo hi >/dev/full');
  assert.equal(status, 125);
  assert.match(stderr, /cannot write the container's output: no space left on device/);
  assert.equal(shell(`$foster run --rm busybox sh -c 'echo hi; exit 3' >/dev/full`).status, 3);
  // of a container with a monitor of its own, by Node and without it
  const lost = [125, "foster: cannot write the container's output: no space left on device (errno 28)\n"];
  containers.ok('create', '--name', 'unread', 'busybox', 'sh', '-c', 'echo hi; echo more');
  for (const command of [
    'start -a unread',
    'start -a unread',
    'run --rm --health-cmd true busybox echo hi',
  ]) {
    const { status, stderr } = shell(`$foster ${command} >/dev/full`);
    assert.deepEqual([status, stderr], lost, command);
  }
  assert.equal(
    shell(`$foster run --rm --health-cmd true busybox sh -c 'echo hi; exit 3' >/dev/full`).status,
    3,
  );
  const logs = shell('$foster logs unread >/dev/full');
  containers.ok('rm', 'unread');
  assert.deepEqual(
    [logs.status, logs.stderr],
    [125, 'foster: cannot write to standard output: no space left on device (ENOSPC)\n'],
  );
  // foster's own output: it is not the disk of the data folder that is full
  const own = shell('$foster ps >/dev/full');
  assert.deepEqual(
    [own.status, own.stderr],
    [125, 'foster: cannot write to standard output: no space left on device (ENOSPC)\n'],
  );
});

test("the flags of the caller's descriptors do not change", () => {
  const flags = 'for fd in 0 1 2; do grep flags /proc/self/fdinfo/$fd; done >>flags';
  const { status } = shell(
    `: >flags; cat /dev/null | { ${flags}; $foster run --rm -i busybox echo hi; ${flags}; } | cat; sort flags | uniq -c | grep -v ' 2 \\| 4 ' `,
  );
  assert.equal(status, 1, readFileSync(join(home.shared, 'flags'), 'utf8'));
});

test('a caller with non-blocking descriptors', () => {
  const script = `
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
for fd in (r, w): fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
command = subprocess.Popen([sys.argv[1], "run", "--rm", "-i", "busybox", "sh", "-c", "cat; seq 100000"], stdin=subprocess.PIPE, stdout=w)
os.close(w)
fcntl.fcntl(command.stdin.fileno(), fcntl.F_SETFL, os.O_NONBLOCK)
time.sleep(0.5)
command.stdin.write(b"in\\n"); command.stdin.close()
size = 0
while True:
    try: piece = os.read(r, 4096)
    except BlockingIOError: time.sleep(0.001); continue
    if not piece: break
    size += len(piece)
print(size, command.wait())
`;
  const { stdout } = spawnSync('python3', ['-c', script, FOSTER], { env: home.env, encoding: 'utf8' });
  assert.equal(stdout, '588898 0\n');
});

test('a leftover process that holds the output does not hold up foster', () => {
  containers.detach('leaves', 'exec sleep 1000');
  const { stdout } = home.foster(['exec', 'leaves', 'sh', '-c', 'sleep 1000 & echo said']);
  assert.equal(stdout, 'said\n');
  const script =
    '(trap "" HUP; echo x; : >/tmp/begun; while echo x; do :; done) & until [ -e /tmp/begun ]; do sleep 0.05; done; exit 3';
  const result = home.foster(['exec', 'leaves', 'sh', '-c', script]);
  assert.equal(result.status, 3);
  assert.match(result.stdout, /^(x\n)+x?$/);
});

test('a job that reads in the background waits until it is in the foreground', async () => {
  const person = new Tmux(home);
  try {
    person.types(`foster run --rm -i busybox sh -c 'echo u""p; cat' &`);
    await person.sees(/\bup$/m);
    // It stops when it reads what somebody has typed, which the shell may have read before it.
    await waitUntil('the job is stopped', () => {
      person.presses('Enter');
      return /Stopped .*foster run/.test(person.screen());
    });
    person.types('clear; echo mi""ne');
    await person.sees(/^mine$/m);
    person.types('clear; fg');
    await person.sees(/^foster run /m);
    person.types('yours');
    await person.sees(/^yours\nyours$/m);
    person.presses('C-d');
    await person.seesPrompt();
  } finally {
    person.leaves();
  }
});

test('too few descriptors are reported as such', () => {
  let isSeen = false;
  for (let limit = 20; limit <= 60; limit += 4) {
    const { status, signal, stderr } = spawnSync(
      'bash',
      ['-c', `ulimit -n ${limit}; exec "${FOSTER}" run --rm busybox true`],
      {
        env: home.env,
        encoding: 'utf8',
      },
    );
    if (status === 0) break;
    assert.equal(signal, null, `${limit}: ${stderr}`);
    assert.doesNotMatch(stderr, /was killed while/, `${limit}`);
    isSeen ||= /descriptors: .*"ulimit -n"/.test(stderr);
  }
  assert.ok(isSeen);
});

test('removing gives up on what cannot be removed, also a dangling link', () => {
  const folder = join(home.shared, 'left');
  execFileSync('sh', [
    '-c',
    `mkdir -p ${folder}/shut/deep && ln -s nowhere ${folder}/shut/dangling && touch ${folder}/gone`,
  ]);
  chmodSync(join(folder, 'shut'), 0o555);
  const blob = join(home.shared, 'blob');
  const nothing = { terminal: false, interactive: false, verbose: false, shim: true, userNamespace: false };
  writeFileSync(blob, encodeMonitor({ pid: 1, ...nothing, stateless: true, remove: [folder], failures: [] }));
  writeFileSync(join(home.shared, 'mapped'), CONTROL_RESUME);
  const fds = ['mapped', 'blob'].map((name) => openSync(join(home.shared, name), 'r'));
  const program = join(process.cwd(), 'dist', process.arch, 'foster-init');
  const { status } = spawnSync(program, ['remove'], {
    stdio: ['ignore', 'ignore', 'ignore', ...fds],
    timeout: DEADLINE,
  });
  for (const fd of fds) closeSync(fd);
  chmodSync(join(folder, 'shut'), 0o755);
  assert.equal(status, 1);
  assert.ok(!existsSync(join(folder, 'gone')));
});

afterEach(() => {
  for (const name of ['fds', 'out', 'typed']) execFileSync('rm', ['-f', join(home.shared, name)]);
});
