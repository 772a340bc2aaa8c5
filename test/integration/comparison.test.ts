/** The table that compares foster with its peers is what they do. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('each cell of the table in the README is what the tool does (scripts/comparison.mjs writes it)', () => {
  const { status, stderr } = spawnSync('node', ['scripts/comparison.mjs', '--check'], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
});
