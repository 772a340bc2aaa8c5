import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FosterError } from '../../../src/sys/errors.js';
import {
  hardLinkComponents,
  type Member,
  nameComponents,
  shown,
  throughLink,
} from '../../../src/tar/member.js';

function link(target: string): Member {
  const rest = { mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0, xattrs: new Map() };
  return { name: 'a/link', type: 'hardlink', target, ...rest };
}

function refuses(action: () => unknown, words: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof FosterError);
    assert.match(error.message, words);
    return true;
  });
}

test('names are split into components, whatever is written between them', () => {
  assert.deepEqual(nameComponents('./usr//bin/./sh'), ['usr', 'bin', 'sh']);
  assert.deepEqual(nameComponents('dir/'), ['dir']);
  assert.deepEqual(nameComponents('./'), []);
  assert.deepEqual(nameComponents('..a/b..'), ['..a', 'b..']);
});

test('a name that leaves the tree is refused', () => {
  refuses(() => nameComponents('/etc/passwd'), /'\/etc\/passwd' leaves .*: its name is absolute/);
  for (const name of ['..', '../x', 'a/../../x', 'a/..', './../x', 'a/../b']) {
    refuses(() => nameComponents(name), /leaves the root filesystem: its name contains '\.\.'/);
  }
});

test('a name that no file can have is refused', () => {
  refuses(() => nameComponents('a\0b'), /'a\\u\{0\}b' has a NUL byte/);
  refuses(() => nameComponents('x/'.repeat(3000)), /a name that is too long/);
});

test("a hard link's target is inside of the tree", () => {
  assert.deepEqual(hardLinkComponents(link('./a/b')), ['a', 'b']);
  for (const target of ['/etc/passwd', '../x', 'a/../../x']) {
    refuses(() => hardLinkComponents(link(target)), /it is a hard link to '.*', outside of the tree/);
  }
  for (const target of ['', '.', './']) refuses(() => hardLinkComponents(link(target)), /which is no file/);
});

test('a link among the parents may lead anywhere inside of the tree, and nowhere else', () => {
  assert.deepEqual(throughLink('lib/x', [], 'lib', 'usr/lib'), ['usr', 'lib']);
  assert.deepEqual(throughLink('a/b/x', ['a'], 'a/b', '../c'), ['..', 'c']);
  refuses(() => throughLink('a/x', [], 'a', '../c'), /its parent 'a' is a symbolic link to '\.\.\/c'/);
  refuses(() => throughLink('a/b/x', ['a'], 'a/b', '../../c'), /leaves the root filesystem/);
  refuses(() => throughLink('a/b/x', ['a'], 'a/b', 'c/../../../d'), /leaves the root filesystem/);
  refuses(() => throughLink('a/x', [], 'a', '/etc'), /leaves the root filesystem/);
});

test('a name in a message cannot command the terminal', () => {
  assert.equal(shown('plain'), "'plain'");
  assert.equal(shown('\x1b[2J\n'), "'\\u{1b}[2J\\u{a}'");
  assert.equal(shown(Buffer.from('\u202eexe.é').toString('latin1')), "'\\u{202e}exe.é'");
  assert.ok(shown('x'.repeat(10_000)).length < 250);
});
