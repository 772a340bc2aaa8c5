import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { ContainerInfo } from '../../src/engine/index.js';
import { Containers, descriptorsOf, privateSize } from './support/containers.js';
import { Home } from './support/foster.js';
import { Foster } from './support/library.js';
import { descendants, readProcess, waitForNoProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** Restart policies. */
const home = new Home();
const containers = new Containers(home);

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const restarts = (name: string) => Number(containers.inspect(name, '{{.RestartCount}}'));
const ended = (name: string) =>
  containers.inspect(name, '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}');

/** Waits until no process is left that could restart a container. */
const noMonitor = () => waitForNoProcess('foster-monitor');

/** Milliseconds at which it was started, from the events. */
function starts(id: string): number[] {
  const { stdout } = home.foster([
    'events',
    '--since',
    '1h',
    '--until',
    '0s',
    '--format',
    '{{.ID}} {{.Action}} {{.TimeNano}}',
  ]);
  return stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([actor, action]) => actor === id && action === 'start')
    .map(([, , time]) => Number(time) / 1e6);
}

test('no: it is not restarted', async () => {
  containers.detach('once', 'exit 3');
  await containers.waitFor('once', 'exited');
  await noMonitor();
  assert.equal(ended('once'), 'exited 3 0');
});

test('on-failure: only after a failure, and only MAX times', async () => {
  containers.detach('well', 'exit 0', ['--restart', 'on-failure']);
  containers.detach('ill', 'exit 5', ['--restart', 'on-failure:3']);
  assert.equal((await containers.run(['wait', 'well', 'ill'])).stdout, '0\n5\n');
  assert.equal(ended('well'), 'exited 0 0');
  assert.equal(ended('ill'), 'exited 5 3');
  containers.ok('start', 'ill'); // counts anew
  assert.equal((await containers.run(['wait', 'ill'])).stdout, '5\n');
  assert.equal(ended('ill'), 'exited 5 3');
});

for (const policy of ['always', 'unless-stopped']) {
  test(`${policy}: also after success; the delay grows; stop ends it`, async () => {
    const id = containers.detach('loop', 'exit 0', ['--restart', policy]);
    await containers.until('it was started again a few times', 'loop', (info) => info.restarts >= 4);
    containers.ok('stop', 'loop');
    assert.match(ended('loop'), /^exited (0|143) /); // 143: the stop met a program that was just about to exit
    const times = starts(id);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, gap] of gaps.slice(0, 4).entries()) assert.ok(gap >= 100 * 2 ** index, `gaps ${gaps}`);
    await noMonitor();
    assert.equal(containers.status('loop'), 'exited');
  });
}

test('kill and stop of a running container do not restart it', async () => {
  for (const verb of ['kill', 'stop']) {
    containers.detach(`by-${verb}`, 'trap "exit 1" TERM; while :; do sleep 0.1; done', [
      '--restart',
      'always',
    ]);
    containers.ok(verb, `by-${verb}`);
    await containers.waitFor(`by-${verb}`, 'exited');
    await noMonitor();
    assert.equal(containers.status(`by-${verb}`), 'exited');
  }
});

test('a program killed from inside or outside is restarted', async () => {
  containers.detach('hit', 'sleep 1000', ['--restart', 'always']);
  process.kill(containers.pid('hit'), 'SIGKILL');
  await containers.until('it runs again', 'hit', (info) => info.restarts === 1 && info.status === 'running');
  assert.equal(containers.ok('exec', 'hit', 'echo', 'well'), 'well\n');
});

test('a restart by the user keeps a container with --rm: of it alone, by the library, and of its pod', async () => {
  containers.ok('pod', 'create', '--name', 'shop');
  const id = containers.detach('dev', 'echo run >> /runs; exec sleep 1000', ['--rm', '--pod', 'shop']);
  const foster = new Foster({ env: home.env });
  const folder = join(home.folder, 'data/foster/containers', id);
  const ways: (() => unknown)[] = [
    () => containers.ok('restart', '-t', '0', 'dev'),
    () => foster.restart('dev', { timeout: 0 }),
    () => containers.ok('pod', 'restart', 'shop'),
  ];
  for (const [index, restart] of ways.entries()) {
    await restart();
    const runs = await waitUntil('it runs again', () => {
      const text = containers.ok('exec', 'dev', 'cat', '/runs');
      return text.length === 4 * (index + 2) && text;
    });
    assert.equal(runs, 'run\n'.repeat(index + 2));
    assert.ok(!existsSync(join(folder, 'stays')));
  }
  containers.ok('stop', '-t', '0', 'dev');
  assert.ok(!existsSync(folder), 'it is removed at its next end');
  containers.ok('pod', 'rm', '-f', 'shop');
});

test('its files are kept, and its mounts are restored', async () => {
  containers.detach(
    'keeps',
    'echo x >> /runs; [ $(wc -l < /runs) = 3 ] || exit 1; cat /runs /proc/mounts | grep -c .; sleep 1000',
    ['--restart', 'always', '--tmpfs', '/scratch'],
  );
  await containers.logs('keeps', /\d/);
  assert.equal(restarts('keeps'), 2);
  assert.equal(containers.ok('exec', 'keeps', 'sh', '-c', 'grep -c scratch /proc/mounts'), '1\n');
});

test('update changes the policy of a running container', async () => {
  containers.detach('changed', 'until [ -e /go ]; do sleep 0.05; done; exit 2');
  containers.ok('update', '--restart', 'on-failure:1', 'changed');
  containers.ok('exec', 'changed', 'touch', '/go');
  assert.equal((await containers.run(['wait', 'changed'])).stdout, '2\n');
  assert.equal(ended('changed'), 'exited 2 1');
});

test('attach continues through restarts, and returns the last exit code', async () => {
  containers.ok(
    'create',
    '--name',
    'through',
    '--restart',
    'on-failure:2',
    'busybox',
    'sh',
    '-c',
    'echo run; exit 6',
  );
  const { status, stdout } = home.foster(['start', '-a', 'through']);
  assert.deepEqual({ status, stdout }, { status: 6, stdout: 'run\nrun\nrun\n' });
  const run = home.run([
    '--name',
    'front',
    '--restart',
    'on-failure:1',
    'busybox',
    'sh',
    '-c',
    'echo run; exit 7',
  ]);
  assert.deepEqual({ status: run.status, stdout: run.stdout }, { status: 7, stdout: 'run\nrun\n' });
});

test('Ctrl-C while it waits for its restart ends it', async () => {
  const running = containers.begin(['run', '--name', 'waiting', '--restart', 'always', 'busybox', 'false']);
  await containers.until('it has restarted', 'waiting', (info) => info.restarts >= 3);
  await containers.waitFor('waiting', 'restarting');
  await waitUntil('it is attached', () => readProcess(running.pid)?.name === 'foster-attach');
  await containers.until('it ends', 'waiting', ({ status }) => {
    // again where the wait has just been over, and the container got it
    if (running.child.exitCode === null && status === 'restarting') running.child.kill('SIGINT');
    return running.child.exitCode !== null;
  });
  // that of the last run, which SIGINT may have ended
  const { status } = await running.ended;
  assert.ok(status === 1 || status === 130, String(status));
  assert.equal(containers.status('waiting'), 'exited');
});

test('a program that cannot be started any more is reported, and retried', async () => {
  const source = join(home.shared, 'program');
  writeFileSync(source, '#!/bin/sh\nsleep 0.3\nexit 4\n', { mode: 0o755 });
  const { status } = home.run([
    '-d',
    '--name',
    'mounted',
    '--restart',
    'always',
    '-v',
    `${source}:/program`,
    'busybox',
    '/program',
  ]);
  assert.equal(status, 0);
  rmSync(source);
  await containers.until('its start has failed', 'mounted', (info) => info.exitCode === 125);
  writeFileSync(source, '#!/bin/sh\nsleep 1000\n', { mode: 0o755 });
  await containers.waitFor('mounted', 'running');
  containers.ok('stop', '-t', '0', 'mounted');

  containers.detach('eats', 'rm /bin/true; sleep 0.2; exit 1', ['--restart', 'on-failure:2']);
  const inner = home.run([
    '-d',
    '--name',
    'own',
    '--restart',
    'on-failure:2',
    '-e',
    'A=b',
    '--entrypoint',
    '/bin/true',
    'busybox',
  ]);
  assert.equal(inner.status, 0);
});

test('restarts leave no descriptor, process or memory behind', async () => {
  // The delay doubles each time: seven restarts take as many seconds, and any leak shows after one.
  containers.detach('crashing', '(sleep 1000 &); exit 1', [
    '--restart',
    'always',
    '--stop-timeout',
    '0',
    '-i',
  ]);
  const monitor = () => descendants().find(({ name }) => name === 'foster-monitor')?.pid ?? 0;
  /** What the monitor has while it waits to start the container again, after at least so many times. */
  const held = async (times: number) => {
    for (;;) {
      const what = `it waits after restart ${times}`;
      const isSo = ({ status, restarts }: ContainerInfo) => status === 'restarting' && restarts >= times;
      const before = await containers.until(what, 'crashing', isSo);
      const has = {
        descriptors: descriptorsOf(monitor()).length,
        memory: privateSize(monitor()),
        children: descendants(monitor()).map(({ name }) => name),
      };
      const { status, restarts } = await containers.until('it is there', 'crashing', () => true);
      if (status === 'restarting' && restarts === before.restarts) return has; // else it has been started meanwhile
    }
  };
  const early = await held(1);
  const late = await held(6);
  assert.equal(late.descriptors, early.descriptors);
  assert.ok(late.memory <= early.memory + 8, `${early.memory} KiB, then ${late.memory}`);
  assert.deepEqual(late.children, []);
});
