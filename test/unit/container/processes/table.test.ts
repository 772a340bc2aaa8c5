import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { cpuPercent, parseNetwork, type Sample } from '../../../../src/container/processes/stats.js';
import {
  commandLine,
  openProcess,
  ProcessTable,
  parseStat,
  readIds,
  readProcess,
} from '../../../../src/container/processes/table.js';
import { binarySize, decimalSize } from '../../../../src/engine/views/size.js';
import { waitReadable } from '../../../../src/sys/libc.js';
import { waitFor, waitUntilReadable } from '../../../../src/sys/poll.js';
import { waitUntil } from '../../../integration/support/wait.js';

const STAT =
  '42 (a) b (c) T 7 40 39 34817 40 4194304 100 0 0 0 11 12 13 14 20 -5 3 0 5555 8192000 250 18446744073709551615 ' +
  '1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n';

test('a line of /proc/PID/stat, with any name', () => {
  const entry = parseStat(STAT);
  assert.equal(entry.pid, 42);
  assert.equal(entry.name, 'a) b (c');
  assert.equal(entry.state, 'T');
  assert.deepEqual([entry.parent, entry.group, entry.session, entry.terminal], [7, 40, 39, 34817]);
  assert.deepEqual([entry.userTime, entry.systemTime, entry.childrenTime], [11, 12, 27]);
  assert.deepEqual([entry.nice, entry.threads, entry.start], [-5, 3, '5555']);
  assert.equal(entry.virtualSize, 8_192_000);
});

test('the own process', () => {
  const entry = readProcess(process.pid);
  assert.equal(entry?.parent, process.ppid);
  assert.ok((entry?.residentSize ?? 0) > 10_000_000);
  assert.equal(readIds(process.pid)?.pids[0], process.pid);
  assert.equal(readIds(process.pid)?.user, process.geteuid?.());
  assert.ok(entry && commandLine(entry).startsWith(process.argv0));
  assert.equal(readProcess(2 ** 22 + 1), undefined);
});

test('members of a container in a shared PID namespace are those that descend from its first process', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & echo; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  // others may be in the same mount namespace, as those of a container are
  const own = () =>
    new ProcessTable()
      .members(child.pid ?? 0)
      .filter(({ pid, parent }) => [pid, parent].includes(child.pid ?? 0));
  try {
    await waitUntil('the second shell has become sleep', () => own()[1]?.name !== 'sh');
    assert.deepEqual(
      own().map(({ name }) => name),
      ['sh', 'sleep'],
    );
  } finally {
    for (const { pid } of own().reverse()) process.kill(pid, 'SIGKILL');
  }
});

test('a process is opened only if it is the right one', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const start = readProcess(pid)?.start ?? '';
  assert.equal(openProcess(pid, `${start}0`), undefined);
  const pidfd = openProcess(pid, start);
  assert.ok(pidfd !== undefined);
  assert.equal(waitReadable(pidfd, 0), 'timeout');
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  assert.equal(waitReadable(pidfd, 5000), 'ready');
  closeSync(pidfd);
  await exited;
  assert.equal(openProcess(pid, start), undefined);
});

test('several waits at the same time', async () => {
  const children = [spawn('sleep', ['1000']), spawn('sleep', ['1000'])];
  const pidfds = children.map(({ pid = 0 }) => openProcess(pid, readProcess(pid)?.start ?? '') ?? -1);
  const order: string[] = [];
  const note = (what: string) => (result: unknown) => void order.push(`${what} ${result}`);
  await Promise.all([
    waitUntilReadable(pidfds[1] ?? -1, Infinity).then(note('second')),
    waitUntilReadable(pidfds[0] ?? -1, 60_000).then(note('first')),
    waitUntilReadable(pidfds[1] ?? -1, 200)
      .then(note('impatient'))
      .then(() => children[1]?.kill('SIGKILL')),
    waitFor(10)
      .then(note('pause'))
      .then(() => children[0]?.kill('SIGKILL')),
  ]);
  const [pause, first] = ['pause undefined', 'first true'].map((what) => order.indexOf(what));
  assert.ok((pause ?? -1) >= 0 && (pause ?? 0) < (first ?? 0), order.join(', '));
  assert.equal(order.at(-1), 'second true');
  assert.ok(order.includes('impatient false'));
  pidfds.forEach(closeSync);
});

test('traffic, without that of the loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  999       9    0    0    0     0          0         0      999       9    0    0    0     0       0          0
  tap0: 1500      10    0    0    0     0          0         0      700       5    0    0    0     0       0          0
  eth1:  500       1    0    0    0     0          0         0       50       1    0    0    0     0       0          0
`;
  assert.deepEqual(parseNetwork(text), { received: 2000, sent: 750 });
  assert.deepEqual(parseNetwork(''), { received: 0, sent: 0 });
});

test('the share of a CPU', () => {
  const sample = (at: number, cpu: number): Sample => ({
    at,
    cpu,
    memory: 0,
    memoryLimit: 1,
    network: undefined,
    block: undefined,
    tasks: 1,
  });
  assert.equal(cpuPercent(sample(1000, 100), sample(2000, 600)), 50);
  assert.equal(cpuPercent(sample(1000, 100), sample(2000, 2100)), 200);
  assert.equal(cpuPercent(sample(1000, 600), sample(2000, 100)), 0);
  assert.equal(cpuPercent(undefined, sample(2000, 100)), 0);
});

test('sizes as Docker writes them', () => {
  assert.deepEqual([0, 1023, 1536, 25_275_645_952].map(binarySize), ['0B', '1023B', '1.5KiB', '23.54GiB']);
  assert.deepEqual([0, 999, 24_576, 1_234_567].map(decimalSize), ['0B', '999B', '24.6kB', '1.23MB']);
});
