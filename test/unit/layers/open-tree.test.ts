import assert from 'node:assert/strict';
import {
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OpenTree } from '../../../src/layers/open-tree.js';
import { listNames } from '../../../src/layers/writable-layer.js';
import { errnoOfAny } from '../../../src/sys/ffi.js';

const top = mkdtempSync(join(tmpdir(), 'foster-open-tree-'));
after(() => rmSync(top, { recursive: true }));
mkdirSync(join(top, 'tree/a/b'), { recursive: true });
mkdirSync(join(top, 'outside/b'), { recursive: true });
writeFileSync(join(top, 'tree/a/b/file'), 'inside');
writeFileSync(join(top, 'outside/b/file'), 'outside');
symlinkSync(join(top, 'outside'), join(top, 'tree/out'));
symlinkSync('../..', join(top, 'tree/a/up'));
symlinkSync('a', join(top, 'tree/same'));

test('files are opened through their directories, without following links', () => {
  const tree = new OpenTree(openSync(join(top, 'tree'), constants.O_RDONLY | constants.O_DIRECTORY));
  const read = (name: string) => readFileSync(tree.path(name), 'utf8');
  assert.equal(read('a/b/file'), 'inside');
  assert.deepEqual(listNames(tree.path('')), ['a', 'out', 'same']);
  assert.deepEqual(listNames(tree.path('a/')), ['b', 'up']);
  assert.equal(lstatSync(tree.path('out')).isSymbolicLink(), true);
  for (const name of [
    'out/b/file',
    'out/',
    'same/b/file',
    'a/up/outside/b/file',
    'a/../../outside/b/file',
    '/etc/passwd',
  ]) {
    assert.throws(
      () => read(name),
      (error) => ['ELOOP', 'EXDEV', 'ENOTDIR'].includes(errnoOfAny(error) ?? ''),
      name,
    );
  }
  tree.close();
});
