import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from '../integration/support/containers.js';
import { Home } from '../integration/support/foster.js';
import { waitUntil } from '../integration/support/wait.js';

/** Limits of a user without rights, by cgroups of version 2 that the user's systemd delegates: `make test-vm`. */
const home = new Home();
const containers = new Containers(home);
const TOP = '/sys/fs/cgroup';
const MB = 1024 * 1024;

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
  await waitUntil('no cgroup of a container is left', () => cgroups().length === 0);
});

/** Cgroups of the user's containers. */
function cgroups(): string[] {
  const slice = join(TOP, 'user.slice/user-1000.slice/user@1000.service');
  return readdirSync(slice, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /foster-[0-9a-f]{64}\.scope$/.test(path),
  );
}

/** A file of the container's cgroup, in which the limits are: that of its processes is below. */
function read(name: string, file: string): string {
  const own = /^0::(\/.*)$/m.exec(readFileSync(`/proc/${containers.pid(name)}/cgroup`, 'utf8'))?.[1] ?? '';
  return readFileSync(join(TOP, own, '..', file), 'utf8').trim();
}

test('foster doctor finds the delegated controllers', () => {
  const { stdout } = home.foster(['doctor', 'cgroups', 'runtime-folder', 'linger']);
  assert.match(stdout, /^ok +cgroups +cgroups of version 2, by \w+: .*memory/m);
  assert.match(stdout, /3 ok, 0 warnings, 0 failures\n$/);
});

test('lab cgroups can be played: each check fails before its step, and is met after it', () => {
  const { stdout, stderr, status } = home.foster(['lab', 'run', 'cgroups', '--auto']);
  assert.equal(status, 0, stdout + stderr);
});

test('limits are in the files of a cgroup of version 2', () => {
  const flags = ['-m', '64m', '--memory-swap', '96m', '--memory-reservation', '32m', '--cpus', '0.5'];
  containers.detach('one', 'sleep 1000 & sleep 1000', [
    ...flags,
    ...['-c', '512', '--pids-limit', '20', '--cpuset-cpus', '0'],
  ]);
  const files = {
    'memory.max': 64 * MB,
    'memory.swap.max': 32 * MB,
    'memory.low': 32 * MB,
    'cpu.max': '50000 100000',
    'pids.max': 20,
    'cpuset.cpus': 0,
  };
  for (const [file, value] of Object.entries(files)) assert.equal(read('one', file), String(value), file);
  containers.ok('update', '-m', '80m', '--memory-swap', '80m', '--pids-limit', '30', 'one');
  assert.equal(read('one', 'memory.max'), String(80 * MB));
  assert.equal(read('one', 'pids.max'), '30');
});

test('a file of the cgroup by its name', () => {
  containers.detach('one', 'sleep 1000', ['--cgroup-conf', 'memory.high=48m', '-m', '64m']);
  assert.equal(read('one', 'memory.high'), String(48 * MB));
  assert.equal(read('one', 'memory.max'), String(64 * MB));
});

test('RUN of a build has the limits of the build, and its cgroup goes with it', () => {
  const file = join(home.shared, 'Dockerfile');
  writeFileSync(file, 'FROM localhost/foster/busybox\nRUN tail /dev/zero\n');
  const flags = ['-m', '32m', '--memory-swap', '32m', '--network', 'none'];
  const { status, stderr } = home.foster(['build', ...flags, '-f', file, home.shared]);
  assert.equal(status, 1);
  assert.match(stderr, /^foster: RUN ran out of memory: /m);
});

test('a container that needs more memory than its limit is killed, and that is told', async () => {
  containers.detach('greedy', 'exec tail /dev/zero', ['-m', '32m', '--memory-swap', '32m']);
  await containers.waitFor('greedy', 'exited');
  assert.equal(containers.inspect('greedy', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137');
});

test('a container cannot have more processes than its limit', () => {
  const { stderr } = home.shell('for i in 1 2 3 4 5 6 7 8; do sleep 2 & done; wait', ['--pids-limit', '5']);
  assert.match(stderr, /can't fork: Resource temporarily unavailable/);
});

test('a container is frozen by its cgroup, and what it uses is seen', async () => {
  containers.detach('busy', 'i=0; while :; do i=$((i + 1)); done', ['-m', '64m']);
  containers.ok('pause', 'busy');
  assert.match(read('busy', 'cgroup.events'), /^frozen 1$/m);
  const [usage = ''] = containers.ok('stats', '--no-stream', '--format', '{{.MemUsage}}', 'busy').split('\n');
  assert.match(usage, / \/ (64MiB|67\.1MB|67\.11MB)$/);
  containers.ok('unpause', 'busy');
  await waitUntil('it is not frozen', () => /^frozen 0$/m.test(read('busy', 'cgroup.events')));
});

test('a container without limits has no cgroup of its own', () => {
  containers.detach('free', 'sleep 1000');
  assert.deepEqual(cgroups(), []);
});
