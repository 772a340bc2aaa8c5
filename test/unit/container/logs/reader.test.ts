import assert from 'node:assert/strict';
import { appendFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LineSink, RawSink } from '../../../../src/container/logs/output.js';
import { LogReader, type LogStream } from '../../../../src/container/logs/reader.js';
import { findTail } from '../../../../src/container/logs/tail.js';
import { encodeFrame, LogFolder, MemorySink, type Piece } from '../../support/log-writer.js';

function withFolder(use: (folder: LogFolder) => void): void {
  const folder = new LogFolder();
  try {
    use(folder);
  } finally {
    folder.remove();
  }
}

/** Numbers that look random and are the same each time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What a program may write: whole lines, pieces of lines, empty lines, something long now and then. */
function randomPieces(seed: number, count: number, longest = 40_000): Piece[] {
  const random = generator(seed);
  return Array.from({ length: count }, (_, index) => {
    const word = `${index}`.padEnd(random(20) === 0 ? longest : random(9) + 1, '.');
    const text = [`${word}\n`, word, `\n${word}`, '\n\n', `a\n${word}\nb`][random(5)] ?? word;
    return { stream: (random(3) === 0 ? 2 : 1) as LogStream, text, time: BigInt(index) * 1_000_000_000n };
  });
}

function all(pieces: Piece[], stream: LogStream): string {
  return pieces.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join('');
}

/** The lines of both streams, in the order of their ends; those without an end at last. */
function linesOf(pieces: Piece[]): { stream: LogStream; text: string; time: bigint }[] {
  const lines: { stream: LogStream; text: string; time: bigint }[] = [];
  const open = new Map<LogStream, { stream: LogStream; text: string; time: bigint }>();
  // A line without an end counts where its last byte is.
  for (const { stream, text, time = 0n } of pieces) {
    for (const part of text.split(/(?<=\n)/)) {
      const line = open.get(stream) ?? { stream, text: '', time };
      const index = lines.indexOf(line);
      if (index >= 0) lines.splice(index, 1);
      line.text += part;
      lines.push(line);
      if (part.endsWith('\n')) open.delete(stream);
      else open.set(stream, line);
    }
  }
  return lines;
}

test('frames of all files are read in order, whatever their size', () => {
  for (let seed = 1; seed <= 5; seed++) {
    withFolder((folder) => {
      const pieces = randomPieces(seed, 500);
      const random = generator(seed + 100);
      for (const piece of pieces) {
        folder.write(piece);
        if (random(40) === 0) folder.rotate();
      }
      const reader = new LogReader(folder.path, new RawSink(folder.output));
      reader.read({ follow: false });
      reader.close();
      assert.equal(folder.written(1), all(pieces, 1));
      assert.equal(folder.written(2), all(pieces, 2));
    });
  }
});

test('the order of the streams is kept', () => {
  withFolder((folder) => {
    folder.write({ stream: 1, text: 'a' }, { stream: 2, text: 'b' }, { stream: 1, text: 'c' });
    const sink = new MemorySink();
    new LogReader(folder.path, sink).read({ follow: false });
    assert.deepEqual(sink.taken, [
      [1, 'a'],
      [2, 'b'],
      [1, 'c'],
    ]);
  });
});

test('following loses and duplicates no byte when files are rotated', () => {
  withFolder((folder) => {
    const sink = new MemorySink();
    folder.write({ stream: 1, text: 'first ' });
    const reader = new LogReader(folder.path, sink);
    const pieces = randomPieces(7, 2000);
    const random = generator(8);
    let rotations = 0;
    for (const piece of pieces) {
      folder.write(piece);
      if (random(20) === 0) {
        folder.rotate(3);
        rotations++;
      }
      // of three files only so many may go unseen
      if (rotations < 2 && random(25) > 0) continue;
      reader.read({ follow: true });
      rotations = 0;
    }
    reader.read({ follow: true });
    reader.close();
    assert.equal(sink.text(1), `first ${all(pieces, 1)}`);
    assert.equal(sink.text(2), all(pieces, 2));
  });
});

test('following a log with one file only', () => {
  withFolder((folder) => {
    const sink = new MemorySink();
    folder.write({ stream: 1, text: 'one ' });
    const reader = new LogReader(folder.path, sink);
    reader.read({ follow: true });
    folder.write({ stream: 1, text: 'two ' });
    folder.rotate(2);
    folder.write({ stream: 1, text: 'three ' });
    reader.read({ follow: true });
    folder.write({ stream: 1, text: 'four' });
    assert.equal(reader.read({ follow: true }), true);
    assert.equal(reader.read({ follow: true }), false);
    assert.equal(sink.text(1), 'one two three four');
  });
});

test('a frame that arrives byte by byte', () => {
  withFolder((folder) => {
    const sink = new MemorySink();
    const reader = new LogReader(folder.path, sink);
    const log = join(folder.path, 'log');
    for (const byte of Buffer.concat([
      encodeFrame({ stream: 1, text: 'hello' }),
      encodeFrame({ stream: 2, text: 'there' }),
    ])) {
      appendFileSync(log, Buffer.from([byte]));
      reader.read({ follow: true });
    }
    assert.equal(sink.text(1), 'hello');
    assert.equal(sink.text(2), 'there');
  });
});

test('a truncated last frame is read as far as possible', () => {
  withFolder((folder) => {
    folder.write({ stream: 1, text: 'whole\n' }, { stream: 1, text: 'cut short\n' });
    truncateSync(join(folder.path, 'log'), 16 + 6 + 16 + 3);
    folder.rotate();
    folder.write({ stream: 2, text: 'next file\n' });
    const sink = new MemorySink();
    new LogReader(folder.path, sink).read({ follow: false });
    assert.equal(sink.text(1), 'whole\ncut');
    assert.equal(sink.text(2), 'next file\n');
  });
});

test('a frame that the monitor truncates, and its replacement', () => {
  withFolder((folder) => {
    const sink = new MemorySink();
    folder.write({ stream: 1, text: 'kept ' });
    const reader = new LogReader(folder.path, sink);
    appendFileSync(join(folder.path, 'log'), encodeFrame({ stream: 1, text: 'lost' }).subarray(0, 18));
    reader.read({ follow: true });
    truncateSync(join(folder.path, 'log'), 16 + 5);
    reader.read({ follow: true });
    folder.write({ stream: 1, text: ' later' });
    reader.read({ follow: true });
    assert.equal(sink.text(1), 'kept lo later');
  });
});

test('the next frame after a damaged part is found', () => {
  withFolder((folder) => {
    folder.write({ stream: 1, text: 'before\n' });
    appendFileSync(join(folder.path, 'log'), Buffer.alloc(3000));
    folder.write({ stream: 1, text: 'after\n', time: 1_800_000_000_000_000_000n });
    const sink = new MemorySink();
    const reader = new LogReader(folder.path, sink);
    reader.startAt(findTail(reader.files, 2));
    reader.read({ follow: false });
    assert.equal(sink.text(1), 'before\nafter\n');
  });
});

test('the tail is that of both streams, with complete lines', () => {
  for (let seed = 1; seed <= 12; seed++) {
    withFolder((folder) => {
      const random = generator(seed + 1000);
      const pieces = randomPieces(seed, seed % 3 === 0 ? 3 : 60, seed % 2 === 0 ? 300_000 : 20);
      for (const piece of pieces) {
        folder.write(piece);
        if (random(15) === 0) folder.rotate();
      }
      const lines = linesOf(pieces);
      for (let count = 0; count <= lines.length + 1; count += 1 + random(3)) {
        const sink = new MemorySink();
        const reader = new LogReader(folder.path, sink);
        reader.startAt(findTail(reader.files, count));
        reader.read({ follow: false });
        reader.close();
        const expected = count === 0 ? [] : lines.slice(-count);
        for (const stream of [1, 2] as const) {
          const text = expected.flatMap((line) => (line.stream === stream ? [line.text] : [])).join('');
          assert.equal(
            sink.text(stream),
            text,
            `--tail ${count} of ${lines.length}, stream ${stream}, seed ${seed}`,
          );
        }
      }
    });
  }
});

test('output during the search for the tail does not count', () => {
  withFolder((folder) => {
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`);
    for (const text of lines(0, 5)) folder.write({ stream: 1, text });
    const sink = new MemorySink();
    const half = encodeFrame({ stream: 1, text: 'line 5\n' });
    const file = join(folder.path, 'log');
    appendFileSync(file, half.subarray(0, half.length - 3));
    const reader = new LogReader(folder.path, sink);
    appendFileSync(file, half.subarray(half.length - 3));
    for (const text of lines(6, 1000)) folder.write({ stream: 1, text });
    reader.startAt(findTail(reader.files, 3));
    for (const text of lines(1000, 2000)) folder.write({ stream: 1, text });
    reader.read({ follow: false });
    assert.equal(sink.text(1), 'line 3\nline 4\nline 5\n');
    reader.read({ follow: true });
    assert.equal(sink.text(1), lines(3, 2000).join(''), 'following goes on from there');
    reader.close();
  });
});

test('output that looks like a frame is not one', () => {
  withFolder((folder) => {
    const forged = encodeFrame({ stream: 2, text: 'forged\n' }).toString('latin1');
    folder.write({ stream: 1, text: `one\n${forged}` }, { stream: 1, text: 'two\n' });
    const sink = new MemorySink();
    const reader = new LogReader(folder.path, sink);
    reader.startAt(findTail(reader.files, 2));
    reader.read({ follow: false });
    assert.equal(sink.text(2), '');
  });
});

test('the timestamp of a line is that of its first frame', () => {
  withFolder((folder) => {
    folder.write(
      { stream: 1, text: 'be', time: 1_764_000_000_000_000_001n },
      { stream: 2, text: 'error\n', time: 1_764_000_000_123_456_789n },
      { stream: 1, text: 'gun\nnext\nop', time: 1_764_000_001_000_000_000n },
      { stream: 1, text: 'en', time: 1_764_000_002_000_000_000n },
    );
    const reader = new LogReader(folder.path, new LineSink(folder.output, { timestamps: true }));
    reader.read({ follow: false });
    assert.equal(
      folder.written(1),
      '2025-11-24T16:00:00.000000001Z begun\n2025-11-24T16:00:01.000000000Z next\n2025-11-24T16:00:01.000000000Z open',
    );
    assert.equal(folder.written(2), '2025-11-24T16:00:00.123456789Z error\n');
  });
});

test('--since and --until select lines by their start', () => {
  for (let seed = 1; seed <= 10; seed++) {
    withFolder((folder) => {
      const pieces = randomPieces(seed, 40);
      folder.write(...pieces);
      const since = BigInt(seed) * 2_000_000_000n;
      const until = since + 11_000_000_000n;
      const reader = new LogReader(
        folder.path,
        new LineSink(folder.output, { timestamps: false, since, until }),
      );
      reader.read({ follow: false });
      const expected = linesOf(pieces).filter(({ time }) => time >= since && time <= until);
      for (const stream of [1, 2] as const) {
        const text = expected.flatMap((line) => (line.stream === stream ? [line.text] : [])).join('');
        assert.equal(folder.written(stream), text);
      }
    });
  }
});
