import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import zlib, { gzipSync } from 'node:zlib';
import { fetchedAhead } from '../../../../src/tar/inflate/ahead.js';
import type { InflateEngine } from '../../../../src/tar/inflate/engine.js';
import { Gunzip } from '../../../../src/tar/inflate/gunzip.js';
import { findIsal } from '../../../../src/tar/inflate/isal.js';
import { works } from '../../../../src/tar/inflate/probe.js';
import { uncompressed } from '../../../../src/tar/inflate/uncompressed.js';
import { findZlib } from '../../../../src/tar/inflate/zlib.js';
import { fuzzSeeds, type Random, randomFrom } from '../../../integration/support/fuzz.js';

const ROUNDS = 100;

/** A whole number, `from` at least and below `to`. */
function between(random: Random, from: number, to: number): number {
  return from + random(to - from);
}

/** Reads a file in pieces, and inflates it to pieces. */
async function gunzip(
  engine: InflateEngine,
  file: Buffer,
  pieceSize: () => number,
  outputSize = 70_000,
): Promise<Buffer> {
  let at = 0;
  const gunzip = new Gunzip(engine, async (buffer) => {
    const size = file.copy(buffer, 0, at, at + Math.min(pieceSize(), buffer.length));
    at += size;
    return size;
  });
  const pieces: Buffer[] = [];
  const output = Buffer.alloc(outputSize);
  try {
    for (;;) {
      const size = await gunzip.fill(output);
      if (size === 0) return Buffer.concat(pieces);
      pieces.push(Buffer.from(output.subarray(0, size)));
    }
  } finally {
    gunzip.free();
  }
}

/** What Node's zlib makes of a file. */
function byNode(file: Buffer): Promise<Buffer | undefined> {
  return new Promise((done) => {
    const stream = zlib.createGunzip();
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('end', () => done(Buffer.concat(pieces)));
    stream.on('error', () => done(undefined));
    stream.end(file);
  });
}

/** Text that compresses well, or not at all, or to blocks that are stored. */
function content(random: Random): Buffer {
  const parts = Array.from({ length: between(random, 1, 6) }, () => {
    const size = random(60_000);
    if (random(3) === 0) return randomBytes(size);
    return Buffer.alloc(size, `${random(1 << 30)} foster `.repeat(between(random, 1, 20)));
  });
  return Buffer.concat(parts);
}

function randomFile(random: Random): Buffer {
  const members = Array.from({ length: between(random, 1, 4) }, () =>
    gzipSync(content(random), { level: random(10), strategy: random(5) }),
  );
  const ends = [
    Buffer.alloc(0),
    Buffer.alloc(between(random, 1, 2000)),
    Buffer.from('garbage'),
    Buffer.from([0, 1, 2]),
  ];
  const file = Buffer.concat([...members, ends[random(ends.length)] as Buffer]);
  const damage = random(4);
  if (damage === 0) return file.subarray(0, between(random, 18, file.length));
  if (damage === 1) file.writeUInt8(random(256), between(random, 10, file.length));
  return file;
}

const engines = [findIsal(), findZlib()].filter((engine) => engine !== undefined);

test('the zlib of Node is found, and so is ISA-L, which scripts/setup installs', () => {
  assert.deepEqual(
    engines.map(({ name }) => name),
    ['ISA-L', 'zlib'],
  );
});

for (const engine of engines) {
  test(`${engine.name}: passes the probe, which a library with another layout does not`, async () => {
    assert.equal(await works(engine), true);
    const other: InflateEngine = { ...engine, run: async () => ({ taken: 1, made: 0, isEnd: false }) };
    assert.equal(await works(other), false);
  });

  test(`${engine.name}: several members, zero bytes after them, and what is wrong`, async () => {
    const [one, two] = [gzipSync('one '), gzipSync('two')];
    const all = (...parts: Buffer[]) => gunzip(engine, Buffer.concat(parts), () => 5);
    assert.equal(String(await all(one, two)), 'one two');
    assert.equal(String(await all(one, two, Buffer.alloc(512), one)), 'one two');
    assert.equal(String(await all(gzipSync(''))), '');
    await assert.rejects(all(one, Buffer.from('garbage'.repeat(9))), /corrupt/);
    await assert.rejects(all(one, two.subarray(0, -1)), /truncated/);
    await assert.rejects(all(one.subarray(0, 12)), /truncated/);
    const damaged = Buffer.from(two);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1); // its size
    await assert.rejects(all(one, damaged), /corrupt/);
  });

  test(`${engine.name}: makes of any file what Node makes of it`, async () => {
    for (const seed of fuzzSeeds(ROUNDS)) {
      const random = randomFrom(seed);
      const file = randomFile(random);
      const expected = await byNode(file);
      const most = between(random, 1, 200_000);
      const made = await gunzip(
        engine,
        file,
        () => between(random, 1, most),
        between(random, 1, 100_000),
      ).catch(() => undefined);
      assert.ok(
        expected === undefined ? made === undefined : made?.equals(expected),
        `FUZZ_SEED=${seed}: ${made?.length} bytes instead of ${expected?.length}`,
      );
    }
  });

  test(`${engine.name}: a bomb needs no more memory than its buffers`, async () => {
    const bomb = Buffer.concat(Array(20).fill(gzipSync(Buffer.alloc(20 << 20))));
    let at = 0;
    const gunzip = new Gunzip(engine, async (buffer) => {
      const size = bomb.copy(buffer, 0, at);
      at += size;
      return size;
    });
    const before = process.memoryUsage().rss;
    let total = 0;
    const pieces = fetchedAhead(
      (buffer) => gunzip.fill(buffer),
      () => gunzip.free(),
    );
    for await (const piece of pieces) total += piece.length;
    assert.equal(total, 400 << 20);
    assert.ok(process.memoryUsage().rss - before < 64 << 20);
  });
}

test('without a library, Node inflates; the file is closed in any case', async () => {
  const collect = async (pieces: AsyncIterable<Buffer>) => {
    let text = '';
    for await (const piece of pieces) text += piece;
    return text;
  };
  for (const engine of [undefined, ...engines]) {
    for (const [compression, file, expected] of [
      ['none', Buffer.from('plain'), 'plain'],
      ['gzip', gzipSync('one'), 'one'],
      ['gzip', gzipSync('two').subarray(0, -1), undefined],
    ] as const) {
      let close = () => {};
      const closed = new Promise<void>((done) => {
        close = done;
      });
      let at = 0;
      const read = async (buffer: Buffer) => {
        const size = file.copy(buffer, 0, at, at + 4);
        at += size;
        return size;
      };
      const content = collect(uncompressed(compression, engine, read, close));
      if (expected === undefined) await assert.rejects(content);
      else assert.equal(await content, expected);
      await closed;
    }
  }
});
