import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FOSTER, type Result } from './support/foster.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** A disk without room, and one that has become read-only, under the containers of an unprivileged user. */
const USER = 'foster-test';
const folder = mkdtempSync(join(tmpdir(), 'foster-full-'));
const disk = join(folder, 'data');
const containers = join(disk, 'foster/containers');

for (const name of ['data', 'run', 'home']) mkdirSync(join(folder, name), { mode: 0o700 });
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'foster-test', disk]);
execFileSync('chown', ['-R', `${USER}:`, folder]);
after(() => {
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  foster(['rm', '-f', ...foster(['ps', '-aq']).stdout.split('\n').filter(Boolean)]);
  execFileSync('umount', ['-l', disk]);
  rmSync(folder, { recursive: true, force: true });
});

function foster(args: string[]): Result {
  const node = process.execPath.slice(0, process.execPath.lastIndexOf('/'));
  const env = {
    HOME: join(folder, 'home'),
    XDG_DATA_HOME: disk,
    XDG_RUNTIME_DIR: join(folder, 'run'),
    PATH: `${node}:/usr/bin:/bin:/usr/sbin:/sbin`,
  };
  const user = [`--reuid=${USER}`, `--regid=${USER}`, '--init-groups', '--', FOSTER, ...args];
  const { status, signal, stdout, stderr } = spawnSync('setpriv', user, {
    env,
    cwd: '/',
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  assert.doesNotMatch(stderr, /unexpected error|^\s+at /m, `${args.join(' ')}: ${stderr}`);
  return { status, signal, stdout, stderr };
}

function must(args: string[]): string {
  const { status, stdout, stderr } = foster(args);
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
}

const filler = join(disk, 'filler');

function fill(): void {
  const fd = openSync(filler, 'w');
  try {
    for (const size of [1024 * 1024, 4096]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch {
        // there is no room for one more
      }
    }
  } finally {
    closeSync(fd);
  }
}

function state(name: string): string {
  return must(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name]).trim();
}

const isReachable =
  spawnSync('setpriv', [`--reuid=${USER}`, '--clear-groups', '--', 'test', '-r', FOSTER]).status === 0;
const options = { skip: isReachable ? false : `${USER} may not read ${FOSTER}` };
const SLEEP = ['busybox', 'sleep', '1000'];
const SAYING = ['busybox', 'sh', '-c', 'trap "exit 7" TERM; while :; do echo something; sleep 0.01; done'];

test('a disk that fills up while containers run', options, () => {
  must(['run', '-d', '--name', 'says', ...SAYING]);
  must(['run', '-d', '--name', 'again', '--restart', 'always', ...SLEEP]);
  must(['create', '--name', 'later', ...SLEEP]);
  must(['run', '--name', 'over', 'busybox', 'sh', '-c', 'mkdir /d && touch /d/f && chown -R 5:5 /d']);
  const withVolume = ['run', '--rm', '-v', '/own', 'busybox', 'true'];
  for (let time = 0; time < 2; time++) must(withVolume); // it leaves a template: src/init/front
  fill();
  const before = readdirSync(containers).length;

  for (const args of [
    ['run', '-d', ...SLEEP],
    ['run', '--rm', ...SLEEP],
    withVolume,
    ['create', ...SLEEP],
    ['run', '-d', '--name', 'x1', ...SLEEP],
  ]) {
    const { status, stderr } = foster(args);
    assert.equal(status, 125, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, /no space left on device/);
    assert.match(stderr, /free some space/);
  }
  assert.equal(readdirSync(containers).length, before, 'what could not be made is gone');
  assert.deepEqual(readdirSync(join(disk, 'foster/volumes')), []);
  assert.match(foster(['start', 'later']).stderr, /no space left|free some space/);
  assert.equal(state('later'), 'created 0');

  assert.equal(must(['ps', '-a']).trim().split('\n').length, 5);
  for (const name of ['says', 'again', 'later', 'over']) must(['inspect', name]);
  must(['stop', 'says']);
  assert.equal(state('says'), 'exited 7', 'there was room kept for how it ended');
  must(['logs', '--tail', '1', 'says']);
  must(['exec', 'again', 'true']);
  must(['kill', 'again']);
  assert.equal(state('again'), 'exited 137');
  must(['rm', 'over']);
  must(['prune', '-f']);
  assert.deepEqual(readdirSync(containers), []);
  assert.deepEqual(readdirSync(join(disk, 'foster/names')), []);
  rmSync(filler);
  must(['run', '--rm', 'busybox', 'true']);
});

test('a disk that is full from the start: no root filesystem can be created', options, () => {
  execFileSync('rm', ['-rf', join(disk, 'foster')]);
  fill();
  const { status, stderr } = foster(['run', '--rm', 'busybox', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /no space left on device|not enough room/);
  must(['ps', '-a']);
  must(['prune', '-f']);
  rmSync(filler);
  must(['run', '--rm', 'busybox', 'true']);
});

test('a disk that has become read-only', options, async () => {
  must(['run', '--name', 'one', 'busybox', 'true']); // what runs keeps files open, and the disk from becoming read-only
  // The kernel may unmount the overlay of a container a moment after its end, and the disk is busy until then.
  await waitUntil(
    'the disk becomes read-only',
    () => spawnSync('mount', ['-o', 'remount,ro', disk]).status === 0,
  );
  assert.match(must(['ps', '-a']), /Exited \(0\)/);
  must(['inspect', 'one']);
  for (const args of [
    ['run', '--rm', ...SLEEP],
    ['create', ...SLEEP],
    ['rename', 'one', 'two'],
    ['update', '--stop-timeout', '1', 'one'],
    ['rm', '-f', 'one'],
    ['prune', '-f'],
  ]) {
    const { status, stderr } = foster(args);
    assert.notEqual(status, 0, args.join(' '));
    assert.match(stderr, /read-only file system/, args.join(' '));
  }
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  must(['rm', '-f', 'one']);
  must(['prune', '-f']);
  assert.deepEqual(readdirSync(containers), []);
});
