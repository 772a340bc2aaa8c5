import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FosterError } from '../../../src/sys/errors.js';
import { TarReader } from '../../../src/tar/reader.js';
import {
  fuzzRounds,
  fuzzSeeds,
  type Random,
  randomFrom,
  randomLayer,
} from '../../integration/support/fuzz.js';

const ROUNDS = fuzzRounds(8000);

interface Outcome {
  heard: string[];
  error: string | undefined;
  /** Bytes that were handed on. */
  data: number;
}

/** Reads an archive in pieces, and checks that the reader keeps its promises to the sink. */
function read(archive: Buffer, pieceSize: () => number): Outcome {
  const outcome: Outcome = { heard: [], error: undefined, data: 0 };
  let left: number | undefined;
  const take = (size: number, what: string) => {
    assert.ok(left !== undefined && size > 0 && size <= left, `${what} of ${size} where ${left} are to come`);
    left -= size;
  };
  const reader = new TarReader({
    member({ name, type, size, mode, uid, gid, mtime, target }) {
      assert.equal(left, undefined, 'the member before has not ended');
      assert.ok(Number.isSafeInteger(size) && size >= 0 && (type === 'file' || size === 0));
      assert.ok(Number.isInteger(mode) && (mode & ~0o7777) === 0);
      for (const id of [uid, gid]) assert.ok(Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1);
      assert.ok(Number.isFinite(mtime));
      assert.ok(name.length + target.length <= archive.length);
      left = size;
      outcome.heard.push(`${type} ${name} ${size}`);
    },
    data(piece) {
      take(piece.length, 'data');
      outcome.data += piece.length;
      outcome.heard.push(piece.toString('latin1'));
    },
    hole(size) {
      take(size, 'hole');
      outcome.heard.push(`<${size}>`);
    },
    endOfMember() {
      assert.equal(left, 0, 'the member has ended too early');
      left = undefined;
      outcome.heard.push('.');
    },
  });
  try {
    for (let at = 0; at < archive.length; ) {
      const size = pieceSize();
      reader.push(archive.subarray(at, at + size));
      at += size;
    }
    reader.end();
    assert.equal(left, undefined);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    outcome.error = error.message;
  }
  assert.ok(outcome.data <= archive.length);
  return outcome;
}

/** Data comes in other pieces, but is the same. */
const joined = ({ heard, error }: Outcome) => ({ text: heard.join(''), error });

function check(archive: Buffer, random: Random): Outcome {
  const whole = read(archive, () => archive.length || 1);
  const pieces = read(archive, () => 1 + random(700));
  assert.deepEqual(joined(pieces), joined(whole));
  return whole;
}

test(`${ROUNDS} random layers are read or refused, whatever pieces they come in`, () => {
  const outcomes = { read: 0, refused: 0 };
  let rounds = 0;
  for (const seed of fuzzSeeds(ROUNDS)) {
    rounds++;
    const random = randomFrom(seed);
    const archive = randomLayer(random);
    try {
      outcomes[check(archive, random).error === undefined ? 'read' : 'refused']++;
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}: ${archive.toString('base64').slice(0, 20_000)}`, {
        cause: error,
      });
    }
  }
  assert.ok(outcomes.read > rounds / 10 && outcomes.refused > rounds / 10, JSON.stringify(outcomes));
});
