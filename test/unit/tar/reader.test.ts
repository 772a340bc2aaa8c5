import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FosterError } from '../../../src/sys/errors.js';
import type { Member } from '../../../src/tar/member.js';
import { TarReader } from '../../../src/tar/reader.js';
import { memberBlocks, sign, tar } from '../../integration/support/tar.js';

interface Read {
  member: Member;
  content: string;
}

function readTar(archive: Buffer, pieceSize = archive.length): Read[] {
  const found: Read[] = [];
  let open: Read | undefined;
  const reader = new TarReader({
    member(member) {
      assert.equal(open, undefined, 'the member before has not ended');
      open = { member, content: '' };
      found.push(open);
    },
    data(piece) {
      assert.ok(open);
      open.content += piece.toString('latin1');
    },
    hole(size) {
      assert.ok(open && size > 0);
      if (size > 1 << 20) open.content += `<hole of ${size}>`;
      else open.content += '\0'.repeat(size);
    },
    endOfMember() {
      if (!open?.content.includes('<hole of')) assert.equal(open?.content.length, open?.member.size);
      open = undefined;
    },
  });
  for (let at = 0; at < archive.length; at += pieceSize) reader.push(archive.subarray(at, at + pieceSize));
  reader.end();
  return found;
}

function refuses(archive: Buffer, words: RegExp): void {
  assert.throws(
    () => readTar(archive),
    (error) => error instanceof FosterError && words.test(error.message),
    `expected ${words}`,
  );
}

const long = `${'directory/'.repeat(40)}file`;
const sample = tar(
  { name: './', type: '5', mode: 0o755 },
  { name: 'empty' },
  { name: 'file', content: 'x'.repeat(1300), mode: 0o4755, uid: 33, gid: 44, mtime: 12345 },
  { name: 'block', content: 'y'.repeat(512) },
  { name: 'link', type: '2', target: '/etc' },
  { name: 'short', pax: { path: long, mtime: '1.5', uid: '3000000', comment: 'a\nb=c' }, content: 'z' },
);

test('members are read the same in pieces of any size', () => {
  const whole = readTar(sample);
  assert.deepEqual(
    whole.map(({ member, content }) => [member.name, member.type, content.length]),
    [
      ['./', 'directory', 0],
      ['empty', 'file', 0],
      ['file', 'file', 1300],
      ['block', 'file', 512],
      ['link', 'symlink', 0],
      [long, 'file', 1],
    ],
  );
  assert.equal(whole[2]?.member.uid, 33);
  assert.equal(whole[2]?.member.mode, 0o4755);
  assert.deepEqual([whole[5]?.member.uid, whole[5]?.member.mtime], [3_000_000, 1.5]);
  for (const size of [1, 7, 511, 512, 513, 1000]) assert.deepEqual(readTar(sample, size), whole);
});

test('names are bytes in any encoding', () => {
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  assert.equal(readTar(tar({ name }))[0]?.member.name, 'f\xff\xfe');
  assert.equal(readTar(tar({ name: 'x', pax: { path: name } }))[0]?.member.name, 'f\xff\xfe');
});

test("GNU's long names and links", () => {
  const archive = Buffer.concat([
    memberBlocks({ name: '././@LongLink', type: 'L', content: `${long}\0` }),
    memberBlocks({ name: '././@LongLink', type: 'K', content: `${long}2\0` }),
    tar({ name: 'short', type: '2', target: 'short' }),
  ]);
  const member = readTar(archive)[0]?.member;
  assert.deepEqual([member?.name, member?.target], [long, `${long}2`]);
});

test('extended attributes keep their bytes', () => {
  const value = Buffer.from([1, 0, 0, 2, 0x0a, 0xff]);
  const member = readTar(tar({ name: 'x', pax: { 'SCHILY.xattr.security.capability': value } }))[0]?.member;
  assert.equal(member?.xattrs.get('security.capability'), value.toString('latin1'));
});

test('extended attributes as libarchive writes them', () => {
  const pax = {
    'LIBARCHIVE.xattr.user.a%3Db%25': 'AP8',
    'LIBARCHIVE.xattr.user.c': 'eA',
    'SCHILY.xattr.user.c': 'y',
  };
  const xattrs = readTar(tar({ name: 'x', pax }))[0]?.member.xattrs ?? [];
  assert.deepEqual(Object.fromEntries(xattrs), { 'user.a=b%': '\0\xff', 'user.c': 'y' });
});

test('numbers in octal, in binary and negative', () => {
  const field = (at: number, bytes: number[] | string, archive = tar({ name: 'x' })) => {
    Buffer.from(bytes as string, 'latin1').copy(archive, at);
    sign(archive);
    return readTar(archive)[0]?.member as Member;
  };
  assert.equal(field(108, [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]).uid, 0xfffffffe);
  assert.equal(field(108, '  17    ').uid, 15);
  assert.equal(field(108, '00000017').uid, 15);
  assert.equal(field(108, '\0'.repeat(8)).uid, 0);
  assert.equal(field(136, [...Array(11).fill(0xff), 0xfe]).mtime, -2);
  assert.equal(field(136, [0x80, ...Array(10).fill(0), 5]).mtime, 5);
  const never = tar({ name: 'x' });
  never.fill(0, 136, 148)[136] = 0xc0;
  sign(never);
  refuses(never, /not a tar/);
});

test('an incomplete archive is refused', () => {
  refuses(Buffer.from('#!/bin/sh\n'.repeat(100)), /not a tar archive/);
  refuses(Buffer.from('short'), /truncated/);
  refuses(Buffer.alloc(10_240), /empty/);
  refuses(memberBlocks({ name: 'x', content: 'abc' }).subarray(0, 514), /truncated/);
  refuses(memberBlocks({ name: 'x', content: 'abc' }).subarray(0, 100), /truncated/);
  const corrupt = Buffer.concat([memberBlocks({ name: 'x' }), tar({ name: 'y' })]);
  corrupt[512] = 1;
  refuses(corrupt, /corrupt after member 1/);
  assert.equal(readTar(memberBlocks({ name: 'no end mark' })).length, 1);
});

test('absurd headers are refused', () => {
  refuses(tar({ name: 'x', pax: { size: '-5' } }), /corrupt|not a tar/);
  refuses(tar({ name: 'x', pax: { size: '1e3' } }), /corrupt|not a tar/);
  refuses(tar({ name: 'x', pax: { uid: '4294967295' } }), /corrupt|not a tar/);
  refuses(tar({ name: 'x', type: 'x', size: 1 << 30 }), /more than 1 MiB/);
  refuses(tar({ name: 'x', type: 'x', content: '99 path=y\n' }, { name: 'y' }), /corrupt extended header/);
  refuses(tar({ name: 'x', type: 'x', content: 'path=y\n' }, { name: 'y' }), /corrupt extended header/);
  refuses(tar({ name: 'x', type: 'V' }), /unknown type/);
  const huge = memberBlocks({ name: 'x' });
  huge.fill(0xff, 124, 136); // base 256, negative
  sign(huge);
  refuses(huge, /corrupt|not a tar/);
});

test('mutated archives are read or refused, nothing else', () => {
  let seed = 1;
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 2000; round++) {
    const archive = Buffer.from(sample);
    for (let change = random(4) + 1; change > 0; change--) archive[random(archive.length)] = random(256);
    // Half of them get checksums that are right, so that the damage is found deeper inside.
    if (round % 2 === 0) {
      for (let at = 0; at < archive.length; at += 512) {
        if (archive.toString('latin1', at + 257, at + 262) === 'ustar') sign(archive, at);
      }
    }
    try {
      readTar(archive, 1 + random(2000));
      outcomes.read++;
    } catch (error) {
      assert.ok(error instanceof FosterError, `round ${round}: ${error}`);
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.read > 100 && outcomes.refused > 100, JSON.stringify(outcomes));
});
