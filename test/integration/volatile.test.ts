import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';

/** What a container with --rm writes is removed when it ends, so the kernel need not write it to the disk then. */
const home = new Home();
const containers = new Containers(home);
// newer kernels show it as fsync=volatile
const options = ['sh', '-c', 'grep -c "^overlay / .*[,=]volatile" /proc/mounts'];

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

test('the overlay of a container with --rm is volatile, and that of another is not', () => {
  assert.equal(containers.ok('run', '--rm', 'busybox', ...options), '1\n');
  const { status, stdout } = home.foster(['run', '--name', 'stays', 'busybox', ...options]);
  assert.deepEqual([status, stdout], [1, '0\n']);
});

test('after a start that has failed, the writable layer is used again, by cp too', () => {
  const folder = join(home.shared, 'folder');
  writeFileSync(folder, 'a file');
  const flags = ['--rm', '--name', 'again', '-v', `${home.shared}:/shared`, '-w', '/shared/folder'];
  containers.ok('create', ...flags, 'busybox', 'sh', '-c', 'cat /copied; pwd');
  const failed = home.foster(['start', '-a', 'again']);
  assert.match(failed.stderr, /working directory: not a directory/);
  const copied = join(home.shared, 'copied');
  writeFileSync(copied, 'copied\n');
  containers.ok('cp', copied, 'again:/copied');
  rmSync(folder);
  mkdirSync(folder);
  assert.equal(containers.ok('start', '-a', 'again'), 'copied\n/shared/folder\n');
});
