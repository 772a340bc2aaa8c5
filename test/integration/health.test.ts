import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** --health-cmd and its companions. */
const home = new Home();
const containers = new Containers(home);

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const health = (name: string) => containers.inspect(name, '{{.State.Health.Status}}');
const untilHealth = (name: string, status: string) =>
  containers.until(`${name} is ${status}`, name, (info) => info.health === status);
const streak = (name: string) => Number(containers.inspect(name, '{{.State.Health.FailingStreak}}'));
const shown = (name: string) => containers.ok('ps', '--filter', `name=${name}`, '--format', '{{.Status}}');

/** A container whose health is whether /well is there. Each check adds a byte to a file, which `checks` counts. */
function checked(name: string, ...flags: string[]): string {
  const command = [
    '--health-cmd',
    `printf x >> /shared/${name}; test -e /well`,
    '--health-interval',
    '100ms',
  ];
  return containers.detach(name, 'sleep 1000', [...command, '-v', `${home.shared}:/shared`, ...flags]);
}

function checks(name: string): number {
  const file = join(home.shared, name);
  return existsSync(file) ? readFileSync(file).length : 0;
}

test('healthcheck run checks now, and leaves the status to the monitor', () => {
  const flags = ['--health-cmd', 'echo said; test -e /well', '--health-interval', '1h'];
  containers.detach('now', 'sleep 1000', [...flags, '--health-timeout', '200s']);
  const run = (...args: string[]) => home.foster(['healthcheck', 'run', ...args]);
  assert.deepEqual(run('now'), { status: 1, signal: null, stdout: 'unhealthy\n', stderr: '' });
  containers.ok('exec', 'now', 'touch', '/well');
  assert.deepEqual(run('now'), { status: 0, signal: null, stdout: '', stderr: '' });
  assert.equal(health('now'), 'starting');

  containers.detach('slow', 'sleep 1000', [
    '--health-cmd',
    'sleep 1000',
    '--health-timeout',
    '100ms',
    '--health-interval',
    '1h',
  ]);
  assert.deepEqual(run('slow'), { status: 1, signal: null, stdout: 'unhealthy\n', stderr: '' });
  containers.detach('none', 'sleep 1000', []);
  assert.match(
    run('none').stderr,
    /container none has no health check; give it one with foster run --health-cmd/,
  );
  containers.ok('kill', 'now');
  assert.match(run('now').stderr, /cannot execute in container now: it is not running/);
  assert.deepEqual([run('none').status, run('now').status, run('nobody').status], [125, 125, 125]);
});

/** A container of which each check waits for `check`. */
function stepped(name: string, ...flags: string[]): string {
  const command =
    'until [ -e /shared/go ]; do sleep 0.02; done; [ "$(cat /shared/go; rm /shared/go)" = well ]';
  const health = ['--health-cmd', command, '--health-interval', '10ms', '--health-timeout', '300s'];
  return containers.detach(name, 'sleep 1000', [...health, '-v', `${home.shared}:/shared`, ...flags]);
}

/** Sets the result of the next health check. */
async function check(result: 'well' | 'ill'): Promise<void> {
  const go = join(home.shared, 'go');
  writeFileSync(`${go}.new`, result);
  renameSync(`${go}.new`, go);
  await waitUntil('a check was made', () => !existsSync(go));
}

/** Of the container, and of its monitor. */
function zombies(name: string): number {
  const inside = containers.ok('exec', name, 'sh', '-c', 'cat /proc/[0-9]*/stat 2>/dev/null || :');
  const monitor = containers.monitor(name);
  const children = readFileSync(`/proc/${monitor}/task/${monitor}/children`, 'utf8')
    .split(' ')
    .filter(Boolean);
  const outside = children.filter((pid) => readProcess(Number(pid))?.state === 'Z');
  return (inside.match(/\) Z /g) ?? []).length + outside.length;
}

test('starting, healthy, unhealthy after consecutive failures, and healthy again', async () => {
  const id = stepped('changing', '--health-retries', '3');
  assert.equal(health('changing'), 'starting');
  assert.match(shown('changing'), /^Up .* \(health: starting\)$/m);
  await check('well');
  await untilHealth('changing', 'healthy');
  assert.match(shown('changing'), /^Up .* \(healthy\)$/m);
  for (const failures of [1, 2]) {
    await check('ill');
    await waitUntil('a check has failed', () => streak('changing') === failures);
    assert.equal(health('changing'), 'healthy');
  }
  await check('ill');
  await untilHealth('changing', 'unhealthy');
  assert.equal(streak('changing'), 3);
  assert.match(shown('changing'), /^Up .* \(unhealthy\)$/m);
  await check('well');
  await untilHealth('changing', 'healthy');
  assert.equal(streak('changing'), 0);
  const events = containers.events(id).filter((line) => line.startsWith('health_status'));
  assert.deepEqual(
    events,
    ['healthy', 'unhealthy', 'healthy'].map((word) => `health_status health=${word}`),
  );
});

test('failures in the start period do not count, a success ends it', async () => {
  checked('slow', '--health-start-period', '300s', '--health-retries', '1');
  await waitUntil('some checks have failed', () => checks('slow') >= 4);
  assert.equal(health('slow'), 'starting');
  assert.equal(streak('slow'), 0);
  checked('over', '--health-start-period', '1s', '--health-retries', '1');
  await untilHealth('over', 'unhealthy');
  checked('quick', '--health-start-period', '300s', '--health-retries', '1');
  containers.ok('exec', 'quick', 'touch', '/well');
  await untilHealth('quick', 'healthy');
  containers.ok('exec', 'quick', 'rm', '/well');
  await untilHealth('quick', 'unhealthy');
});

test('a check that takes too long fails, and is killed with all its processes', async () => {
  containers.detach('hanging', 'sleep 1000', [
    ...['--health-cmd', 'sleep 2001 & sleep 2002; true'],
    ...['--health-interval', '50ms', '--health-timeout', '200ms', '--health-retries', '2'],
  ]);
  await untilHealth('hanging', 'unhealthy');
  await waitUntil('five checks have failed', () => streak('hanging') >= 5);
  await waitUntil('there is no more of it than of the check that goes on', () => {
    const processes = containers.ok('exec', 'hanging', 'ps', '-o', 'args').split('\n');
    return processes.filter((line) => /^sleep 200/.test(line)).length <= 2;
  });
  await waitUntil('all that have ended are buried', () => zombies('hanging') === 0);
});

test('a check runs like a process of the container', async () => {
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
  await untilHealth('inside', 'healthy');
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
    // The check that has just ended is one until the monitor has looked.
    await waitUntil('all that have ended are buried', () => zombies('many') <= 1);
    containers.ok('stop', 'many');
    assert.equal(containers.inspect('many', '{{.State.ExitCode}}'), '4');
    assert.equal(containers.log('many'), ''); // what checks print is not the container's output
  });
}

test('a paused container is not checked', async () => {
  checked('held');
  await waitUntil('it is checked', () => checks('held') >= 2);
  containers.ok('pause', 'held');
  const before = checks('held');
  checked('other');
  await waitUntil('another one is checked often', () => checks('other') >= 5);
  assert.ok(checks('held') <= before + 1); // one may have been on its way
  containers.ok('unpause', 'held');
  await waitUntil('it is checked again', () => checks('held') >= before + 2);
});

test('a restarted container is starting, with a new count', async () => {
  stepped('fresh', '--restart', 'always', '--health-retries', '1');
  await check('ill');
  await untilHealth('fresh', 'unhealthy');
  process.kill(containers.pid('fresh'), 'SIGKILL');
  await containers.until('it has been started again', 'fresh', ({ restarts }) => restarts === 1);
  await untilHealth('fresh', 'starting');
  assert.equal(streak('fresh'), 0);
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
  await untilHealth('front', 'healthy');
  containers.ok('kill', 'front');
  assert.equal((await running.ended).status, 137);
});

test('--health-start-interval: how often a container is checked while it starts', async () => {
  const often = ['--health-start-period', '1h', '--health-start-interval', '50ms'];
  checked('early', ...often, '--health-interval', '1h');
  assert.equal(containers.inspect('early', '{{.Config.Healthcheck.StartInterval}}'), '50000000');
  await waitUntil('several checks', () => checks('early') >= 3);
  assert.equal(streak('early'), 0);
  containers.ok('exec', 'early', 'touch', '/well');
  await untilHealth('early', 'healthy');
  const count = checks('early');
  containers.ok('exec', 'early', 'sleep', '1');
  assert.equal(checks('early'), count); // the next one comes in an hour
  const fail = home.run(['--health-cmd', 'true', '--health-start-interval', '0s', 'busybox']);
  assert.match(fail.stderr, /--health-start-interval '0s': the time is too short/);
});
