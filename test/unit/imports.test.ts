import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'foster-imports-'));
after(() => rmSync(folder, { recursive: true }));

/** The output of scripts/check-imports.mjs for a source tree with these files. */
function check(name: string, files: Record<string, string>): string {
  const tree = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const { stderr, status } = spawnSync(process.execPath, ['scripts/check-imports.mjs', tree], {
    encoding: 'utf8',
  });
  assert.equal(status, stderr === '' ? 0 : 1);
  return stderr;
}

test('the command line imports from the engine, and from nothing that the engine is made of', () => {
  const files = {
    'cli/stop.ts': "import type { A } from '../engine/a.js';",
    'engine/a.ts': "export type { A } from '../container/a.js';",
    'container/a.ts': 'export type A = 1;',
  };
  assert.equal(check('good', files), '');
  for (const [name, text] of Object.entries({
    value: "import { stop } from '../container/a.js';",
    type: "import type { A } from '../container/a.js';",
    later: "await import('../container/a.js');",
  }))
    assert.match(
      check(name, { ...files, 'cli/stop.ts': text }),
      /^cli\/stop\.ts imports container\/a\.ts, but cli may/,
    );
});

test('no import goes up or in a circle', () => {
  const upwards = check('upwards', { 'sys/a.ts': "import '../plan/b.js';", 'plan/b.ts': '' });
  assert.match(upwards, /^sys\/a\.ts imports plan\/b\.ts, but plan is above sys/);
  const circle = check('circle', {
    'sys/a.ts': "import './b.js';",
    'sys/b.ts': "import type { A } from './a.js';",
  });
  assert.match(circle, /in a circle: sys\/a\.ts, sys\/b\.ts/);
});
