import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountOf } from '../../../src/doctor/read.js';
import { shellWord } from '../../../src/doctor/shell-word.js';

const MOUNTS = [
  '1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
  '2 1 8:2 / /usr rw,nosuid - ext4 /dev/sda2 rw',
  '3 1 8:3 / /a\\040b rw - ext4 /dev/sda3 rw',
  '4 2 8:2 /x /usr/bin/newuidmap rw - ext4 /dev/sda2 rw',
  '5 2 8:2 /x /usr/bin/newuidmap ro,nosuid - ext4 /dev/sda2 rw',
  '',
].join('\n');

test('the mount that a file is in', () => {
  assert.deepEqual(mountOf('/usr/bin/newgidmap', MOUNTS), { folder: '/usr', options: ['rw', 'nosuid'] });
  assert.equal(mountOf('/usrlocal', MOUNTS)?.folder, '/');
  assert.equal(mountOf('/a b/c', MOUNTS)?.folder, '/a b');
  assert.deepEqual(mountOf('/usr/bin/newuidmap', MOUNTS)?.options, ['ro', 'nosuid']); // the one on top
});

test('words for a shell', () => {
  assert.equal(shellWord('/home/a/.local'), '/home/a/.local');
  assert.equal(shellWord("/home/it's me"), "'/home/it'\\''s me'");
});
