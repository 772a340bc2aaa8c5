import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FROM } from './support/build.js';
import { FOSTER } from './support/foster.js';
import { adoptOrphans, descendants, waitForNoProcess } from './support/processes.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/**
 * Hosts that lack something: users without a range of ids, no newuidmap, a full disk. Root makes them, in mount
 * namespaces of the tests' own, and a user who exists for this file only meets them.
 */
const USER = 'foster-lonely';
let home: string;
let uid: number;

before(() => {
  spawnSync('userdel', ['-f', USER]);
  execFileSync('useradd', ['--no-create-home', '--user-group', USER]);
  uid = Number(execFileSync('id', ['-u', USER], { encoding: 'utf8' }));
  home = mkdtempSync('/var/tmp/foster-lonely-');
  for (const name of ['data', 'run']) mkdirSync(join(home, name), { mode: 0o700 });
  for (const path of [home, join(home, 'data'), join(home, 'run')]) chownSync(path, uid, uid);
  setRange(undefined);
});

after(() => {
  spawnSync('userdel', ['-f', USER]);
  rmSync(home, { recursive: true, force: true });
  setRange(undefined);
});

/** Gives the user a range of subordinate ids, or none: subuid(5). */
function setRange(line: string | undefined): void {
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const others = readFileSync(file, 'utf8')
      .split('\n')
      .filter((each) => each !== '' && !each.startsWith(`${USER}:`));
    writeFileSync(file, `${[...others, ...(line === undefined ? [] : [`${USER}:${line}`])].join('\n')}\n`);
  }
}

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

function environment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    FOSTER_NETWORK: 'none',
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_RUNTIME_DIR: join(home, 'run'),
  };
}

/** Foster as that user, in a mount namespace that `prepare`, a shell script run by root, has changed. */
function foster(args: string[], prepare = ':', env: Record<string, string> = {}): Outcome {
  const script = `${prepare}; exec setpriv --reuid=${uid} --regid=${uid} --clear-groups "$0" "$@"`;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', script, FOSTER, ...args], {
    env: { ...environment(), ...env },
    cwd: '/',
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  return { status, stdout, stderr };
}

/**
 * What makes newuidmap another program for the PID 1 of a container, which alone is foster-init without arguments; foster's
 * other helpers get the true one.
 * @param command of a shell
 */
function forInit(command: string): string {
  const [script, original] = [join(home, 'for-init'), join(home, 'original')];
  const text = `#!/bin/sh
    [ "$(tr '\\0' ' ' </proc/$1/cmdline)" != "foster-init " ] || ${command}
    exec ${original} "$@"`;
  writeFileSync(script, text, { mode: 0o755 });
  return `cp "$(command -v newuidmap)" ${original}; chmod 4755 ${original}; mount --bind ${script} "$(command -v newuidmap)"`;
}

/** As `foster`, while it goes on. */
function start(args: string[], prepare: string): ChildProcess {
  const script = `${prepare}; exec setpriv --reuid=${uid} --regid=${uid} --clear-groups "$0" "$@"`;
  return spawn('unshare', ['--mount', 'sh', '-ec', script, FOSTER, ...args], {
    env: environment(),
    cwd: '/',
    stdio: 'ignore',
  });
}

function assertNothingLeft(): void {
  for (const folder of ['data/foster/containers', 'data/foster/names', 'data/foster/locks'])
    assert.deepEqual(spawnSync('ls', ['-A', join(home, folder)], { encoding: 'utf8' }).stdout, '', folder);
}

const WARNING = /^foster: warning: you have no range of user ids in \/etc\/subuid .*\n/;

test('without a range: one user, with one warning', () => {
  const { status, stdout, stderr } = foster([
    'run',
    '--rm',
    'busybox',
    'sh',
    '-c',
    'id -u; cat /proc/self/uid_map; touch /x',
  ]);
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(`^0\\n +0 +${uid} +1\\n$`));
  assert.match(stderr, WARNING);
  assert.equal(stderr.split('\n').length, 2);
  assertNothingLeft();
});

test('a user without an entry in /etc/passwd runs containers, and is named by the id', () => {
  const hidden = `grep -v '^${USER}:' /etc/passwd > ${home}/passwd; mount --bind ${home}/passwd /etc/passwd`;
  const { status, stdout, stderr } = foster(['run', '--rm', 'busybox', 'id', '-u'], hidden);
  assert.deepEqual([stdout, status], ['0\n', 0], stderr);
  const info = foster(['info', '--format', '{{.user.name}}'], hidden);
  assert.deepEqual([info.stdout, info.status], [`${uid}\n`, 0], info.stderr);
  const kept = foster(['run', '--rm', '--userns', 'keep-id', 'busybox', 'id', '-un'], hidden);
  assert.deepEqual([kept.stdout, kept.status], [`${uid}\n`, 0], kept.stderr);
  assertNothingLeft();
});

test('without a range: another user is refused, --userns keep-id works, auto does not', () => {
  const other = foster(['run', '--rm', '-u', '1', 'busybox', 'true']);
  assert.equal(other.status, 125);
  assert.match(
    other.stderr,
    /\nfoster: cannot become user 1: .*just one, since you have no range in \/etc\/subuid\n$/,
  );
  const keep = foster([
    'run',
    '--rm',
    '--userns',
    'keep-id',
    'busybox',
    'sh',
    '-c',
    'id -u; whoami; ls -d /proc/self',
  ]);
  assert.deepEqual([keep.stdout, keep.status], [`${uid}\n${USER}\n/proc/self\n`, 0]);
  const auto = foster(['run', '--rm', '--userns', 'auto', 'busybox', 'true']);
  assert.equal(auto.status, 125);
  assert.match(auto.stderr, /^foster: cannot give the container its own user ids: .*usermod --add-subuids/);
  assertNothingLeft();
});

test('a range of a few ids is used as far as it goes', () => {
  setRange('300000:10');
  const { stdout } = foster(['run', '--rm', 'busybox', 'sh', '-c', 'cat /proc/self/uid_map']);
  assert.deepEqual(stdout.trim().split(/\s+/).map(Number), [0, uid, 1, 1, 300_000, 10]);
  assert.equal(foster(['run', '--rm', '-u', '10', 'busybox', 'id', '-u']).stdout, '10\n');
  const beyond = foster(['run', '--rm', '-u', '11', 'busybox', 'true']);
  assert.equal(beyond.status, 125);
  assert.match(
    beyond.stderr,
    /cannot become user 11: .*it has 11 users; a larger range in \/etc\/subuid gives it more/,
  );
  assertNothingLeft();
});

test('many ranges: all are used, in the background too; more than the kernel accepts are refused', () => {
  const ranges = (count: number) =>
    Array.from({ length: count }, (_, index) => `${300_000 + 20 * index}:10`).join(`\n${USER}:`);
  setRange(ranges(100));
  const script = 'wc -l </proc/self/uid_map; wc -l </proc/self/gid_map';
  assert.equal(foster(['run', '--rm', 'busybox', 'sh', '-c', script]).stdout, '101\n101\n');
  const detached = foster(['run', '-d', '--name', 'many', '-u', '999', 'busybox', 'sh', '-c', script]);
  assert.equal(detached.status, 0, detached.stderr);
  assert.equal(foster(['wait', 'many']).stdout, '0\n');
  assert.equal(foster(['logs', 'many']).stdout, '101\n101\n');
  assert.equal(foster(['rm', 'many']).status, 0);
  setRange(ranges(340));
  const refused = foster(['run', '--rm', 'busybox', 'true']);
  assert.deepEqual([refused.status, refused.stdout], [125, '']);
  assert.match(
    refused.stderr,
    /^foster: cannot map the user ids of the container: your ranges in \/etc\/subuid need 341 lines in an id map, and the kernel accepts 340 lines or 4095 bytes; use fewer and larger ranges in \/etc\/subuid\n$/,
  );
  assertNothingLeft();
});

test('newuidmap is not installed, or not permitted to work', () => {
  setRange('300000:65536');
  const gone = foster(['run', '--rm', 'busybox', 'true'], 'mount --bind /dev/null "$(command -v newuidmap)"');
  assert.deepEqual(gone, {
    status: 125,
    stdout: '',
    stderr: 'foster: cannot map user ids: newuidmap is not installed; apt-get install uidmap\n',
  });
  assertNothingLeft();
  const copy = join(home, 'newuidmap');
  const weak = `cp "$(command -v newuidmap)" ${copy}; chmod 755 ${copy}; mount --bind ${copy} "$(command -v newuidmap)"`;
  const sentence =
    /^foster: (?:.*: )?cannot map the user ids of the container: newuidmap failed: newuidmap: [^\n]*; check your range in \/etc\/subuid and that newuidmap is setuid root\n$/;
  for (const flags of [['--rm'], ['-d']]) {
    const refused = foster(['run', ...flags, 'busybox', 'true'], weak);
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, sentence);
    assertNothingLeft();
  }
  const context = join(home, 'context');
  mkdirSync(context);
  const build = (steps: string[], prepare?: string) => {
    writeFileSync(join(context, 'Dockerfile'), [FROM, ...steps].join('\n'));
    return foster(['build', '-q', context], prepare);
  };
  assert.equal(build(['RUN true']).status, 0);
  // a build has other user namespaces too: only that of the container of its RUN fails
  const failed = build(['RUN true', 'RUN echo'], forInit(`exec ${copy} "$@"`));
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, sentence);
  assertNothingLeft();
});

test('newuidmap takes long: a signal ends the start, and newuidmap', async () => {
  setRange('300000:65536');
  adoptOrphans();
  const prepare = forInit('exec sleep 1000');
  for (const flags of [['--rm'], ['-d']]) {
    const child = start(['run', ...flags, 'busybox', 'true'], prepare);
    await waitUntil('newuidmap runs', () => descendants(child.pid).some(({ name }) => name === 'sleep'));
    child.kill('SIGTERM');
    const [status] = await once(child, 'exit');
    assert.equal(status, 143);
    await waitForNoProcess('sleep');
    assertNothingLeft();
  }
});

test('a full disk', () => {
  setRange('300000:65536');
  const roots = join(home, 'data/foster/roots');
  assert.equal(foster(['run', '--rm', 'busybox', 'true']).status, 0);
  const tree = join(roots, readdirSync(roots).find((name) => name.startsWith('recipe-')) ?? '', 'rootfs');
  const small = join(home, 'small');
  mkdirSync(small, { recursive: true });
  const fill = `mount -t tmpfs -o size=256k,mode=777 none ${small}; dd if=/dev/zero of=${small}/fill 2>/dev/null || true`;
  const full = foster(['run', '--rm', tree, 'true'], fill, { XDG_DATA_HOME: small });
  assert.equal(full.status, 125);
  assert.match(
    full.stderr,
    /^foster: cannot make the folder of the container, .*: no space left on device \(ENOSPC\); free some space on that disk/,
  );
  const recipe = foster(['run', '--rm', 'busybox', 'true'], fill, { XDG_DATA_HOME: small });
  assert.deepEqual([recipe.status, recipe.stdout], [125, '']);
  assert.match(recipe.stderr, /^foster: [^\n]*no space left on device[^\n]*\n$/);
  assertNothingLeft();
});

test("root's own container: a user namespace, and none where it asks for none", () => {
  const run = (...flags: string[]) => {
    const folder = mkdtempSync('/var/tmp/foster-root-');
    try {
      return spawnSync(
        FOSTER,
        ['run', '--rm', ...flags, 'busybox', 'sh', '-c', 'readlink /proc/self/ns/user; id -u'],
        {
          env: { ...process.env, XDG_DATA_HOME: join(folder, 'd'), XDG_RUNTIME_DIR: folder },
          encoding: 'utf8',
        },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const own = execFileSync('readlink', ['/proc/self/ns/user'], { encoding: 'utf8' });
  const [space = '', user] = run().stdout.split('\n');
  assert.equal(user, '0');
  assert.notEqual(`${space}\n`, own);
  assert.equal(run('--userns', 'host').stdout, `${own}0\n`);
});

test('a tree whose files belong to unmapped host users can be run', () => {
  setRange('300000:65536');
  const roots = join(home, 'data/foster/roots');
  const source = join(roots, readdirSync(roots).find((name) => name.startsWith('recipe-')) ?? '', 'rootfs');
  const tree = join(home, 'foreign');
  execFileSync('cp', ['-a', source, tree]);
  writeFileSync(join(tree, 'etc/hosts'), '');
  for (const name of ['hostname', 'resolv.conf']) writeFileSync(join(tree, 'etc', name), '');
  execFileSync('chown', ['-R', '0:0', tree]);
  chmodSync(tree, 0o755);
  const { stdout, status, stderr } = foster([
    'run',
    '--rm',
    tree,
    'sh',
    '-c',
    'stat -c %U /bin; head -n 1 /etc/hosts; touch /x; echo $?',
  ]);
  assert.deepEqual([stderr, status], ['', 0]);
  assert.equal(stdout, 'nobody\n127.0.0.1\tlocalhost\n0\n');
  const named = foster(['run', '--rm', '--userns', 'keep-id', tree, 'id', '-u']);
  assert.deepEqual([named.stdout, named.status], [`${uid}\n`, 0], 'without a line in /etc/passwd');
});
