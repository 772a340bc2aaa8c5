import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Containers, descriptorsOf, proportionalSize } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { compile } from './support/probe.js';
import { readProcess, waitForNoProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** The monitor of a container in the background: its log, events, cost and death. */
const home = new Home();
const containers = new Containers(home);
const shared = ['-v', `${home.shared}:/shared`];

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

interface Frame {
  stream: number;
  data: Buffer;
}

/** Parses a log file as in docs/state.md; fails if it is incomplete. */
function frames(path: string): Frame[] {
  const bytes = readFileSync(path);
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at + 8);
    assert.ok(at + 16 + size <= bytes.length, 'the last frame is not whole');
    assert.equal(bytes.readUIntBE(at + 13, 3), 0);
    const seconds = Number(bytes.readBigUInt64LE(at) / 1_000_000_000n);
    assert.ok(Math.abs(seconds - Date.now() / 1000) < 600);
    found.push({ stream: bytes[at + 12] ?? 0, data: bytes.subarray(at + 16, at + 16 + size) });
    at += 16 + size;
  }
  return found;
}

function stream(all: Frame[], number: number): Buffer {
  return Buffer.concat(all.filter((frame) => frame.stream === number).map(({ data }) => data));
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

test('an idle container takes less than 74 KB, leaks no descriptor, and uses no CPU time', async () => {
  for (const [name, flags] of [
    ['idle', []],
    ['typed', ['-t', '-i']],
  ] as const) {
    containers.detach(name, 'exec sleep 1000', [...flags]);
    const [monitor, init] = [containers.monitor(name), containers.pid(name)];
    const ticks = () => (readProcess(monitor)?.ticks ?? 0) + (readProcess(init)?.ticks ?? 0);
    // Its start may still be going on; one that polls would have no such second.
    await waitUntil('a second passes in which they use no time', async () => {
      const before = ticks();
      await sleep(1000);
      return ticks() === before;
    });
    const held = proportionalSize(monitor) + proportionalSize(init);
    // where pages are larger, so is a process that needs a few of them
    assert.ok(held < (process.arch === 'x64' ? 74 : 800), `${held} KiB`);
    const open = descriptorsOf(monitor).filter((one) => !one.endsWith('/dev/null'));
    assert.ok(open.length <= 16, open.join('\n'));
    assert.ok(!open.some((one) => / \/(usr|etc|home\/[^/]+)?$/.test(one)), open.join('\n'));
  }
});

for (const flags of [[], ['--no-init'], ['-t'], ['--rm'], ['-u', '1000', '--no-init']]) {
  test(`killing the monitor kills the container, and all commands know ${flags.join(' ')}`, async () => {
    const id = containers.detach(
      'widow',
      'trap "" TERM HUP INT; (sleep 1000 &); echo ready; while :; do sleep 0.1; done',
      flags,
    );
    await containers.logs('widow', 'ready');
    const [monitor, init] = [containers.monitor('widow'), containers.pid('widow')];
    process.kill(monitor, 'SIGKILL');
    await waitUntil('PID 1 is dead', () => [undefined, 'Z'].includes(readProcess(init)?.state));
    if (flags.includes('--rm')) {
      await waitUntil('its files are gone', () => !existsSync(containers.folder(id)));
      return;
    }
    assert.match(
      containers.ok('ps', '-a', '--format', '{{.Names}}: {{.Status}}'),
      /^widow: Dead \(its monitor was killed\)/m,
    );
    assert.equal(
      containers.inspect('widow', '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}'),
      'dead 137 0',
    );
    assert.equal(home.foster(['exec', 'widow', 'true']).status, 1);
    assert.equal(home.foster(['attach', 'widow']).status, 1);
    assert.equal(containers.ok('wait', 'widow'), '137\n');
    containers.ok('start', 'widow');
    assert.equal(containers.status('widow'), 'running');
    process.kill(containers.monitor('widow'), 'SIGKILL');
    await containers.waitFor('widow', 'dead');
    containers.ok('rm', 'widow');
  });
}

test('SIGTERM to the monitor, as at a shutdown, goes to the container', async () => {
  containers.detach('shut', 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done');
  await containers.logs('shut', 'ready');
  process.kill(containers.monitor('shut'), 'SIGTERM');
  await containers.waitFor('shut', 'exited');
  assert.equal(containers.inspect('shut', '{{.State.ExitCode}}'), '5');
});

test('a container whose monitor was told to end is not restarted: a shutdown would wait for it', async () => {
  containers.detach('again', 'sleep 1000', ['--restart', 'always']);
  process.kill(containers.monitor('again'), 'SIGTERM');
  await containers.waitFor('again', 'exited');
  await waitForNoProcess('foster-monitor');
  assert.deepEqual(containers.ok('system', 'start').split('\n').length, 2, 'the next boot starts it');
  containers.ok('rm', '-f', 'again');
});

test('the log has both streams, byte for byte', async () => {
  const [out, err] = [randomBytes(6_000_000), randomBytes(3_000_000)];
  writeFileSync(join(home.shared, 'out'), out);
  writeFileSync(join(home.shared, 'err'), err);
  const id = containers.detach('binary', 'cat /shared/out & cat /shared/err >&2; wait', shared);
  await containers.waitFor('binary', 'exited');
  const all = frames(join(containers.folder(id), 'log'));
  assert.equal(sha256(stream(all, 1)), sha256(out));
  assert.equal(sha256(stream(all, 2)), sha256(err));
});

test('100,000 lines, each written separately', async () => {
  const id = containers.detach('lines', 'i=0; while [ $i -lt 100000 ]; do echo $i; i=$((i + 1)); done');
  await containers.waitFor('lines', 'exited');
  const expected = Array.from({ length: 100_000 }, (_, index) => `${index}\n`).join('');
  assert.equal(stream(frames(join(containers.folder(id), 'log')), 1).toString(), expected);
});

test('max-size and max-file limit the log; the newest part is kept completely', async () => {
  const flags = ['--log-opt', 'max-size=64k', '--log-opt', 'max-file=3'];
  const id = containers.detach('bounded', 'seq 1 100000', flags);
  await containers.waitFor('bounded', 'exited');
  const names = ['log.2', 'log.1', 'log'].map((name) => join(containers.folder(id), name));
  for (const name of names) assert.ok(statSync(name).size <= 64 * 1024 + 16, name);
  assert.ok(!existsSync(join(containers.folder(id), 'log.3')));
  const kept = Buffer.concat(names.map((name) => stream(frames(name), 1))).toString();
  const expected = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('');
  assert.ok(kept.length > 64 * 1024 && expected.endsWith(kept));
  const single = containers.detach('single', 'seq 1 50000', ['--log-opt', 'max-size=32k']);
  await containers.waitFor('single', 'exited');
  assert.ok(statSync(join(containers.folder(single), 'log')).size <= 64 * 1024);
  assert.ok(!existsSync(join(containers.folder(single), 'log.1')));
});

test('a container that has ended is at rest, even if the rest of its output has yet to be read', async () => {
  const pipe = join(home.shared, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  const writer = openSync(pipe, 'w');
  const most = 65536;
  writeSync(writer, Buffer.alloc(most)); // it is full
  const args = ['run', '--name', 'unread', 'busybox', 'seq', '1', '5000'];
  const child = spawn(FOSTER, args, { env: home.env, stdio: ['ignore', writer, 'inherit'] });
  const ended = once(child, 'exit');
  closeSync(writer);
  await containers.waitFor('unread', 'exited');
  await waitUntil(
    'a wait for it ends',
    () => home.foster(['wait', 'unread'], { deadline: 5000 }).status === 0,
  );
  const expected = Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join('');
  assert.equal(containers.log('unread'), expected);
  containers.ok('rm', 'unread');
  assert.equal(child.exitCode, null);
  const buffer = Buffer.alloc(most + expected.length);
  for (let at = 0; at < buffer.length; ) at += readSync(reader, buffer, at, buffer.length - at, null);
  assert.equal(buffer.toString('latin1', most), expected);
  assert.deepEqual(await ended, [0, null]);
  closeSync(reader);
});

test('a log that can no longer grow does not affect the container', () => {
  // The disk is as good as full for the monitor, which inherits the limit: setrlimit(2), RLIMIT_FSIZE.
  const script = `ulimit -f 100; "${FOSTER}" run -d --name full busybox sh -c 'seq 1 200000; exit 3'; "${FOSTER}" wait full`;
  const { stdout } = spawnSync('bash', ['-c', script], { env: home.env, encoding: 'utf8' });
  assert.equal(stdout.split('\n')[1], '3');
  const id = containers.inspect('full', '{{.Id}}');
  const kept = stream(frames(join(containers.folder(id), 'log')), 1).toString();
  assert.ok(kept.length > 50_000 && kept.startsWith('1\n2\n3\n'));
  const lost = home.foster(['logs', 'full']);
  assert.equal(lost.status, 0, lost.stderr);
});

test('events are single lines, whatever the names of processes', async () => {
  const hostile = ['-v', `${compile(home, 'hostile')}:/hostile:ro`];
  const id = containers.detach('named', '/hostile names 0; until [ -e /go ]; do sleep 0.05; done', hostile);
  const reaped = () => containers.events(id).filter((line) => /^reap pid=\d+ status=\d comm=\S+$/.test(line));
  await waitUntil('all are reaped', () => reaped().length >= 7);
  containers.ok('exec', 'named', 'touch', '/go');
  await waitUntil('its end is an event', () => containers.events(id).at(-1) === 'die exitCode=0');
  const path = join(home.folder, 'data/foster/events');
  for (const line of readFileSync(path, 'latin1').trimEnd().split('\n')) {
    assert.match(line, /^\d{13} [a-z_]+ [0-9a-f]{64} [\w.-]+( [\w.]+=[!-~]*)*$/, line);
  }
  const events = containers.events(id);
  for (const action of ['create', 'start', 'adopt', 'die']) {
    assert.ok(
      events.some((line) => line.split(' ')[0] === action),
      `${action}: ${events}`,
    );
  }
});
