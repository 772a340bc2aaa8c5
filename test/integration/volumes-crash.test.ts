import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';
import { waitUntil } from './support/wait.js';

/** SIGKILL at every step of the commands that create, fill and remove volumes. */
const home = new CrashHome();
// builds the root filesystem, and that for other ids
home.must(['run', '--rm', 'busybox', 'true']);
home.must(['run', '--rm', '--userns', 'auto', 'busybox', 'true']);

const folder = join(home.folder, 'data/foster/volumes');
const stored = () => (existsSync(folder) ? readdirSync(folder) : []);
/** Without those that foster mounts there, or makes in a container's own /etc. */
const FILES = 'ls /etc | grep -v -e host -e resolv -e mtab';
const whole = home.must(['run', '--rm', 'busybox', 'sh', '-c', FILES]);

const WALKS: Walk[] = [
  { args: ['volume', 'create', 'data'], least: 3 },
  { args: ['create', '--name', 'one', '-v', 'data:/etc', '-v', '/usr', 'busybox', 'true'], least: 16 },
  { args: ['run', '--rm', '-v', 'data:/etc', '-v', '/a', 'busybox', 'true'], least: 16 },
  // without Node: src/init/front
  { args: ['run', '--rm', '-v', '/a', '-v', '/tmp', 'busybox', 'true'], least: 22 },
  { args: ['run', '-d', '-v', 'fresh:/tmp', '-v', '/a', 'busybox', 'sleep', '1000'], least: 22 },
  { args: ['run', '-d', '--userns', 'auto', '-v', '/a', 'busybox', 'sleep', '1000'], least: 18 },
  { before: [['volume', 'create', 'data']], args: ['volume', 'rm', 'data'], least: 3 },
  {
    before: [['create', '--name', 'one', '-v', '/etc', 'busybox', 'true']],
    args: ['rm', '-v', 'one'],
    least: 8,
  },
  {
    before: [['create', '--name', 'one', '-v', '/etc', 'busybox', 'true']],
    args: ['rm', '-v', 'one'],
    least: 8,
    env: { FOSTER_NO_FRONT: '1' },
  },
  {
    before: [
      ['create', '--name', 'one', '-v', '/etc', 'busybox', 'true'],
      ['rm', 'one'],
    ],
    args: ['volume', 'prune', '-f'],
    least: 3,
  },
];

/** All commands work, whatever has happened; the volume has all files or none, and nothing is left in the end. */
async function assertRecovers(what: string): Promise<void> {
  const command = ['sh', '-c', FILES];
  const { stdout } = await home.library.run({
    root: 'busybox',
    command,
    volumes: ['data:/etc'],
    remove: true,
  });
  assert.equal(stdout, whole, what);
  await home.library.volumes.list();
  await home.assertRecovers(what);
  await home.library.volumes.prune({ all: true });
  assert.deepEqual(stored(), [], what);
}

for (const walk of WALKS) test(titleOf(walk), () => killAtEachStep(home, walk, assertRecovers));

test('when the monitor is killed, the files of named volumes stay, and anonymous volumes of --rm go', async () => {
  const script =
    'echo row > /data/rows; chown 70 /data/rows; touch /a/x; chown 5 /a/x; touch /data/ready; sleep 1000';
  home.must([
    'run',
    '-d',
    '--rm',
    '--name',
    'one',
    '-v',
    'data:/data',
    '-v',
    '/a',
    'busybox',
    'sh',
    '-c',
    script,
  ]);
  const ready = () => home.foster(['exec', 'one', 'test', '-e', '/data/ready']).status === 0;
  await waitUntil('the files are written', ready);
  const pid = Number(home.must(['inspect', '-f', '{{.State.ConmonPid}}', 'one']));
  process.kill(pid, 'SIGKILL');
  await waitUntil('the container is gone', async () => (await home.listed()).length === 0);
  await waitUntil('its own volume is gone', () => stored().length === 1);
  assert.deepEqual(stored(), ['data']);
  assert.equal(home.must(['run', '--rm', '-v', 'data:/data', 'busybox', 'cat', '/data/rows']), 'row\n');
  home.must(['volume', 'rm', 'data']);
  await home.assertCleans();
});
