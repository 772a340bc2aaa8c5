import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { parseMounts } from '../../src/container/cgroup-facts.js';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';

/** Limits where they cannot be enforced: for a user without rights, where the controllers are those of version 1. */
const home = new Home();
const containers = new Containers(home);

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const memory = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).find(({ controllers }) =>
  controllers.includes('memory'),
);
const isRefused = memory !== undefined && !isWritable(memory.folder);
const only = { skip: isRefused ? false : 'limits may be enforced here' };

const REFUSAL =
  /^foster: cannot enforce --memory, --pids-limit: this machine has cgroups of version 1, which only root may use; run foster as root, or boot with 'systemd\.unified_cgroup_hierarchy=1', .*; --ignore-unenforced-limits goes on without\n$/;
const LIMITS = ['-m', '64m', '--pids-limit', '10'];

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

test('a limit that cannot be enforced is an error with the reason, before anything is made', only, () => {
  for (const command of [['run', '--rm'], ['run', '-d'], ['create'], ['run', '--dry-run']]) {
    const { status, stdout, stderr } = home.foster([...command, ...LIMITS, 'busybox', 'true']);
    assert.deepEqual([status, stdout], [125, ''], command.join(' '));
    assert.match(stderr, REFUSAL);
    assert.deepEqual(home.leftFolders(), []);
  }
});

test('--ignore-unenforced-limits goes on, with a warning each time it starts', only, () => {
  const warning =
    /^foster: warning: --memory, --pids-limit are not enforced: this machine has cgroups of version 1, which only root may use\n$/;
  const { status, stdout, stderr } = home.shell('echo ran', [...LIMITS, '--ignore-unenforced-limits']);
  assert.deepEqual([status, stdout], [0, 'ran\n']);
  assert.match(stderr, warning);
  const created = home.foster([
    'create',
    '--name',
    'one',
    ...LIMITS,
    '--ignore-unenforced-limits',
    'busybox',
    'true',
  ]);
  assert.match(created.stderr, warning);
  const started = home.foster(['start', 'one']);
  assert.equal(started.status, 0);
  assert.match(started.stderr, warning);
  assert.equal(containers.inspect('one', '{{.HostConfig.PidsLimit}} {{.State.OOMKilled}}'), '10 false');
});

test('update refuses it, too, and changes nothing', only, () => {
  containers.detach('one', 'sleep 1000');
  const { status, stderr } = home.foster(['update', '--memory', '64m', 'one']);
  assert.equal(status, 1);
  assert.match(stderr, /^foster: cannot enforce --memory: this machine has cgroups of version 1/);
  assert.equal(containers.inspect('one', '{{.HostConfig.Memory}}'), '0');
  containers.ok('update', '--memory', '64m', '--ignore-unenforced-limits', 'one');
});

test('build refuses it, too, before anything is built', only, () => {
  const file = join(home.shared, 'Dockerfile');
  writeFileSync(file, 'FROM localhost/foster/busybox\nRUN echo ran\nRUN echo again\n');
  const args = ['build', '--network', 'none', '-m', '64m', '-f', file, home.shared];
  const { status, stdout, stderr } = home.foster(args);
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /^foster: cannot enforce --memory: this machine has cgroups of version 1/);
  const ignored = home.foster([...args, '--ignore-unenforced-limits']);
  assert.equal(ignored.status, 0, ignored.stderr);
  assert.match(ignored.stdout, /^ran$/m);
  assert.match(ignored.stderr, /^foster: warning: --memory is not enforced: [^\n]*\n$/);
});
