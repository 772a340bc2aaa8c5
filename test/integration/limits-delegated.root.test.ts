import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, chownSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/**
 * A cgroup of version 2 that root has delegated to a user without rights. On a hybrid machine its controllers are those
 * of version 1, so this is about its place, freezing and removal; unit tests have the limits.
 */
const home = new Home();
const NOBODY = 65_534;
const mount = /^\S+ \S+ \S+ \/ (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1];
const folder = join(mount ?? '/nowhere', `foster-test-${process.pid}`);

function reason(): string | false {
  if (mount === undefined) return 'cgroups of version 2 are not mounted';
  const { status } = spawnSync('setpriv', [...user(), 'test', '-x', FOSTER]);
  return status === 0 ? false : 'another user cannot reach the command';
}

function user(): string[] {
  return [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
}

const only = { skip: reason() };

before(() => {
  if (only.skip !== false) return;
  mkdirSync(folder);
  for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
    chownSync(join(folder, name), NOBODY, NOBODY);
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, home.folder]);
});

/** Runs foster as the user, in that cgroup. */
function foster(args: string[], expected = 0): string {
  const script = 'echo $$ > "$0/cgroup.procs"; exec setpriv "$@"';
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script, folder, ...user(), FOSTER, ...args], {
    env: home.env,
    cwd: '/',
    encoding: 'utf8',
  });
  assert.equal(status, expected, `foster ${args.join(' ')}: ${stderr}`);
  return expected === 0 ? stdout : stderr;
}

const below = () => readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

afterEach(async () => {
  if (only.skip !== false) return;
  const ids = foster(['ps', '-aq']).split('\n').filter(Boolean);
  if (ids.length > 0) foster(['rm', '-f', ...ids]);
  await home.assertNothingLeft();
  assert.deepEqual(below(), []);
});

after(() => {
  try {
    accessSync(folder, constants.F_OK);
    rmdirSync(folder);
  } catch {
    // it was not made
  }
});

function start(name: string): { id: string; own: string; pid: number } {
  const id = foster([
    'run',
    '-d',
    '--name',
    name,
    '--cgroup-parent',
    '/group',
    'busybox',
    'sleep',
    '1000',
  ]).trim();
  const pid = Number(foster(['inspect', '-f', '{{.State.Pid}}', name]));
  return { id, own: join(folder, 'group', `foster-${id}`), pid };
}

test('a container is below what was delegated, and sees its own cgroup as the top one', only, () => {
  const { id, own, pid } = start('one');
  assert.match(
    readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
    new RegExp(`^0::/foster-test-${process.pid}/group/foster-${id}/container$`, 'm'),
  );
  assert.match(foster(['exec', 'one', 'cat', '/proc/self/cgroup']), /^0::\/$/m);
  assert.ok(readFileSync(join(own, 'container/cgroup.procs'), 'utf8').includes(`${pid}\n`));
  foster(['stop', '-t', '0', 'one']);
  assert.deepEqual(below(), []);
});

test('pause freezes it, and what is frozen can be killed', only, () => {
  const { own } = start('one');
  foster(['pause', 'one']);
  assert.match(readFileSync(join(own, 'cgroup.events'), 'utf8'), /^frozen 1$/m);
  assert.equal(foster(['inspect', '-f', '{{.State.Status}}', 'one']), 'paused\n');
  foster(['unpause', 'one']);
  assert.match(readFileSync(join(own, 'cgroup.events'), 'utf8'), /^frozen 0$/m);
  foster(['pause', 'one']);
  foster(['kill', 'one']);
  assert.equal(foster(['inspect', '-f', '{{.State.Status}}', 'one']), 'exited\n');
});

test('the cgroup of a container whose monitor is killed goes with it', only, async () => {
  start('one');
  process.kill(Number(foster(['inspect', '-f', '{{.State.ConmonPid}}', 'one'])), 'SIGKILL');
  await waitUntil('its cgroups are gone', () => below().length === 0);
});

test(
  'a container with rights to mount cgroups sees the one with its processes, and none with limits',
  only,
  () => {
    start('one');
    const rights = [
      '--cap-add',
      'SYS_ADMIN',
      '--security-opt',
      'seccomp=unconfined',
      '--cgroup-parent',
      '/group',
    ];
    const script =
      'mkdir /c && mount -t cgroup2 c /c && cat /c/cgroup.procs && ls -d /c/container /c/foster-* /c/group';
    const shown = foster(['run', '--rm', ...rights, 'busybox', 'sh', '-c', script], 1);
    assert.equal(shown.match(/No such file or directory/g)?.length, 3, shown);
  },
);

test('cgroups that a container has made below its own go with it, however deep', only, () => {
  const rights = [
    '--cap-add',
    'SYS_ADMIN',
    '--security-opt',
    'seccomp=unconfined',
    '--cgroup-parent',
    '/group',
  ];
  const deep = '/c/a/b/c/d/e';
  const script = `mkdir /c && mount -t cgroup2 c /c && mkdir -p ${deep} /c/x /c/y && echo $$ > ${deep}/cgroup.procs && echo made`;
  assert.equal(foster(['run', '--rm', ...rights, 'busybox', 'sh', '-c', script]), 'made\n');
  assert.deepEqual(below(), []);
});

test('a place that is not below it cannot be asked for', only, () => {
  assert.match(
    foster(['run', '--cgroup-parent', '/../x', 'busybox', 'true'], 125),
    /^foster: --cgroup-parent/,
  );
});
