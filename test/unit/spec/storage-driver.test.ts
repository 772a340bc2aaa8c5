import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStorageDriver } from '../../../src/spec/storage-driver.js';

test('storage drivers have their own names and those of other tools', () => {
  for (const name of ['overlay', 'overlay2'])
    assert.equal(parseStorageDriver('--storage-driver', name), 'overlay');
  assert.equal(parseStorageDriver('--storage-driver', 'fuse-overlayfs'), 'fuse-overlayfs');
  for (const name of ['copy', 'vfs']) assert.equal(parseStorageDriver('--storage-driver', name), 'copy');
  assert.throws(() => parseStorageDriver('FOSTER_STORAGE_DRIVER', 'btrfs'), {
    message: "FOSTER_STORAGE_DRIVER 'btrfs': expected overlay, fuse-overlayfs or copy",
  });
});
