import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FosterError } from '../../../src/sys/errors.js';
import {
  followLink,
  hardLinkComponents,
  type Member,
  nameComponents,
  quotedName,
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

test('an invalid file name is refused', () => {
  refuses(() => nameComponents('a\0b'), /'a\\u\{0\}b' has a NUL byte/);
  refuses(() => nameComponents('x/'.repeat(3000)), /a name that is too long/);
});

test("a hard link's target is inside the tree", () => {
  assert.deepEqual(hardLinkComponents(link('./a/b')), ['a', 'b']);
  for (const target of ['/etc/passwd', '../x', 'a/../../x']) {
    refuses(() => hardLinkComponents(link(target)), /it is a hard link to '.*', outside the tree/);
  }
  for (const target of ['', '.', './'])
    refuses(() => hardLinkComponents(link(target)), /which is not a file/);
});

test('a link among the parents may lead anywhere inside the tree, and nowhere else', () => {
  assert.deepEqual(followLink('lib/x', [], 'lib', 'usr/lib'), ['usr', 'lib']);
  assert.deepEqual(followLink('a/b/x', ['a'], 'a/b', '../c'), ['..', 'c']);
  refuses(() => followLink('a/x', [], 'a', '../c'), /its parent 'a' is a symbolic link to '\.\.\/c'/);
  refuses(() => followLink('a/b/x', ['a'], 'a/b', '../../c'), /leaves the root filesystem/);
  refuses(() => followLink('a/b/x', ['a'], 'a/b', 'c/../../../d'), /leaves the root filesystem/);
  refuses(() => followLink('a/x', [], 'a', '/etc'), /leaves the root filesystem/);
});

test('a name in a message cannot control the terminal', () => {
  assert.equal(quotedName('plain'), "'plain'");
  assert.equal(quotedName('\x1b[2J\n'), "'\\u{1b}[2J\\u{a}'");
  assert.equal(quotedName(Buffer.from('\u202eexe.é').toString('latin1')), "'\\u{202e}exe.é'");
  assert.ok(quotedName('x'.repeat(10_000)).length < 250);
});
