import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { RootsHome } from './support/roots.js';
import { memberBlocks, sign, type TestMember, tar } from './support/tar.js';

/** Archives that are broken or mean harm: one sentence, exit code 125, and nothing left behind. */
const home = new RootsHome();
const outside = home.path('outside');
mkdirSync(outside);
writeFileSync(`${outside}/file`, 'untouched');

function refuses(archive: Buffer, words: RegExp, flags: string[] = []): void {
  const file = home.path('archive');
  writeFileSync(file, archive);
  const { status, stdout, stderr } = home.run(['--rm', ...flags, file, '/bin/true']);
  assert.match(stderr, words);
  assert.match(stderr, /^foster: cannot unpack [^\n]+\n$/);
  assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
}

afterEach(() => {
  assert.deepEqual(home.roots(), []);
  assert.deepEqual(readdirSync(outside), ['file']);
  assert.ok(!existsSync('/foster-escaped'));
});

/** More `..` than any folder is deep. */
const up = '../'.repeat(40);
const first: TestMember = { name: 'first', content: 'harmless' };

const escapes: Record<string, TestMember[]> = {
  "a name with '..'": [first, { name: `${up}foster-escaped` }],
  "a directory's name with '..'": [{ name: `a/${up}foster-escaped/`, type: '5' }],
  "a pax name with '..'": [{ name: 'x', pax: { path: `${up}foster-escaped` } }],
  'an absolute name': [first, { name: '/foster-escaped' }],
  'an absolute pax name': [{ name: 'x', pax: { path: '/foster-escaped' } }],
  'through an absolute link': [
    { name: 'link', type: '2', target: outside },
    { name: 'link/escaped', content: 'x' },
  ],
  "through a link with '..'": [
    { name: 'a/b/link', type: '2', target: `${up}${outside}` },
    { name: 'a/b/link/escaped', content: 'x' },
  ],
  'through a link to a link': [
    { name: 'one', type: '2', target: '..' },
    { name: 'two', type: '2', target: 'one' },
    { name: 'two/foster-escaped', content: 'x' },
  ],
  'through a directory that became a link': [
    { name: 'dir', type: '5' },
    { name: 'dir/inside', content: 'x' },
    { name: 'dir', type: '2', target: outside },
    { name: 'dir/escaped', content: 'x' },
  ],
  'a directory made through a link': [
    { name: 'link', type: '2', target: outside },
    { name: 'link/escaped', type: '5' },
  ],
  'a hard link to an absolute name': [{ name: 'hard', type: '1', target: `${outside}/file` }],
  "a hard link to a name with '..'": [{ name: 'hard', type: '1', target: `${up}${outside}/file` }],
  'a hard link through a link': [
    { name: 'link', type: '2', target: outside },
    { name: 'hard', type: '1', target: 'link/file' },
  ],
};

for (const [title, members] of Object.entries(escapes)) {
  test(`${title} fails the whole unpacking`, () => {
    refuses(tar(...members), /the tar member '[^\n]*' leaves the root filesystem: [^\n]+/);
  });
}

test('a member replaces a link instead of following it', () => {
  // Then the archive is unpacked, and there is no program in it.
  const archive = tar(
    { name: 'link', type: '2', target: `${outside}/file` },
    { name: 'link', content: 'mine' },
    first,
    { name: 'first', type: '1', target: 'x' },
  );
  refuses(archive, /'first'.*no such file or directory/);
});

test('members that no root filesystem needs are refused', () => {
  refuses(tar({ name: 'sda', type: '4' }), /'sda' is a device node/);
  refuses(tar({ name: 'x', pax: { path: 'a\0b' } }), /NUL byte/);
  refuses(tar(first, { name: 'first/below' }), /is below 'first', which is not a directory/);
  refuses(tar({ name: 'x'.repeat(50), pax: { path: 'x'.repeat(300) } }), /name too long/);
  refuses(tar(first, { name: '.', type: '2', target: 'x' }), /stands for the whole tree/);
  refuses(
    tar({ name: 'a', type: '2', target: 'b' }, { name: 'b', type: '2', target: 'a' }, { name: 'a/x' }),
    /symbolic link loop/,
  );
  // Root's containers have all ids.
  if (process.getuid?.() !== 0)
    refuses(tar({ name: 'x', uid: 2_000_000 }), /belongs to 2000000:0, which your containers cannot have/);
});

test('a damaged archive is refused', () => {
  const whole = tar(first, { name: 'second', content: 'x'.repeat(5000) });
  refuses(Buffer.alloc(0), /it is empty/);
  refuses(Buffer.from('#!/bin/sh\n'.repeat(200)), /not a tar archive/);
  refuses(Buffer.alloc(10_240), /the tar archive is empty/);
  refuses(whole.subarray(0, 3000), /truncated/);
  refuses(Buffer.from('fd377a585a0000', 'hex'), /compressed with xz/);
  const packed = gzipSync(Buffer.concat([memberBlocks({ name: 'random', content: noise(200_000) }), whole]));
  refuses(packed.subarray(0, packed.length / 2), /truncated/);
  const corrupt = Buffer.from(packed);
  corrupt.fill(0xff, 100_000, 100_100);
  refuses(corrupt, /corrupt/);
  refuses(Buffer.from('28b52ffd00112233445566', 'hex'), /corrupt|truncated/);
});

test('an archive bomb is stopped at the allowed size', () => {
  const limit = ['--max-unpacked-size', '1m'];
  const big = gzipSync(memberBlocks({ name: 'zeros', content: Buffer.alloc(64 << 20) }));
  refuses(big, /unpacks to more than 1048576 bytes; raise --max-unpacked-size/, limit);
  refuses(gzipSync(Buffer.alloc(64 << 20)), /unpacks to more than 1048576 bytes/, limit);
  refuses(memberBlocks({ name: 'claims', size: 8 ** 11 - 1 }), /truncated/);
});

test('the memory for directories is limited', () => {
  const value = Buffer.alloc(1_000_000, 'x');
  const one = memberBlocks({ name: 'dir/', type: '5', pax: { 'SCHILY.xattr.user.a': value } });
  const many = Array.from({ length: 140 }, (_, index) => {
    const copy = Buffer.from(one);
    copy.write(`d${index}/\0`, one.length - 512, 'latin1');
    sign(copy, one.length - 512);
    return copy;
  });
  refuses(
    gzipSync(Buffer.concat(many), { level: 1 }),
    /names and attributes of directories .* more than 128 MiB/,
  );
});

test('mutated archives are refused in a sentence, and nothing escapes', () => {
  const sample = tar(
    { name: 'dir/', type: '5', mode: 0o755 },
    { name: 'dir/file', content: 'x'.repeat(700) },
    { name: 'link', type: '2', target: 'dir' },
    { name: 'link/through', content: 'y' },
    { name: 'hard', type: '1', target: 'dir/file' },
    { name: 'fifo', type: '6' },
    { name: 'x', pax: { path: 'long/name', 'SCHILY.xattr.user.a': 'b' } },
  );
  // The last member always fails, so that whatever comes before it must be undone.
  const end = tar({ name: '/foster-escaped' });
  const random = randomFrom(7);
  for (let round = 0; round < 60; round++) {
    const archive = Buffer.concat([sample.subarray(0, sample.length - 1024), end]);
    for (let change = random(3) + 1; change > 0; change--) {
      const block = random(archive.length / 512 - 2) * 512;
      archive[block + random(345)] = random(256);
      if (archive.toString('latin1', block + 257, block + 262) === 'ustar') sign(archive, block);
    }
    refuses(archive, /^foster: cannot unpack/);
  }
});

function noise(size: number): Buffer {
  const random = randomFrom(3);
  return Buffer.from(Array.from({ length: size }, () => random(256)));
}

function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}
