import assert from 'node:assert/strict';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './support/foster.js';

const home = new Home();

test("a data folder of another user is refused: sudo may keep the caller's HOME", () => {
  const folder = join(home.folder, 'data/foster');
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, 1234, 1234);
  for (const args of [['ps'], ['run', '--rm', 'busybox', 'true'], ['prune', '-f'], ['images']]) {
    const { status, stderr } = home.foster(args);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /^foster: cannot use .*\/data\/foster: it belongs to user 1234, and you are user 0; set HOME or XDG_DATA_HOME/,
    );
  }
});
