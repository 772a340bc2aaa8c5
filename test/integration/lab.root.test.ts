import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Home } from './support/foster.js';

/** Labs that need root on this machine, and those that are not for root. */
const home = new Home();

test('lab cgroups can be played: each check fails before its step, and is met after it', async () => {
  const { stdout, stderr, status } = home.foster(['lab', 'run', 'cgroups', '--auto']);
  assert.deepEqual([stderr, status], ['', 0], stdout);
  await home.assertNothingLeft();
});

test('a lab about users without rights is not for root', () => {
  const { stderr, status } = home.foster(['lab', 'run', 'escape', '--auto']);
  assert.match(stderr, /cannot do lab escape on this machine: you are root.*; do it as an ordinary user/);
  assert.equal(status, 1);
});
