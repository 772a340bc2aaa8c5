import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whiteoutOf } from '../../../src/layers/whiteout.js';
import type { Member } from '../../../src/tar/member.js';

function of(name: string): unknown {
  const member: Member = {
    name,
    type: 'file',
    target: '',
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0,
    xattrs: new Map(),
  };
  const parts = name.split('/');
  return whiteoutOf(member, parts.slice(0, -1), parts.at(-1) ?? '');
}

test('names of whiteouts are distinguished from those of files', () => {
  assert.deepEqual(of('a/.wh.b'), { kind: 'name', name: 'b' });
  assert.deepEqual(of('.wh..hidden'), { kind: 'name', name: '.hidden' });
  assert.deepEqual(of('a/.wh..wh..opq'), { kind: 'opaque' });
  assert.deepEqual(of('.wh..wh.plnk'), { kind: 'nothing' });
  assert.equal(of('a/.whatever'), undefined);
  assert.equal(of('a.wh.b'), undefined);
});

test('a whiteout without a file name is an error, and so is a file below one', () => {
  for (const name of ['.wh.', 'a/.wh..', '.wh...'])
    assert.throws(() => of(name), /a whiteout without a file name/, name);
  assert.throws(() => of('.wh.a/b'), /is below a whiteout/);
});
