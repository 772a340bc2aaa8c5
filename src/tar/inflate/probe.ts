import type { InflateEngine } from './engine.js';
import { Gunzip } from './gunzip.js';
import { findIsal } from './isal.js';
import { findZlib } from './zlib.js';

let found: Promise<InflateEngine | undefined> | undefined;

/**
 * The fastest library for gzip that works here. Must be called before the root directory changes, since libraries are files.
 * @returns undefined if there is none, so that Node's streams have to do it
 */
export function findInflateEngine(): Promise<InflateEngine | undefined> {
  found ??= find();
  return found;
}

async function find(): Promise<InflateEngine | undefined> {
  for (const engine of [findIsal(), findZlib()]) {
    if (engine !== undefined && (await works(engine))) return engine;
  }
  return undefined;
}

/** `foster` 60 times, as a member of gzip: a block of type 2, made by zlib. */
const MEMBER = Buffer.from(
  'H4sIAAAAAAAEAwXBwQ0AAAABsWn5So79o3U64XTC6YTTCacTTiecTjidcDrhdMLphNMJpxNOJ5xOOJ1wOuF0wumE0wmnE04nnE44nXA64XTC6YTTCacTTiecTjidcDrhdMLphNMJpxNOJ5xOOJ1wOuF0wumE0wmnE04nnE44nXA64XTC6YTTCacTTiecTjidcDrhdMLphNOJAysZUs1oAQAA',
  'base64',
);
const CONTENT = 'foster'.repeat(60);

/**
 * Whether it inflates two members in pieces of a few bytes, and notices a wrong checksum: a library with another layout of
 * its structures would not.
 */
export async function works(engine: InflateEngine): Promise<boolean> {
  const damaged = Buffer.from(MEMBER);
  damaged.writeUInt32LE((damaged.readUInt32LE(damaged.length - 8) ^ 1) >>> 0, damaged.length - 8);
  const expected = CONTENT + CONTENT;
  try {
    const text = await inflated(engine, Buffer.concat([MEMBER, MEMBER]));
    return text === expected && (await inflated(engine, damaged)) === undefined;
  } catch {
    return false;
  }
}

async function inflated(engine: InflateEngine, file: Buffer): Promise<string | undefined> {
  let at = 0;
  const gunzip = new Gunzip(engine, async (buffer) => {
    const size = file.copy(buffer, 0, at, at + 7);
    at += size;
    return size;
  });
  const piece = Buffer.alloc(50);
  let text = '';
  try {
    for (let size = -1; size !== 0; ) {
      size = await gunzip.fill(piece);
      text += piece.toString('latin1', 0, size);
    }
    return text;
  } catch {
    return undefined;
  } finally {
    gunzip.free();
  }
}
