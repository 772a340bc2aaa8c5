import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** --health-cmd and its companions. */
const home = new Home();
const containers = new Containers(home);

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const health = (name: string) => containers.inspect(name, '{{.State.Health.Status}}');
const streak = (name: string) => Number(containers.inspect(name, '{{.State.Health.FailingStreak}}'));
const shown = (name: string) => containers.ok('ps', '--filter', `name=${name}`, '--format', '{{.Status}}');

/** A container whose health is whether /well is there. */
function checked(name: string, ...flags: string[]): string {
  const command = ['--health-cmd', 'test -e /well', '--health-interval', '100ms', ...flags];
  return containers.detach(name, 'sleep 1000', command);
}

test('starting, healthy, unhealthy after some failures in a row, and healthy again', async () => {
  const id = checked('changing', '--health-retries', '3', '--health-interval', '400ms');
  assert.equal(health('changing'), 'starting');
  assert.match(shown('changing'), /^Up .* \(health: starting\)$/m);
  containers.ok('exec', 'changing', 'touch', '/well');
  await waitUntil('it is healthy', () => health('changing') === 'healthy');
  assert.match(shown('changing'), /^Up .* \(healthy\)$/m);
  containers.ok('exec', 'changing', 'rm', '/well');
  await waitUntil('a check has failed', () => streak('changing') === 1);
  assert.equal(health('changing'), 'healthy');
  await waitUntil('it is unhealthy', () => health('changing') === 'unhealthy');
  assert.ok(streak('changing') >= 3);
  assert.match(shown('changing'), /^Up .* \(unhealthy\)$/m);
  containers.ok('exec', 'changing', 'touch', '/well');
  await waitUntil('it is healthy', () => health('changing') === 'healthy');
  assert.equal(streak('changing'), 0);
  const events = containers.events(id).filter((line) => line.startsWith('health_status'));
  assert.deepEqual(
    events,
    ['healthy', 'unhealthy', 'healthy'].map((word) => `health_status health=${word}`),
  );
});

test('failures in the start period do not count, a success ends it', async () => {
  checked('slow', '--health-start-period', '2s', '--health-retries', '1');
  await sleep(700);
  assert.equal(health('slow'), 'starting');
  await waitUntil('it is unhealthy', () => health('slow') === 'unhealthy');
  checked('quick', '--health-start-period', '60s', '--health-retries', '1');
  containers.ok('exec', 'quick', 'touch', '/well');
  await waitUntil('it is healthy', () => health('quick') === 'healthy');
  containers.ok('exec', 'quick', 'rm', '/well');
  await waitUntil('it is unhealthy', () => health('quick') === 'unhealthy');
});

test('a check that takes too long has failed, and is ended with all that it has started', async () => {
  containers.detach('hanging', 'sleep 1000', [
    ...['--health-cmd', 'sleep 2001 & sleep 2002; true'],
    ...['--health-interval', '50ms', '--health-timeout', '200ms', '--health-retries', '2'],
  ]);
  await waitUntil('it is unhealthy', () => health('hanging') === 'unhealthy');
  await waitUntil('five checks have failed', () => streak('hanging') >= 5);
  const processes = containers.ok('exec', 'hanging', 'ps', '-o', 'args').split('\n');
  assert.ok(processes.filter((line) => /^sleep 200/.test(line)).length <= 2, processes.join('\n'));
  assert.doesNotMatch(
    containers.ok('exec', 'hanging', 'sh', '-c', 'cat /proc/[0-9]*/stat 2>/dev/null || :'),
    /\) Z /,
  );
  assert.equal(descendants(containers.monitor('hanging')).filter(({ state }) => state === 'Z').length, 0);
});

test('a check runs as a process of the container does', async () => {
  containers.detach('inside', 'sleep 1000', [
    ...[
      '--health-cmd',
      '{ id -u; pwd; echo $NAME; grep Seccomp: /proc/self/status; } > /tmp/new; mv /tmp/new /tmp/seen',
    ],
    ...[
      '--health-interval',
      '100ms',
      '-u',
      '1000',
      '-w',
      '/tmp',
      '-e',
      'NAME=value',
      '--tmpfs',
      '/tmp:mode=1777',
    ],
  ]);
  await waitUntil('it is healthy', () => health('inside') === 'healthy');
  assert.equal(containers.ok('exec', 'inside', 'cat', '/tmp/seen'), '1000\n/tmp\nvalue\nSeccomp:\t2\n');
});

for (const flags of [[], ['--no-init'], ['-t']]) {
  test(`many checks leave nothing, and the exit code is the program's: ${flags.join(' ')}`, async () => {
    containers.detach('many', 'trap "exit 4" TERM; while :; do sleep 0.1; done', [
      ...flags,
      ...['--health-cmd', 'echo x >> /count', '--health-interval', '10ms'],
    ]);
    await waitUntil(
      'many checks',
      () => Number(containers.ok('exec', 'many', 'sh', '-c', 'cat /count 2>/dev/null | wc -l')) > 20,
    );
    const processes = containers.ok('exec', 'many', 'sh', '-c', 'cat /proc/[0-9]*/stat 2>/dev/null || :');
    // The check that has just ended is one until the monitor has looked.
    assert.ok((processes.match(/\) Z /g) ?? []).length <= 1, processes);
    containers.ok('stop', 'many');
    assert.equal(containers.inspect('many', '{{.State.ExitCode}}'), '4');
    assert.equal(containers.log('many'), ''); // what checks print is not the container's output
  });
}

test('a paused container is not checked, a restarted one is starting', async () => {
  checked('held', '--restart', 'always');
  containers.ok('exec', 'held', 'touch', '/well');
  await waitUntil('it is healthy', () => health('held') === 'healthy');
  containers.ok('pause', 'held');
  await sleep(500);
  assert.equal(streak('held'), 0);
  containers.ok('unpause', 'held');
  containers.ok('exec', 'held', 'rm', '/well');
  await waitUntil('it is unhealthy', () => health('held') === 'unhealthy');
  process.kill(containers.pid('held'), 'SIGKILL');
  await waitUntil('it has been started again', () => containers.inspect('held', '{{.RestartCount}}') === '1');
  await waitUntil('a new count', () => health('held') === 'starting' || streak('held') < 3);
});

test('in the foreground too', async () => {
  const running = containers.begin([
    'run',
    '--name',
    'front',
    '--health-cmd',
    'true',
    '--health-interval',
    '50ms',
    'busybox',
    'sleep',
    '1000',
  ]);
  await waitUntil(
    'it is healthy',
    () => home.foster(['inspect', 'front']).status === 0 && health('front') === 'healthy',
  );
  containers.ok('kill', 'front');
  assert.equal((await running.ended).status, 137);
});
