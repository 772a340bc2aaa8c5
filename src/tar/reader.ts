import { FosterError } from '../sys/errors.js';
import { BLOCK, isZeroBlock, readTarHeader, readText, type TarHeader } from './header.js';
import { type Member, quotedName } from './member.js';
import { GLOBAL_ATTRIBUTES, parseMember } from './parse-member.js';
import { type Attributes, addPaxRecords } from './pax.js';
import { type MapBlocks, oldSparseMap, paxSparseMap, SparseMap } from './sparse.js';

/** Receives what a TarReader reads: each member, its data in pieces (valid only during the call), its end. */
export interface TarSink {
  member(member: Member): void;
  data(piece: Buffer): void;
  /** A hole of `size` bytes in a sparse file. Without this method sparse files are refused. */
  hole?(size: number): void;
  endOfMember(): void;
}

/** Limit for a long name or a set of pax attributes; the same as Docker's. */
const MAX_EXTENSION = 1024 * 1024;

const NO_ATTRIBUTES: Attributes = new Map();

/** A sparse file whose data is being read. */
interface Sparse {
  /** Remaining pieces: [offset, size]. */
  pieces: Iterator<[number, number]>;
  /** Remaining bytes of the current piece. */
  left: number;
  /** Position in the file. */
  position: number;
  size: number;
}

/** A sparse file whose map is being read. */
interface Waiting {
  member: Member;
  blocks: MapBlocks;
  /** Bytes of it in the archive. */
  stored: number;
}

/**
 * Reads a tar archive (tar(5): ustar, pax, GNU) that is pushed to it in pieces of any size. Keeps no more than a block,
 * one extended header or one map of a sparse file in memory.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: 'header' | 'map' | 'extension' | 'data' | 'padding' | 'end' = 'header';
  /** The start of an incomplete block. */
  #partial = Buffer.alloc(0);
  /** Remaining bytes in this state. */
  #left = 0;
  /** Padding after the data, to be skipped. */
  #padding = 0;
  #zeroBlocks = 0;
  #members = 0;
  #extension = { type: '', pieces: [] as Buffer[] };
  /** Bytes of extended headers before the next member. */
  #extended = 0;
  #global: Attributes = new Map();
  #next: Attributes = NO_ATTRIBUTES;
  #waiting: Waiting | undefined;
  #sparse: Sparse | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws FosterError for an invalid archive; the reader cannot be used afterwards */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && this.#state !== 'end') {
      if (this.#state === 'header' || this.#state === 'map') {
        at += this.#takeBlock(piece, at);
        continue;
      }
      const taken = Math.min(this.#left, piece.length - at);
      this.#takeBody(piece, at, at + taken);
      at += taken;
      this.#left -= taken;
      if (this.#left === 0) this.#endBody();
    }
  }

  /**
   * Takes the rest of a member as read, for a caller that can seek and wants only the headers. Sparse files cannot be
   * skipped.
   * @returns the number of bytes that the next `push` has to leave out
   */
  skipData(): number {
    if (this.#state !== 'data' || this.#sparse !== undefined) return 0;
    const size = this.#left + this.#padding;
    this.#left = 0;
    this.#padding = 0;
    this.#endBody();
    return size;
  }

  /** Whether the archive has only its end: a layer that changes nothing. */
  get isEmpty(): boolean {
    return this.#state === 'end' && this.#members === 0;
  }

  /** Must be called after the last piece. @throws FosterError if the archive is incomplete */
  end(): void {
    if (this.#state === 'header' && this.#partial.length === 0 && this.#members > 0) return; // a missing end marker is common
    if (this.#state !== 'end') throw new FosterError('the tar archive is truncated');
    if (this.#members === 0) throw new FosterError('the tar archive is empty');
  }

  #takeBlock(piece: Buffer, at: number): number {
    if (this.#partial.length === 0 && piece.length - at >= BLOCK) {
      this.#block(piece, at);
      return BLOCK;
    }
    const taken = Math.min(BLOCK - this.#partial.length, piece.length - at);
    this.#partial = Buffer.concat([this.#partial, piece.subarray(at, at + taken)]);
    if (this.#partial.length === BLOCK) {
      const block = this.#partial;
      this.#partial = Buffer.alloc(0);
      this.#block(block, 0);
    }
    return taken;
  }

  #block(block: Buffer, at: number): void {
    if (this.#waiting === undefined) this.#header(block, at);
    else this.#mapBlock(this.#waiting, block, at);
  }

  #takeBody(piece: Buffer, from: number, to: number): void {
    if (this.#state === 'padding') return;
    if (this.#state === 'extension') this.#extension.pieces.push(Buffer.from(piece.subarray(from, to)));
    else if (this.#sparse === undefined) this.#sink.data(piece.subarray(from, to));
    else this.#sparseData(this.#sparse, piece, from, to);
  }

  #endBody(): void {
    const ended = this.#state;
    this.#state = 'header';
    if (ended === 'data') {
      if (this.#sparse !== undefined) this.#hole(this.#sparse, this.#sparse.size);
      this.#sparse = undefined;
      this.#sink.endOfMember();
    }
    if (ended === 'extension') this.#endExtension();
    if (ended !== 'padding' && this.#padding > 0) {
      this.#state = 'padding';
      this.#left = this.#padding;
    }
  }

  #header(block: Buffer, at: number): void {
    if (block[at] === 0 && isZeroBlock(block, at)) {
      if (++this.#zeroBlocks === 2) this.#state = 'end';
      return;
    }
    this.#zeroBlocks = 0;
    const header = readTarHeader(block, at);
    if (header === undefined) throw this.#corrupt();
    if ('xgLK'.includes(header.flag)) {
      this.#beginExtension(header.flag, header.size ?? 0);
      return;
    }
    const member = parseMember(header, this.#next, this.#global);
    if (member === undefined) throw this.#corrupt();
    const map = this.#mapOf(member, header, block, at);
    this.#next = NO_ATTRIBUTES;
    this.#extended = 0;
    this.#members++;
    if (map === undefined) this.#beginMember(member, member.size);
    else if (map instanceof SparseMap) this.#beginSparse(member, map, member.size);
    else {
      this.#waiting = { member, blocks: map, stored: member.size };
      this.#state = 'map';
    }
  }

  #begin(state: 'data' | 'extension', size: number): void {
    this.#state = state;
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (size === 0) this.#endBody();
  }

  #beginMember(member: Member, stored: number): void {
    this.#sink.member(member);
    this.#begin('data', stored);
  }

  #corrupt(): FosterError {
    return this.#members === 0
      ? new FosterError('it is not a tar archive')
      : new FosterError(`the tar archive is corrupt after member ${this.#members}`);
  }

  #beginExtension(type: string, size: number): void {
    if (!(size >= 0)) throw this.#corrupt();
    this.#extended += size;
    if (this.#extended > MAX_EXTENSION) {
      throw new FosterError('the tar archive has an extended header of more than 1 MiB');
    }
    this.#extension = { type, pieces: [] };
    this.#begin('extension', size);
  }

  #endExtension(): void {
    const content = Buffer.concat(this.#extension.pieces);
    const { type } = this.#extension;
    this.#extension = { type: '', pieces: [] };
    if (type === 'g') {
      this.#endGlobal(content);
      return;
    }
    if (this.#next === NO_ATTRIBUTES) this.#next = new Map();
    if (type === 'L') this.#next.set('path', readText(content, 0, content.length));
    else if (type === 'K') this.#next.set('linkpath', readText(content, 0, content.length));
    else addPaxRecords(content, this.#next);
  }

  /** Keeps only attributes that make sense for all members, since an archive may have any number of such headers. */
  #endGlobal(content: Buffer): void {
    this.#extended -= content.length;
    const found: Attributes = new Map();
    addPaxRecords(content, found);
    for (const key of GLOBAL_ATTRIBUTES) {
      const value = found.get(key);
      if (value !== undefined) this.#global.set(key, value);
    }
  }

  #mapOf(member: Member, { flag, isGnu }: TarHeader, block: Buffer, at: number) {
    let map: SparseMap | MapBlocks | undefined;
    if (member.type !== 'file') return undefined;
    if (flag === 'S') {
      if (!isGnu) throw this.#corrupt();
      map = oldSparseMap(block, at, member.name);
    } else if (this.#next.size > 0) map = paxSparseMap(this.#next, member.name);
    if (map !== undefined && this.#sink.hole === undefined) {
      throw new FosterError(
        `the tar member ${quotedName(member.name)} is a sparse file, which is not supported here`,
        { advice: 'make the archive without --sparse' },
      );
    }
    return map;
  }

  #mapBlock(waiting: Waiting, block: Buffer, at: number): void {
    const { member, blocks } = waiting;
    if (blocks.areData) waiting.stored -= BLOCK;
    if (waiting.stored < 0) throw blocks.map.broken();
    if (blocks.take(block, at)) return;
    this.#waiting = undefined;
    this.#beginSparse(member, blocks.map, waiting.stored);
  }

  #beginSparse(member: Member, map: SparseMap, stored: number): void {
    map.check(stored);
    this.#sparse = { pieces: map.pieces(), left: 0, position: 0, size: map.size };
    this.#beginMember({ ...member, size: map.size }, stored);
  }

  #sparseData(sparse: Sparse, piece: Buffer, from: number, to: number): void {
    for (let at = from; at < to; ) {
      while (sparse.left === 0) {
        const [offset, size] = sparse.pieces.next().value as [number, number]; // the map covers all of the data
        this.#hole(sparse, offset);
        sparse.left = size;
      }
      const taken = Math.min(sparse.left, to - at);
      this.#sink.data(piece.subarray(at, at + taken));
      at += taken;
      sparse.left -= taken;
      sparse.position += taken;
    }
  }

  #hole(sparse: Sparse, end: number): void {
    if (end > sparse.position) this.#sink.hole?.(end - sparse.position);
    sparse.position = end;
  }
}
