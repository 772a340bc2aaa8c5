import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addRangesCommand } from '../../../src/spec/id-ranges.js';

test("the range that root is told to give a user is nobody else's", () => {
  const command = (files: Record<string, string>) =>
    addRangesCommand('me', { read: (path) => files[path] ?? '', keep() {} });
  const adds = (range: string) => `usermod --add-subuids ${range} --add-subgids ${range} me`;
  assert.equal(command({}), adds('100000-165535'));
  const others = { '/etc/subuid': 'a:100000:65536\nb:231072:65536\n', '/etc/subgid': 'c:296608:10\n' };
  assert.equal(command(others), adds('165536-231071'));
  assert.equal(command({ '/etc/passwd': 'd:x:100005:1::/:/bin/sh\n' }), adds('100006-165541'));
});
