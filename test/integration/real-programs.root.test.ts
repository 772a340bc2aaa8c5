import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parseMounts } from '../../src/container/cgroup-facts.js';
import { BuildHome } from './support/build.js';
import { Containers } from './support/containers.js';
import { buildDebianImage, IMAGE } from './support/debian-image.js';
import { DebianMirror } from './support/debian-mirror.js';
import { waitUntil } from './support/wait.js';

/** Limits of a real program; as root, who alone can set them on a machine without a delegated cgroup. */
after(() => {
  containers.removeAll(); // before the home itself is removed
  mirror.close();
});

const home = new BuildHome();
delete home.env.FOSTER_NETWORK;
const containers = new Containers(home);
const hasMemoryLimit = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).some(({ controllers }) =>
  controllers.includes('memory'),
);
let mirror: DebianMirror;

before(
  async () => {
    mirror = await DebianMirror.open();
    await buildDebianImage(home, mirror, ['redis-server']);
  },
  { timeout: 1_800_000 },
);

test('Redis that needs more than --memory is killed, and --restart on-failure starts it again', {
  skip: hasMemoryLimit ? false : 'no cgroup of this machine limits memory',
}, async () => {
  const limits = ['--memory', '64m', '--restart', 'on-failure'];
  const server = ['redis-server', '--save', '', '--enable-debug-command', 'yes'];
  const id = containers.ok('run', '-d', '--name', 'cache', ...limits, IMAGE, ...server).trim();
  await containers.logs('cache', 'Ready to accept connections');
  const first = containers.pid('cache');
  assert.equal(containers.ok('exec', 'cache', 'redis-cli', 'SET', 'word', 'lost'), 'OK\n');
  // a gigabyte
  const { stdout, stderr } = home.foster([
    'exec',
    'cache',
    'redis-cli',
    'DEBUG',
    'POPULATE',
    '1000000',
    'k',
    '1000',
  ]);
  assert.match(stdout + stderr, /Server closed the connection|^$/);
  await containers.until('it is started again', 'cache', ({ restarts }) => restarts === 1);
  await waitUntil(
    'it answers',
    () => home.foster(['exec', 'cache', 'redis-cli', 'PING']).stdout === 'PONG\n',
  );
  assert.notEqual(containers.pid('cache'), first);
  assert.equal(containers.ok('exec', 'cache', 'redis-cli', 'DBSIZE'), '0\n');
  const events = containers.events(id).map((line) => line.split(' ')[0]);
  assert.deepEqual(
    events.filter((action) => ['start', 'oom', 'die'].includes(action ?? '')),
    ['start', 'oom', 'die', 'start'],
  );
  assert.ok(containers.events(id).includes('die exitCode=137'));
});
