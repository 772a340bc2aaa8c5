import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { FOSTER } from './support/foster.js';

/** `make soak` does this for 2,000 cycles. */
test('nothing grows over 60 cycles of create, start, stop and rm', () => {
  const { status, stdout, stderr } = spawnSync('scripts/soak.mjs', ['--cycles', '60'], {
    env: { ...process.env, FOSTER },
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.match(stdout, /^60 cycles/);
});
