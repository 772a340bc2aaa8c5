/** The table of docs/pid1.md says what inits do: they are measured again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';

const home = new Home();

test('inits do what docs/pid1.md says (scripts/pid1-table.mjs writes it)', async () => {
  const { status, stdout, stderr } = spawnSync('scripts/pid1-table.mjs', ['--check'], {
    env: { ...home.env, FOSTER },
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr, status], ['', '', 0]);
  await home.assertNothingLeft();
});
