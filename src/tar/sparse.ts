import { FosterError } from '../sys/errors.js';
import { BLOCK, readNumber } from './header.js';
import { quotedName } from './member.js';
import type { Attributes } from './pax.js';

/** Limit for a map in memory: two numbers for each piece. */
const MAX_PIECES = 1_000_000;

/**
 * Where the data of a sparse file belongs: GNU tar's manual, "Storing Sparse Files". The map is validated: pieces must
 * be in order, lie within the file, and have the same total size as the data in the archive.
 */
export class SparseMap {
  /** Offset and size of each piece. */
  readonly #pieces: number[] = [];
  #end = 0;
  #stored = 0;

  /**
   * @param name name of the member, for errors
   * @param size size of the file with its holes, in bytes
   */
  constructor(
    readonly name: string,
    readonly size: number,
  ) {
    if (!Number.isSafeInteger(size) || size < 0) throw this.broken();
  }

  add(offset: number, size: number): void {
    const end = offset + size;
    const isInOrder = offset >= this.#end && size >= 0 && end <= this.size;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || !isInOrder) throw this.broken();
    if (this.#pieces.length >= 2 * MAX_PIECES) throw this.tooLong();
    this.#pieces.push(offset, size);
    this.#end = end;
    this.#stored += size;
  }

  /** @param stored bytes of the file in the archive */
  check(stored: number): void {
    if (this.#stored !== stored) throw this.broken();
  }

  /** [offset, size] of each piece. */
  *pieces(): Generator<[number, number]> {
    for (let i = 0; i < this.#pieces.length; i += 2) {
      yield [this.#pieces[i] as number, this.#pieces[i + 1] as number];
    }
  }

  broken(): FosterError {
    return new FosterError(`the tar member ${quotedName(this.name)} is a sparse file with an invalid map`);
  }

  tooLong(): FosterError {
    return new FosterError(
      `the tar member ${quotedName(this.name)} is a sparse file of more than ${MAX_PIECES} pieces`,
    );
  }
}

/** A map in blocks before the data. */
export interface MapBlocks {
  map: SparseMap;
  /** Whether the blocks are part of the member's size. */
  areData: boolean;
  /** Returns whether more blocks follow. */
  take(block: Buffer, at: number): boolean;
}

const PIECES_AT = 386;
const PIECES_IN_HEADER = 4;
const PIECES_IN_BLOCK = 21;
const PIECE_SIZE = 24;

/**
 * The old format: four pieces in the header of type `S`, and blocks of 21 after it.
 * @returns the map, or a reader for its remaining blocks
 */
export function oldSparseMap(block: Buffer, at: number, name: string): SparseMap | MapBlocks {
  const map = new SparseMap(name, readNumber(block, at + 483, 12) ?? Number.NaN);
  addOldPieces(map, block, at + PIECES_AT, PIECES_IN_HEADER);
  if (block[at + 482] === 0) return map;
  return {
    map,
    areData: false,
    take(more, from) {
      addOldPieces(map, more, from, PIECES_IN_BLOCK);
      return more[from + PIECES_IN_BLOCK * PIECE_SIZE] !== 0;
    },
  };
}

function addOldPieces(map: SparseMap, block: Buffer, from: number, count: number): void {
  for (let at = from; at < from + count * PIECE_SIZE; at += PIECE_SIZE) {
    const size = readNumber(block, at + 12, 12);
    if (size === undefined) return; // the last piece was before it
    map.add(readNumber(block, at, 12) ?? Number.NaN, size);
  }
}

/**
 * The formats with pax attributes: versions 0.0 and 0.1 have the map in attributes, 1.0 at the start of the data.
 * @returns undefined if the member is not a sparse file
 */
export function paxSparseMap(attributes: Attributes, name: string): SparseMap | MapBlocks | undefined {
  const major = attributes.get('GNU.sparse.major');
  const pieces = attributes.get('GNU.sparse.map');
  const oldSize = attributes.get('GNU.sparse.size');
  if (major === undefined && pieces === undefined && oldSize === undefined) return undefined;
  const version = `${major ?? 0}.${attributes.get('GNU.sparse.minor') ?? 0}`;
  if (version === '1.0') return mapInData(new SparseMap(name, digits(attributes.get('GNU.sparse.realsize'))));
  if (!version.startsWith('0.')) {
    throw new FosterError(
      `the tar member ${quotedName(name)} is a sparse file in an unknown format: ${quotedName(version)}`,
    );
  }
  const map = new SparseMap(name, digits(oldSize));
  const numbers = pieces ? pieces.split(',') : [];
  if (numbers.length % 2 !== 0) throw map.broken();
  for (let i = 0; i < numbers.length; i += 2) map.add(digits(numbers[i]), digits(numbers[i + 1]));
  return map;
}

function digits(text: string | undefined): number {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
}

const NEWLINE = 0x0a;

/**
 * Decimal numbers, each on a line: the number of pieces, then offset and size of each; padded with zeros to a block.
 */
function mapInData(map: SparseMap): MapBlocks {
  let left: number | undefined;
  let offset: number | undefined;
  let text = '';
  const takeNumber = (value: number) => {
    if (left === undefined) {
      if (value > MAX_PIECES) throw map.tooLong();
      if (!Number.isSafeInteger(value)) throw map.broken();
      left = 2 * value;
      return;
    }
    left--;
    if (offset === undefined) offset = value;
    else {
      map.add(offset, value);
      offset = undefined;
    }
  };
  return {
    map,
    areData: true,
    take(block, from) {
      for (let at = from; at < from + BLOCK && left !== 0; ) {
        const newline = block.indexOf(NEWLINE, at);
        const end = newline < 0 || newline >= from + BLOCK ? from + BLOCK : newline;
        text += block.toString('latin1', at, end);
        if (text.length > 20) throw map.broken();
        at = end + 1;
        if (end === from + BLOCK) break;
        takeNumber(digits(text));
        text = '';
      }
      return left !== 0;
    },
  };
}
