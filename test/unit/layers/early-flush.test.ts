import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { EarlyFlush } from '../../../src/layers/early-flush.js';

const MUCH = 40 * 1024 * 1024;

test('a file system is flushed after many bytes', async () => {
  const tree = openSync(tmpdir(), 'r');
  const flush = new EarlyFlush(tree);
  flush.wrote(1);
  flush.wrote(MUCH);
  flush.wrote(MUCH); // while it is being flushed
  await flush.end();
  flush.check();
  closeSync(tree);
});

test('a flush that fails is an error', async () => {
  const tree = openSync(tmpdir(), 'r');
  closeSync(tree);
  const flush = new EarlyFlush(tree);
  flush.wrote(MUCH);
  await flush.end();
  assert.throws(() => flush.wrote(1), /EIO|syncfs/);
});
