import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseMounts } from '../../src/container/cgroup-facts.js';
import { Containers } from './support/containers.js';
import { CrashHome, killAtEachStep, titleOf } from './support/crash.js';
import { FrontHome, NO_NODE, normalized } from './support/front.js';

/** Limits without Node, by the cgroups of version 1 of this machine; as root, who alone may make those. */
const home = new FrontHome();
const containers = new Containers(home);
const hierarchies = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).filter(
  ({ type }) => type === 'cgroup',
);
const hasMemory = hierarchies.some(({ controllers }) => controllers.includes('memory'));
const only = { skip: hasMemory ? false : 'the controllers are not those of version 1' };

const HOW = ['byNode', 'byAny', 'byFront'] as const;
const LIMITS = ['-m', '32m', '--pids-limit', '20', '--cpus', '0.5', '--cpuset-cpus', '0'];

/** Files of the container's cgroups. */
function limitsOf(id: string): Record<string, string> {
  const files = ['memory.limit_in_bytes', 'pids.max', 'cpu.cfs_quota_us', 'cpuset.cpus'];
  const paths = hierarchies.map(({ folder }) => join(folder, `foster-${id}`));
  return Object.fromEntries(
    files.map((file) => {
      const path = paths.map((folder) => join(folder, file)).find(existsSync) ?? '';
      return [file, readFileSync(path, 'utf8').trim()];
    }),
  );
}

/** Cgroups of the containers of this test. */
const left = (id: string) =>
  hierarchies.flatMap(({ folder }) => readdirSync(folder)).filter((name) => name.endsWith(id));

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

test('the same limits of a container, whatever its name, and of its next start', only, async () => {
  const found = [];
  for (const how of HOW) {
    const { stdout, stderr } = home[how]([
      'run',
      '-d',
      ...LIMITS,
      '--name',
      `by-${how}`,
      'busybox',
      'sleep',
      '1000',
    ]);
    assert.equal(stderr, '', how);
    const id = stdout.trim();
    const folder = join(home.folder, 'data/foster/containers', id);
    const text = {
      limits: limitsOf(id),
      noted: readFileSync(join(folder, 'cgroups'), 'utf8'),
      record: readFileSync(join(folder, 'config.json'), 'utf8').replaceAll(`by-${how}`, 'NAME'),
      inside: containers.ok('exec', id, 'cat', '/proc/1/cgroup'),
    };
    found.push(JSON.parse(normalized(JSON.stringify(text))));
    containers.ok('stop', '-t', '0', id);
    assert.deepEqual(left(id), []);
    for (const again of ['byAny', 'byFrontSoon'] as const) {
      assert.equal((await home[again](['start', id])).stderr, '');
      assert.deepEqual(limitsOf(id), text.limits);
      containers.ok('stop', '-t', '0', id);
    }
    containers.ok('rm', id);
    assert.deepEqual(left(id), []);
  }
  assert.deepEqual(found[2], found[0]);
});

/** Freezes all processes of a container, as nothing of foster's does without saying so. */
function freeze(id: string): void {
  const freezer = hierarchies.find(({ controllers }) => controllers.includes('freezer'));
  if (freezer !== undefined) writeFileSync(join(freezer.folder, `foster-${id}`, 'freezer.state'), 'FROZEN');
}

test(
  'kill, stop and rm of one with limits, also if it is frozen; and what a killed monitor has left',
  only,
  async () => {
    for (const args of [['kill'], ['stop', '-t', '0'], ['rm', '-f'], ['rm', '-fv']]) {
      const found = [];
      for (const how of ['byNode', 'byFront'] as const) {
        const id = containers.ok('run', '-d', ...LIMITS, '-l', 'a=b', 'busybox', 'sleep', '1000').trim();
        assert.notDeepEqual(left(id), []);
        if (args[0] !== 'stop') freeze(id);
        const { stderr, status, stdout } = home[how]([...args, id]);
        const state = args[0] === 'rm' ? '' : containers.inspect(id, '{{.State.Status}} {{.State.ExitCode}}');
        found.push({
          stderr,
          status,
          isNamed: stdout === `${id}\n`,
          state,
          left: left(id),
          events: containers.events(id),
        });
        if (args[0] !== 'rm') assert.equal((await home.byFrontSoon(['rm', id])).stderr, '');
        assert.deepEqual(left(id), []);
      }
      assert.deepEqual(found[1], found[0], args.join(' '));
    }
    for (const how of ['byNode', 'byFrontSoon'] as const) {
      const id = containers.ok('run', '-d', ...LIMITS, 'busybox', 'sleep', '1000').trim();
      const places = JSON.parse(
        readFileSync(join(home.folder, 'data/foster/containers', id, 'cgroups'), 'utf8'),
      );
      containers.ok('stop', '-t', '0', id);
      for (const { folder, inner } of places) for (const one of new Set([folder, inner])) mkdirSync(one);
      mkdirSync(join(places[0].inner, 'below/of-it'), { recursive: true });
      assert.equal((await home[how](['rm', id])).stderr, '', how);
      assert.deepEqual(left(id), []);
    }
  },
);

for (const args of [
  ['rm', '-f', 'one'],
  ['kill', 'one'],
]) {
  const before = [['run', '-d', ...LIMITS, '--name', 'one', 'busybox', 'sleep', '1000']];
  test(titleOf({ before, args, least: 0 }), only, async () => {
    const crash = new CrashHome();
    await killAtEachStep(crash, { before, args, least: 3 }, (what) => crash.assertRecovers(what));
    const made = readFileSync(join(crash.folder, 'data/foster/events'), 'utf8').matchAll(
      / create ([0-9a-f]{64}) /g,
    );
    for (const [, id = ''] of made) assert.deepEqual(left(id), []);
  });
}

test('a container that needs more memory than it may use is told by its name', only, () => {
  const fill = ['busybox', 'sh', '-c', 'head -c 100m /dev/zero | tail'];
  for (const how of HOW) {
    const name = `full-${how}`;
    const { stderr } = home[how](['run', '--rm', '-m', '16m', '--name', name, ...fill]);
    assert.doesNotMatch(stderr, NO_NODE);
    assert.match(
      stderr,
      new RegExp(`^foster: container ${name} ran out of memory: .* of 16m of memory$`, 'm'),
    );
  }
});

test('the limits of a pod, and of a container in it', only, async () => {
  const found = [];
  const inPod = ['run', '-d', '--pod', 'pod', '-m', '32m', 'busybox', 'sleep', '1000'];
  for (const how of HOW) {
    const pod = containers
      .ok('pod', 'create', '--name', 'pod', '--memory', '64m', '--pids-limit', '50')
      .trim();
    const limits = [];
    for (const words of [inPod, ['pod', 'start', 'pod'], ['pod', 'start', 'pod']]) {
      const { stdout, stderr } = home[how](words);
      assert.equal(stderr, '', `${how}: ${words.join(' ')}`);
      const id = words === inPod ? stdout.trim() : containers.ok('ps', '-ql', '--no-trunc').trim();
      const infra = containers.ok('pod', 'inspect', '-f', '{{.InfraContainerID}}', 'pod').trim();
      const paths = hierarchies.map((one) => join(one.folder, `foster-pod-${pod}`));
      const file = (folder: string) => readFileSync(join(folder, 'memory.limit_in_bytes'), 'utf8').trim();
      const memory = paths.find((folder) => existsSync(join(folder, 'memory.limit_in_bytes'))) ?? '';
      limits.push({
        pod: file(memory),
        own: file(join(memory, `foster-${id}`)),
        cgroups: [infra, id].map((one) =>
          readFileSync(`/proc/${containers.pid(one)}/cgroup`, 'utf8').replaceAll(/^\d+/gm, ''),
        ),
        noted: [infra, id].map((one) =>
          readFileSync(join(home.folder, 'data/foster/containers', one, 'cgroups'), 'utf8'),
        ),
      });
      containers.ok('pod', 'stop', '-t', '0', 'pod');
    }
    containers.ok('pod', 'rm', '-f', '-t', '0', 'pod');
    assert.deepEqual(left(pod), []);
    found.push(JSON.parse(normalized(JSON.stringify(limits))));
  }
  assert.deepEqual(found[2], found[0]);
});
