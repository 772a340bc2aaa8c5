import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home, type Result } from './support/foster.js';
import { momentsDuringStart } from './support/moments.js';
import { waitUntil } from './support/wait.js';

/** Errors: one sentence, the right exit code, nothing left behind. */
const home = new Home();

function assertFailure(result: Result, status: number, sentence: RegExp): void {
  assert.match(result.stderr, sentence);
  assert.match(result.stderr, /^foster: [^\n]*\n$/, 'one line');
  assert.ok(!/ at .*:\d+:\d+/.test(result.stderr), 'no stack trace');
  assert.deepEqual([result.stdout, result.status], ['', status]);
  assert.deepEqual(home.leftFolders(), []);
}

const run = (...args: string[]) => home.run(['--rm', ...args]);

test('a missing command: 127', async () => {
  assertFailure(
    run('busybox', 'no-such-program'),
    127,
    /^foster: cannot run "no-such-program": it is not in any directory of PATH .*PATH is \/usr/,
  );
  assertFailure(
    run('busybox', '/no/such/program'),
    127,
    /^foster: cannot run "\/no\/such\/program": there is no such file/,
  );
  assertFailure(run('-e', 'PATH=/nowhere', 'busybox', 'ls'), 127, /PATH is \/nowhere/);
  assertFailure(run('--no-init', 'busybox', 'no-such-program'), 127, /no-such-program/);
  assertFailure(run('busybox', '/etc/passwd/x'), 127, /\/etc\/passwd\/x/);
  assertFailure(
    run('busybox', ''),
    127,
    /^foster: cannot run "": the name is empty; give the name of a program/,
  );
  await home.assertNothingLeft();
});

test('a file that cannot be executed: 126', async () => {
  assertFailure(
    run('busybox', '/etc/passwd'),
    126,
    /^foster: cannot run "\/etc\/passwd": permission denied \(EACCES\); .*chmod/,
  );
  assertFailure(run('busybox', '/etc'), 126, /permission denied/);
  const script = join(home.shared, 'script');
  writeFileSync(script, 'no first line\n');
  chmodSync(script, 0o755);
  assertFailure(
    run('-v', `${script}:/script`, 'busybox', '/script'),
    126,
    /exec format error \(ENOEXEC\); .*#!/,
  );
  writeFileSync(script, '#!/no/such/interpreter\n');
  assertFailure(run('-v', `${script}:/script`, 'busybox', '/script'), 127, /interpreter/);
  await home.assertNothingLeft();
});

test('an invalid ROOT', () => {
  assertFailure(
    run('/no/such/root', 'true'),
    125,
    /^foster: cannot use \/no\/such\/root as the root filesystem: no such file or directory \(ENOENT\); give a directory/,
  );
  assertFailure(run('./busybo', 'true'), 125, /^foster: cannot use \.\/busybo as the root filesystem/);
  assertFailure(run(''), 125, /^foster: ROOT ''/);
  const empty = join(home.folder, 'empty');
  mkdirSync(empty);
  assertFailure(run(empty, 'true'), 127, /cannot run "true"/);
  assert.deepEqual(readdirSync(empty), [], 'nothing is made in it');
  assertFailure(run(empty), 127, /cannot run "\/bin\/sh"/);
});

test('a root filesystem that the user cannot enter', { skip: process.getuid?.() === 0 }, () => {
  assertFailure(run('/root', 'true'), 125, /permission denied \(EACCES\)/);
});

test('flags', () => {
  const cases: [string[], RegExp][] = [
    [['--bogus', 'busybox'], /^foster: unknown option '--bogus'; see 'foster run --help'/],
    [['--nmae', 'x', 'busybox'], /unknown option '--nmae' \(did you mean --name\?\)/],
    [['--name', '-', 'busybox'], /^foster: --name '-': /],
    [['-e', '=x', 'busybox'], /^foster: -e '=x': /],
    [['--env-file', '/no/such/file', 'busybox'], /^foster: --env-file '\/no\/such\/file': no such file/],
    [['-w', 'relative', 'busybox'], /^foster: --workdir 'relative': expected an absolute path/],
    [['--network', 'br0', 'busybox'], /^foster: no such network: br0; 'foster network ls' lists them/],
    [['--cap-add', 'FLY', 'busybox'], /^foster: --cap-add 'FLY': unknown capability/],
    [['--ulimit', 'nofile', 'busybox'], /^foster: --ulimit 'nofile'/],
    [['--stop-signal', 'FOO', 'busybox'], /^foster: --stop-signal 'FOO': expected a signal/],
    [['--stop-timeout', '-1', 'busybox'], /--stop-timeout/],
    [['--security-opt', 'magic', 'busybox'], /^foster: --security-opt 'magic': /],
    [['--userns', 'x', 'busybox'], /^foster: --userns 'x': expected/],
    [['--pid', 'x', 'busybox'], /^foster: --pid 'x': expected/],
    [['--dns', 'x', 'busybox'], /^foster: --dns 'x': expected an IP address/],
    [['--add-host', 'x', 'busybox'], /^foster: --add-host 'x': expected/],
    [['-h', '-x-', 'busybox'], /^foster: --hostname/],
    [['--no-init', '--init-verbose', 'busybox'], /cannot be used together/],
    [[], /^foster: missing required argument 'ROOT'/],
  ];
  for (const [flags, sentence] of cases) assertFailure(run(...flags), 125, sentence);
  assertFailure(
    home.foster(['ruin', 'busybox']),
    125,
    /^foster: unknown command 'ruin' \(did you mean run\?\)/,
  );
  assertFailure(
    home.foster(['image', 'lss']),
    125,
    /^foster: unknown command 'image lss' \(did you mean ls\?\)/,
  );
  assertFailure(home.foster(['frobnicate']), 125, /^foster: unknown command 'frobnicate'; see/);
  assertFailure(
    home.foster(['network', 'reload']),
    125,
    /^foster: network reload is not supported: the rules of networks are in their own namespace/,
  );
  assertFailure(
    home.foster(['container', 'checkpoint', 'x']),
    125,
    /^foster: container checkpoint is not supported yet: /,
  );
  assertFailure(home.foster(['swarm', 'init']), 125, /^foster: swarm is not supported: /);
});

test('users and working directories that the container cannot have', () => {
  assertFailure(run('-u', 'nobody:no-such-group', 'busybox', 'true'), 125, /no group no-such-group/);
  assertFailure(run('-u', '4000000000', 'busybox', 'true'), 125, /^foster: cannot become user 4000000000/);
  assertFailure(
    run('-w', '/etc/passwd', 'busybox', 'true'),
    125,
    /^foster: cannot make the working directory: not a directory/,
  );
  assertFailure(
    run('-u', '1000', '-w', '/root', 'busybox', 'true'),
    125,
    /^foster: cannot go to the working directory: permission denied .*cannot enter/,
  );
});

test('a name that is taken', () => {
  assert.equal(home.run(['--name', 'taken', 'busybox', 'true']).status, 0);
  const before = home.leftFolders();
  const second = run('--name', 'taken', 'busybox', 'true');
  assert.equal(second.status, 125);
  assert.match(
    second.stderr,
    /^foster: the name 'taken' is in use by container [0-9a-f]{12}; remove that one \(foster rm taken\) or take another name\n$/,
  );
  assert.deepEqual(home.leftFolders(), before);
  assert.equal(home.foster(['rm', 'taken']).status, 0);
  assert.equal(run('--name', 'taken', 'busybox', 'true').status, 0, 'free again');
});

test('a cidfile that cannot be written', () => {
  assertFailure(
    run('--cidfile', '/no/such/folder/id', 'busybox', 'true'),
    125,
    /^foster: cannot write the container id file .*no such file or directory/,
  );
});

test('a cidfile does not outlive a container that did not start', () => {
  const file = join(home.folder, 'cid');
  assertFailure(
    run('--cidfile', file, '--sysctl', 'net.no.such=1', 'busybox', 'true'),
    125,
    /this kernel does not have it/,
  );
  assert.ok(!readdirSync(home.folder).includes('cid'));
});

test('a data folder that cannot be used', { skip: process.getuid?.() === 0 }, () => {
  const shut = join(home.folder, 'no-data');
  mkdirSync(shut, { mode: 0o500 });
  assertFailure(
    home.run(['--rm', 'busybox', 'true'], { env: { XDG_DATA_HOME: shut } }),
    125,
    /^foster: cannot make the data folder \S+\/no-data\/foster: permission denied \(EACCES\); set HOME or XDG_DATA_HOME to /,
  );
  const tree = join(home.folder, 'any-tree');
  mkdirSync(tree);
  assertFailure(
    home.run(['--rm', tree, 'true'], { env: { XDG_DATA_HOME: shut } }),
    125,
    /^foster: cannot (make the data folder|make the folder of the container,) .*permission denied \(EACCES\)/,
  );
});

test('disabled user namespaces: how to enable them', {
  skip: process.getuid?.() === 0,
}, () => {
  assert.equal(run('busybox', 'true').status, 0); // the recipe is built
  const script = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" run --rm busybox true`;
  // The limit is one of the user namespace, so one of the test's own can have it.
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-current-user', '--keep-caps', 'sh', '-c', script, FOSTER],
    {
      env: home.env,
      encoding: 'utf8',
    },
  );
  assertFailure(
    { status, stdout, stderr, signal: null },
    125,
    /^foster: cannot start a process in new namespaces: clone: no space left on device \(ENOSPC\); user namespaces are turned off here; as root: sysctl -w user\.max_user_namespaces=/,
  );
});

test('the limit of another kind of namespace', { skip: process.getuid?.() === 0 }, () => {
  const script = `echo 0 > /proc/sys/user/max_net_namespaces && exec "$0" run --rm busybox true`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-current-user', '--keep-caps', 'sh', '-c', script, FOSTER],
    {
      env: home.env,
      encoding: 'utf8',
    },
  );
  assertFailure(
    { status, stdout, stderr, signal: null },
    125,
    /a limit on namespaces is reached: see \/proc\/sys\/user\/max_\*_namespaces/,
  );
});

test('--userns auto with a folder that belongs to nobody inside: says why', {
  skip: process.getuid?.() === 0,
}, () => {
  const tree = join(home.folder, 'mine');
  mkdirSync(tree, { recursive: true });
  assertFailure(
    run('--userns', 'auto', tree, 'true'),
    125,
    /^foster: cannot use .*mine with --userns auto: its owner, user \d+, is not among the users of the container; give a tar file/,
  );
});

test('a failed step is reported with its reason, the call and advice', () => {
  const result = run('--sysctl', 'net.no.such=1', 'busybox', 'true');
  assertFailure(
    result,
    125,
    /^foster: cannot set the kernel parameter net\.no\.such to 1: no such file or directory \(ENOENT\) from openat2\([^;]*\); this kernel does not have it/,
  );
});

test('an interrupt during the set-up leaves nothing behind', async () => {
  const moments = await momentsDuringStart(home, 8);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    for (const delay of moments) {
      const running = home.start(['--rm', 'busybox', 'sleep', '1000']);
      await new Promise((resolve) => setTimeout(resolve, delay));
      running.signal(signal);
      const { status, signal: death } = await running.ended;
      // Before foster looks at signals it dies of one; later they are the container's to die of.
      assert.ok(death === signal || status === code, `${signal} after ${delay} ms: ${status} ${death}`);
    }
  }
  await home.assertNothingLeft();
});

test('a kill at any moment of the set-up leaves nothing that prune does not remove', async () => {
  for (const delay of await momentsDuringStart(home, 12)) {
    const running = home.start(['--rm', 'busybox', 'sleep', '1000']);
    await new Promise((resolve) => setTimeout(resolve, delay));
    running.signal('SIGKILL');
    await running.ended;
  }
  await waitUntil('all processes are gone', () => running(home) === 0);
  assert.equal(home.foster(['prune', '-f']).status, 0);
  await home.assertNothingLeft();
});

function running(where: Home): number {
  return where.foster(['ps', '-q']).stdout.split('\n').filter(Boolean).length;
}

test('a removed working directory matters only if it is needed', () => {
  const script = 'mkdir gone; cd gone; rmdir ../gone; exec "$FOSTER" "$@" 2>"$SAID"';
  const said = join(home.shared, 'said');
  const fromNowhere = (...args: string[]) => {
    const env = { ...home.env, FOSTER, SAID: said };
    const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', ...args], {
      cwd: home.folder,
      env,
      encoding: 'utf8',
    });
    const stderr = readFileSync(said, 'utf8').replace(/^sh: .*getcwd.*\n/gm, ''); // the shell's own
    return { status, stdout, stderr };
  };
  assert.deepEqual(fromNowhere('ps', '-q'), { status: 0, stdout: '', stderr: '' });
  assert.deepEqual(fromNowhere('run', '--rm', 'busybox', 'echo', 'up'), {
    status: 0,
    stdout: 'up\n',
    stderr: '',
  });
  for (const args of [
    ['run', '--rm', '-v', '.:/x', 'busybox'],
    ['build', '.'],
  ]) {
    const { status, stderr } = fromNowhere(...args);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /^foster: cannot find out the working directory: no such file .*cd to another one\n$/,
    );
  }
});

test('--debug shows where an error comes from', () => {
  const { stderr, status } = home.foster(['--debug', 'run', '--rm', '/no/such/root', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /^foster: debug: done by Node: [^\n]*\nfoster: cannot use [^\n]*\n.* {4}at /s);
});
