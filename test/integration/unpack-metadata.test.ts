import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, readlinkSync, writeFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { RootsHome } from './support/roots.js';
import { memberBlocks, oldSparse, sign, tar } from './support/tar.js';

/** Metadata of files in an archive, and on the disk afterwards. */
const home = new RootsHome();
let tree = '';
const file = (name: string) => Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(name, 'latin1')]);
const info = (name: string) => lstatSync(file(name), { bigint: true });
const seconds = (name: string) => Number(info(name).mtimeNs / 1_000_000n) / 1000;
/** struct vfs_cap_data, version 2: CAP_NET_BIND_SERVICE, effective. */
const CAPABILITY = Buffer.from('0100000200040000000000000000000000000000', 'hex');

before(() => {
  const old = tar({ name: 'before-1970', content: 'x' });
  old.fill(0xff, 136, 148)[147] = 0xfe; // in binary: 2 seconds before
  sign(old);
  const archive = Buffer.concat([
    old.subarray(0, 1024),
    memberBlocks({ name: '././@LongLink', type: 'L', content: `${'l'.repeat(200)}\0` }),
    memberBlocks({ name: '././@LongLink', type: 'K', content: `${'t'.repeat(200)}\0` }),
    memberBlocks({ name: 'short', type: '2', target: 'short' }),
    oldSparse('sparse', 1 << 20, [[0, 1]], 'x'),
    tar(
      { name: 'dir/', type: '5', mode: 0o2751, mtime: 1_111_111_111 },
      { name: 'dir/link', type: '2', target: '../nowhere', mtime: 1_222_222_222 },
      { name: 'same-link', type: '1', target: 'dir/link', mtime: 1 },
      { name: 'fraction', pax: { mtime: '1234567890.25' } },
      { name: 'pax-before-1970', pax: { mtime: '-100.5' } },
      { name: 'absurd-time', pax: { mtime: '99999999999999999999' } },
      { name: 'x', pax: { path: Buffer.from('\xff\xfename', 'latin1') }, type: '2', target: 'x' },
      { name: 'y', pax: { path: 'odd-target', linkpath: Buffer.from('\xfd\xfc', 'latin1') }, type: '2' },
      { name: 'z', pax: { size: '3', path: 'pax-size' }, content: 'abc' },
      { name: 'set-ids', mode: 0o6711, uid: 7, gid: 8, content: 'x' },
      { name: 'sticky/', type: '5', mode: 0o1777 },
      { name: 'replaced/a/b/file', content: 'x' },
      { name: 'replaced/a/link', type: '2', target: '..' },
      { name: 'replaced', content: 'a file for a while' },
      { name: 'replaced', type: '5', mode: 0o700 },
      { name: 'replaced/a/c', content: 'x' },
      { name: 'star', pax: { 'SCHILY.xattr.user.note': 'a\0b', 'SCHILY.xattr.trusted.x': 'y' } },
      {
        name: 'libarchive',
        pax: { 'LIBARCHIVE.xattr.user.n%6fte': Buffer.from('c\xff', 'latin1').toString('base64') },
      },
      { name: 'capable', uid: 7, content: 'x', pax: { 'SCHILY.xattr.security.capability': CAPABILITY } },
    ),
  ]);
  writeFileSync(home.path('all.tar'), archive);
  const { stderr } = home.run(['--rm', home.path('all.tar'), '/none']);
  assert.match(stderr, /no such file in the container/);
  const [name, ...others] = home.roots();
  assert.deepEqual(others, []);
  tree = `${home.cache}/${name}/rootfs`;
});

test('times of files, directories and links, with fractions, and before 1970', () => {
  assert.equal(seconds('before-1970'), -2);
  assert.equal(seconds('dir'), 1_111_111_111);
  assert.equal(seconds('dir/link'), 1_222_222_222);
  assert.equal(seconds('fraction'), 1_234_567_890.25);
  assert.equal(seconds('pax-before-1970'), -100.5);
  assert.equal(seconds('absurd-time'), 0);
});

test('a hard link to a symbolic link is a link to the link', () => {
  assert.equal(info('same-link').ino, info('dir/link').ino);
  assert.ok(info('same-link').isSymbolicLink());
});

test('names, targets and sizes in extended headers take precedence', () => {
  const target = (name: string) => readlinkSync(file(name), { encoding: 'latin1' });
  assert.equal(target('l'.repeat(200)), 't'.repeat(200));
  assert.equal(target('\xff\xfename'), 'x');
  assert.equal(target('odd-target'), '\xfd\xfc');
  assert.equal(info('pax-size').size, 3n);
  assert.equal(info('sparse').size, 1n << 20n);
});

test('modes with set-id and sticky bits', () => {
  const mode = (name: string) => (Number(info(name).mode) & 0o7777).toString(8);
  assert.deepEqual(['dir', 'set-ids', 'sticky'].map(mode), ['2751', '6711', '1777']);
});

test('extended attributes of users, and capabilities', () => {
  const value = (name: string, attribute: string) => {
    const args = ['--only-values', '--absolute-names', '-n', attribute, `${tree}/${name}`];
    return execFileSync('getfattr', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  };
  assert.equal(value('star', 'user.note').toString('latin1'), 'a\0b');
  assert.equal(value('libarchive', 'user.note').toString('latin1'), 'c\xff');
  assert.throws(() => value('star', 'trusted.x'));
  // Set by root of a user namespace: version 3, which has the uid of that root too. capabilities(7).
  const capability = value('capable', 'security.capability');
  assert.equal(capability.toString('hex', 0, 8), '0100000300040000');
  assert.equal(capability.readUInt32LE(20), info('star').uid === 0n ? 0 : Number(info('star').uid));
});

test('a replaced directory keeps nothing of the first', () => {
  assert.equal((Number(info('replaced').mode) & 0o777).toString(8), '700');
  const inside = home.foster(['unshare', 'find', `${tree}/replaced`, '-mindepth', '1', '-printf', '%P\n']);
  assert.deepEqual(inside.stdout.trim().split('\n'), ['a', 'a/c']);
});
