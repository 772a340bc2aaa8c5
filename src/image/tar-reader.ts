import { Header } from 'tar/header';
import { FosterError } from '../errors.js';
import { type Member, shown } from './member.js';

/** What a TarReader tells of: each member, its data in pieces (which are only lent), its end. */
export interface TarSink {
  member(member: Member): void;
  data(piece: Buffer): void;
  endOfMember(): void;
}

const BLOCK = 512;
/** A long name or a set of pax attributes; Docker's limit is the same. */
const MAX_EXTENSION = 1024 * 1024;

type Attributes = Map<string, string>;

const TYPES: Readonly<Record<string, Member['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file', // "contiguous"
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

/**
 * Reads a tar archive (tar(5): ustar, pax, GNU) that is pushed in, in pieces of any size, and holds no more than a
 * block or one extended header of it. The library `tar` decodes the blocks' numbers and checksums; its own parser takes
 * names for UTF-8 and drops extended attributes, so that names and pax records are read here, as bytes.
 */
export class TarReader {
  readonly #sink: TarSink;
  #state: 'header' | 'extension' | 'data' | 'padding' | 'end' = 'header';
  /** The start of a block of which the rest is to come. */
  #partial = Buffer.alloc(0);
  /** Bytes that are to come in this state. */
  #left = 0;
  /** Bytes that fill the last block of data, to be skipped. */
  #padding = 0;
  #zeroBlocks = 0;
  #members = 0;
  #extension = { type: '', pieces: [] as Buffer[] };
  #global: Attributes = new Map();
  #next: Attributes = new Map();

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws FosterError for whatever is wrong with the archive; the reader is of no use then */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length && this.#state !== 'end') {
      if (this.#state === 'header') {
        at += this.#takeHeader(piece, at);
        continue;
      }
      const taken = Math.min(this.#left, piece.length - at);
      this.#takeBody(piece.subarray(at, at + taken));
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

  #takeHeader(piece: Buffer, at: number): number {
    if (this.#partial.length === 0 && piece.length - at >= BLOCK) {
      this.#header(piece, at);
      return BLOCK;
    }
    const taken = Math.min(BLOCK - this.#partial.length, piece.length - at);
    this.#partial = Buffer.concat([this.#partial, piece.subarray(at, at + taken)]);
    if (this.#partial.length === BLOCK) {
      const block = this.#partial;
      this.#partial = Buffer.alloc(0);
      this.#header(block, 0);
    }
    return taken;
  }

  #takeBody(piece: Buffer): void {
    if (this.#state === 'data') this.#sink.data(piece);
    if (this.#state === 'extension') this.#extension.pieces.push(Buffer.from(piece));
  }

  #endBody(): void {
    const ended = this.#state;
    this.#state = 'header';
    if (ended === 'data') this.#sink.endOfMember();
    if (ended === 'extension') this.#endExtension();
    if (ended !== 'padding' && this.#padding > 0) {
      this.#state = 'padding';
      this.#left = this.#padding;
    }
  }

  #header(block: Buffer, at: number): void {
    if (isZero(block, at)) {
      if (++this.#zeroBlocks === 2) this.#state = 'end';
      return;
    }
    this.#zeroBlocks = 0;
    const header = this.#decode(block, at);
    const type = String.fromCharCode(block[at + 156] ?? 0);
    if ('xgLK'.includes(type)) {
      this.#beginExtension(type, header.size ?? 0);
      return;
    }
    const member = this.#toMember(block, at, header, type);
    this.#next = new Map();
    this.#members++;
    this.#sink.member(member);
    this.#begin('data', member.size);
    if (member.size === 0) this.#endBody();
  }

  #begin(state: 'data' | 'extension', size: number): void {
    this.#state = state;
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  #decode(block: Buffer, at: number): Header {
    let header: Header;
    try {
      header = new Header(block, at);
    } catch {
      // a number that is none
      throw this.#corrupt();
    }
    if (!header.cksumValid) throw this.#corrupt();
    return header;
  }

  #corrupt(): FosterError {
    return this.#members === 0
      ? new FosterError('it is not a tar archive')
      : new FosterError(`the tar archive is corrupt after its member number ${this.#members}`);
  }

  #beginExtension(type: string, size: number): void {
    if (size > MAX_EXTENSION) {
      throw new FosterError(`the tar archive has an extended header of ${size} bytes, more than 1 MiB`);
    }
    this.#extension = { type, pieces: [] };
    this.#begin('extension', size);
    if (size === 0) this.#endBody();
  }

  #endExtension(): void {
    const content = Buffer.concat(this.#extension.pieces).toString('latin1');
    const { type } = this.#extension;
    this.#extension = { type: '', pieces: [] };
    if (type === 'L') this.#next.set('path', upToNul(content));
    else if (type === 'K') this.#next.set('linkpath', upToNul(content));
    else
      for (const [key, value] of paxRecords(content))
        (type === 'g' ? this.#global : this.#next).set(key, value);
  }

  #toMember(block: Buffer, at: number, header: Header, flag: string): Member {
    // An empty value means that the attribute is not set. A name for all members makes no sense.
    const attribute = (key: string) => this.#next.get(key) || undefined;
    const number = (key: string, otherwise: number | undefined) => {
      const text = attribute(key) ?? (this.#global.get(key) || undefined);
      if (text === undefined) return otherwise;
      if (!/^-?\d+(\.\d*)?$/.test(text)) throw this.#corrupt();
      return Number(text);
    };
    const name = attribute('path') ?? nameOf(block, at);
    const isDirectory = name.endsWith('/') && TYPES[flag] === 'file'; // of before POSIX
    const type = isDirectory ? 'directory' : TYPES[flag];
    if (flag === 'S' || [...this.#next.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
      throw new FosterError(`the tar member ${shown(name)} is a sparse file, which foster does not read`, {
        advice: 'make the archive without --sparse',
      });
    }
    if (type === undefined) {
      throw new FosterError(`the tar member ${shown(name)} is of the unknown type ${shown(flag)}`);
    }
    const size = number('size', header.size);
    const mtime = number('mtime', (header.mtime?.getTime() ?? 0) / 1000);
    const [uid, gid] = [number('uid', header.uid) ?? 0, number('gid', header.gid) ?? 0];
    if (size === undefined || !Number.isSafeInteger(size) || size < 0 || !isId(uid) || !isId(gid)) {
      throw this.#corrupt();
    }
    return {
      name,
      type,
      target: attribute('linkpath') ?? text(block, at + 157, 100),
      mode: (header.mode ?? 0o644) & 0o7777,
      uid,
      gid,
      // Only files have data, whatever the header says: POSIX, "pax", the size field of ustar.
      size: type === 'file' ? size : 0,
      mtime: mtime === undefined || !Number.isFinite(mtime) ? 0 : mtime,
      xattrs: this.#xattrs(),
    };
  }

  #xattrs(): Map<string, string> {
    const prefix = 'SCHILY.xattr.';
    const found = new Map<string, string>();
    for (const [key, value] of this.#next) {
      if (key.startsWith(prefix)) found.set(key.slice(prefix.length), value);
    }
    return found;
  }
}

function isId(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 0xffffffff;
}

function isZero(block: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

function upToNul(content: string): string {
  const end = content.indexOf('\0');
  return end < 0 ? content : content.slice(0, end);
}

function text(block: Buffer, at: number, size: number): string {
  return upToNul(block.toString('latin1', at, at + size));
}

/** POSIX splits a name of over 100 bytes in two; GNU has other things in the second field. */
function nameOf(block: Buffer, at: number): string {
  const name = text(block, at, 100);
  if (block.toString('latin1', at + 257, at + 263) !== 'ustar\0') return name;
  const prefix = text(block, at + 345, block[at + 475] === 0 ? 130 : 155);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** `LENGTH KEY=VALUE\n`, LENGTH being that of all of it: POSIX, "pax Extended Header". */
function paxRecords(content: string): Attributes {
  const records: Attributes = new Map();
  for (let at = 0; at < content.length && content[at] !== '\0'; ) {
    const digits = /^\d{1,7} /.exec(content.slice(at, at + 8))?.[0];
    const length = Number(digits);
    const equals = content.indexOf('=', at);
    const isWhole = digits !== undefined && length > 0 && content[at + length - 1] === '\n';
    if (!isWhole || equals < at + digits.length || equals >= at + length) {
      throw new FosterError('the tar archive has a corrupt extended header');
    }
    records.set(content.slice(at + digits.length, equals), content.slice(equals + 1, at + length - 1));
    at += length;
  }
  return records;
}
