import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { parseMounts } from '../../src/container/cgroup-facts.js';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Limits of whole pods, in cgroups that only root may make here; and pods in the user namespace of the host. */
const home = new Home();
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();
const SLEEP = ['busybox', 'sleep', '1000'];

const memory = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).find(
  ({ type, controllers }) => type === 'cgroup' && controllers.includes('memory'),
);
const only = { skip: memory === undefined ? 'the controllers are not those of version 1' : false };

afterEach(() => void ok('pod', 'rm', '-f', '-t', '0', '--all'));

const pods = () => readdirSync(memory?.folder ?? '').filter((name) => name.startsWith('foster-pod-'));

test(
  'the limits of a pod are for all of its containers, through restarts, and nothing of them is left',
  only,
  async () => {
    const others = pods();
    const id = ok(
      'pod',
      'create',
      '--name',
      'small',
      '--memory',
      '64m',
      '--restart',
      'always',
      '--share',
      '+pid',
    );
    ok('run', '-d', '--pod', 'small', '--name', 'one', ...SLEEP);
    ok('run', '-d', '--pod', 'small', '--name', 'two', '--memory', '16m', ...SLEEP);
    const own = join(memory?.folder ?? '', `foster-pod-${id}`);
    const limitOf = (folder: string) => Number(readFileSync(join(folder, 'memory.limit_in_bytes'), 'utf8'));
    const cgroupOf = (name: string) => {
      const line = readFileSync(`/proc/${containers.pid(name)}/cgroup`, 'utf8');
      return join(memory?.folder ?? '', /^\d+:[^:]*memory[^:]*:(.*)$/m.exec(line)?.[1] ?? '');
    };
    const check = () => {
      assert.equal(limitOf(own), 64 * 1024 * 1024);
      assert.equal(limitOf(cgroupOf('two')), 16 * 1024 * 1024);
      for (const name of ['one', 'two'])
        assert.ok(cgroupOf(name).startsWith(`${own}/foster-`), cgroupOf(name));
    };
    check();
    const infra = ok('pod', 'inspect', '-f', '{{.InfraContainerID}}', 'small');
    const states = () =>
      ok('inspect', '-f', '{{.State.Status}} {{.State.Pid}}', infra, 'one', 'two').split('\n');
    const before = states();
    process.kill(containers.pid(infra), 'SIGKILL');
    await waitUntil('all run again', () =>
      states().every((state, index) => state.startsWith('running') && state !== before[index]),
    );
    check();
    ok('pod', 'rm', '-f', '-t', '0', 'small');
    assert.deepEqual(pods(), others);
  },
);

test('a pod in the user namespace of the host', () => {
  ok('pod', 'create', '--name', 'plain', '--userns', 'host', '--share', '+pid');
  ok('run', '-d', '--pod', 'plain', '--name', 'one', ...SLEEP);
  const map = home.foster(['run', '--rm', '--pod', 'plain', 'busybox', 'cat', '/proc/self/uid_map']).stdout;
  assert.equal(map.trim().replace(/\s+/g, ' '), '0 0 4294967295');
  assert.match(ok('exec', 'one', 'ps', '-o', 'pid,comm'), /^ +1 foster-init$/m);
});
