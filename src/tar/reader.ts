import { FosterError } from '../sys/errors.js';
import { BLOCK, isZeroBlock, readTarHeader, readText, type TarHeader } from './header.js';
import { type Member, shown } from './member.js';
import { GLOBAL_ATTRIBUTES, memberOf } from './members.js';
import { type Attributes, addPaxRecords } from './pax.js';
import { type MapBlocks, oldSparseMap, paxSparseMap, SparseMap } from './sparse.js';

/** What a TarReader tells of: each member, its data in pieces (which are only lent), its end. */
export interface TarSink {
  member(member: Member): void;
  data(piece: Buffer): void;
  /** So many zeros that the archive does not hold, of a sparse file. Where it is missing such files are refused. */
  hole?(size: number): void;
  endOfMember(): void;
}

/** A long name or a set of pax attributes; Docker's limit is the same. */
const MAX_EXTENSION = 1024 * 1024;

const NO_ATTRIBUTES: Attributes = new Map();

/** A sparse file whose data is being read. */
interface Sparse {
  /** Pieces that are still to come: [offset, size]. */
  pieces: Iterator<[number, number]>;
  /** Bytes of the present one that are to come. */
  left: number;
  /** In the file. */
  position: number;
  size: number;
}

/** A sparse file whose map is being read. */
interface Waiting {
  member: Member;
  blocks: MapBlocks;
  /** Bytes that the archive has of it. */
  stored: number;
}

/**
 * Reads a tar archive (tar(5): ustar, pax, GNU) that is pushed in, in pieces of any size, and holds no more than a
 * block, one extended header or one map of a sparse file of it.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: 'header' | 'map' | 'extension' | 'data' | 'padding' | 'end' = 'header';
  /** The start of a block of which the rest is to come. */
  #partial = Buffer.alloc(0);
  /** Bytes that are to come in this state. */
  #left = 0;
  /** Bytes that fill the last block of data, to be skipped. */
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

  /** @throws FosterError for whatever is wrong with the archive; the reader is of no use then */
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

  /** Two blocks of zeros and no member: a layer that changes nothing. */
  get isEmpty(): boolean {
    return this.#state === 'end' && this.#members === 0;
  }

  /** To be called when all is pushed. @throws FosterError where something is missing */
  end(): void {
    if (this.#state === 'header' && this.#partial.length === 0 && this.#members > 0) return; // no end mark: common
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
    const member = memberOf(header, this.#next, this.#global);
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
      : new FosterError(`the tar archive is corrupt after its member number ${this.#members}`);
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

  /** Only numbers make sense for all members, and an archive may have any number of such headers. */
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
        `the tar member ${shown(member.name)} is a sparse file, which foster does not read here`,
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
        const [offset, size] = sparse.pieces.next().value as [number, number]; // the map is as long as the data
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
