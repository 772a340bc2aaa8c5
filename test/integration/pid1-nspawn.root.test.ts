/** The row of systemd-nspawn in docs/pid1.md says what its init does: it is measured again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test("systemd-nspawn's init does what docs/pid1.md says (scripts/pid1-table.mjs --nspawn writes it)", () => {
  const { status, stdout, stderr } = spawnSync('scripts/pid1-table.mjs', ['--nspawn', '--check'], {
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr, status], ['', '', 0]);
});
