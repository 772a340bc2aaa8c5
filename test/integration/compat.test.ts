/**
 * The table of command lines in test/compat does what it says. What Podman does was recorded; `scripts/compat` runs Podman too.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { FOSTER } from './support/foster.js';

test('command lines of Docker and Podman do the same in foster, or what the table says', () => {
  const { status, stdout, stderr } = spawnSync('scripts/compat.mjs', ['--recorded'], {
    env: { ...process.env, FOSTER },
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
});
