import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FosterError } from '../../../src/sys/errors.js';
import { TarReader } from '../../../src/tar/reader.js';
import { memberBlocks, oldSparse, type TestMember, tar } from '../../integration/support/tar.js';

const END = Buffer.alloc(1024);

/** What a sink gets: `NAME SIZE`, then data as it is and holes as their sizes. */
function read(archive: Buffer, pieceSize = archive.length): string[] {
  const heard: string[] = [];
  let text = '';
  const reader = new TarReader({
    member: ({ name, size }) => heard.push(`${name} ${size}`),
    data(piece) {
      text += piece.toString('latin1');
    },
    hole(size) {
      assert.ok(size > 0);
      text += `<${size}>`;
    },
    endOfMember() {
      heard.push(text);
      text = '';
    },
  });
  for (let at = 0; at < archive.length; at += pieceSize) reader.push(archive.subarray(at, at + pieceSize));
  reader.end();
  return heard;
}

function refuses(archive: Buffer, words: RegExp): void {
  assert.throws(
    () => read(archive),
    (error) => error instanceof FosterError && words.test(error.message),
    `expected ${words}`,
  );
}

const pax = (attributes: [string, string][], content = 'abcdef'): TestMember => ({
  name: 'GNUSparseFile.1/x',
  content,
  pax: attributes.map(([key, value]) => [`GNU.sparse.${key}`, value]),
});
const version1 = (size: string, map: string, data: string): TestMember =>
  pax(
    [
      ['major', '1'],
      ['minor', '0'],
      ['name', 'x'],
      ['realsize', size],
    ],
    map.padEnd(Math.ceil(map.length / 512) * 512, '\0') + data,
  );
const version01 = (size: string, map: string, content?: string): TestMember =>
  pax(
    [
      ['size', size],
      ['map', map],
      ['name', 'x'],
    ],
    content,
  );
const after = { name: 'after', content: 'z' };
const expected = ['x 3000', '<1000>abcd<500>ef<1494>', 'after 1', 'z'];
const map = [
  [1000, 4],
  [1504, 2],
  [3000, 0],
] as const;

const formats: Record<string, Buffer> = {
  old: Buffer.concat([oldSparse('x', 3000, [...map], 'abcdef'), tar(after)]),
  'pax 0.0': tar(
    {
      name: 'x',
      content: 'abcdef',
      pax: [
        ['GNU.sparse.size', '3000'],
        ['GNU.sparse.numblocks', '3'],
        ...map.flatMap(([offset, size]): [string, string][] => [
          ['GNU.sparse.offset', String(offset)],
          ['GNU.sparse.numbytes', String(size)],
        ]),
      ],
    },
    after,
  ),
  'pax 0.1': tar(version01('3000', map.flat().join(',')), after),
  'pax 1.0': tar(version1('3000', `3\n${map.flat().join('\n')}\n`, 'abcdef'), after),
};

for (const [name, archive] of Object.entries(formats)) {
  test(`the ${name} format is read in pieces of any size`, () => {
    for (const size of [archive.length, 1, 7, 511, 512, 513]) {
      assert.deepEqual(
        read(archive, size).map((each) => each.replaceAll('><', '')),
        expected,
      );
    }
  });
}

test('maps of many pieces, over several blocks', () => {
  const pieces = Array.from({ length: 200 }, (_, index) => [index * 100, 1] as const);
  const whole = `${'x<99>'.repeat(199)}x`;
  const content = 'x'.repeat(200);
  assert.deepEqual(read(Buffer.concat([oldSparse('x', 19_901, pieces, content), END])), ['x 19901', whole]);
  const text = `200\n${pieces.flat().join('\n')}\n`;
  assert.ok(text.length > 1024);
  assert.deepEqual(read(tar(version1('19901', text, content)), 700), ['x 19901', whole]);
});

test('files without any data, and without any hole', () => {
  assert.deepEqual(read(Buffer.concat([oldSparse('x', 500, [[500, 0]], ''), END])), ['x 500', '<500>']);
  assert.deepEqual(read(tar(version1('500', '0\n', ''))), ['x 500', '<500>']);
  assert.deepEqual(read(tar(version1('6', '1\n0\n6\n', 'abcdef'))), ['x 6', 'abcdef']);
  assert.deepEqual(read(tar(version01('0', '', ''))), ['x 0', '']);
});

test('invalid maps are refused', () => {
  const wrong = /sparse file with an invalid map/;
  const all: [string, number, (readonly [number, number])[]][] = [
    ['beyond the end', 1000, [[995, 6]]],
    [
      'not in order',
      1000,
      [
        [500, 3],
        [100, 3],
      ],
    ],
    [
      'overlapping',
      1000,
      [
        [100, 4],
        [103, 2],
      ],
    ],
    ['more than the data', 1000, [[100, 7]]],
    ['less than the data', 1000, [[100, 5]]],
    ['none', 1000, []],
  ];
  for (const [title, size, pieces] of all) {
    const text = `${pieces.length}\n${pieces
      .flat()
      .map((each) => `${each}\n`)
      .join('')}`;
    refuses(Buffer.concat([oldSparse('x', size, pieces, 'abcdef'), END]), wrong);
    refuses(tar(version01(String(size), pieces.flat().join(','))), wrong);
    refuses(tar(version1(String(size), text, 'abcdef')), wrong);
    assert.ok(title);
  }
  refuses(tar(version01('1000', '1')), wrong);
  refuses(tar(version01('1000', '1,-6')), wrong);
  refuses(tar(version01('1000', '0,6e0')), wrong);
  refuses(tar(version01('', '0,6')), wrong);
  refuses(tar(version01('9223372036854775807', '0,6')), wrong); // 8 EiB
  refuses(
    Buffer.concat([oldSparse('x', '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff', [[0, 6]], 'abcdef'), END]),
    wrong,
  );
  refuses(tar(version1('1000', '1\n0\n6', 'abcdef')), wrong);
  refuses(tar(version1('1000', 'x\n', 'abcdef')), wrong);
  refuses(tar(version1('1000', '9'.repeat(600), 'abcdef')), wrong);
  refuses(tar(version1('1000', '100\n', '')), wrong); // the map is longer than the data
  refuses(tar(version1('1000', '99999999\n0\n', 'abcdef')), /more than 1000000 pieces/);
  refuses(
    tar(
      pax([
        ['major', '2'],
        ['minor', '0'],
        ['realsize', '6'],
      ]),
    ),
    /in an unknown format: '2.0'/,
  );
  refuses(tar({ name: 'x', type: 'S' }), /not a tar|corrupt/);
});

test('an endless map does not take endless memory', () => {
  const block = Buffer.alloc(512);
  for (let at = 0; at < 504; at += 24) block.write('00000000000\x0000000000000\0', at, 'latin1');
  block[504] = 1;
  const start = oldSparse(
    'x',
    100,
    Array.from({ length: 5 }, () => [0, 0] as const),
    '',
  );
  start[512 + 504] = 1;
  const reader = new TarReader({ member() {}, data() {}, hole() {}, endOfMember() {} });
  assert.throws(() => {
    reader.push(start);
    for (let count = 0; count < 60_000; count++) reader.push(block);
  }, /more than 1000000 pieces/);
});

test('a sink without holes gets no sparse file', () => {
  const reader = new TarReader({ member() {}, data() {}, endOfMember() {} });
  assert.throws(() => reader.push(formats.old as Buffer), /is a sparse file, which is not supported here/);
});

test('attributes do not accumulate, and apply only to their member', () => {
  const filler = { name: 'x', type: 'x', content: `700000 comment=${'y'.repeat(699_984)}\n` };
  assert.equal(filler.content.length, 700_000);
  const one = memberBlocks(filler);
  refuses(Buffer.concat([one, one, tar(after)]), /more than 1 MiB/);
  refuses(Buffer.concat([one, memberBlocks({ ...filler, type: 'g' }), one, tar(after)]), /more than 1 MiB/);
  assert.equal(
    read(
      Buffer.concat(
        [one, tar(after), one, tar(after)].map((each, i) => (i === 1 ? each.subarray(0, 1024) : each)),
      ),
    ).length,
    4,
  );
  const global = memberBlocks({ ...filler, type: 'g' });
  assert.equal(read(Buffer.concat([global, global, global, tar(after)])).length, 2);
});
