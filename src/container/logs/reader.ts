import { closeSync, fstatSync, readSync } from 'node:fs';
import { findHeader, HEADER_SIZE, isHeader, type LogFile, lengthAt, openLogFiles } from './files.js';

/** 1 is standard output, 2 standard error. */
export type LogStream = 1 | 2;

/** Of which frame the bytes are. The time in two halves: a bigint for each frame would cost more than all else. */
export interface Frame {
  stream: LogStream;
  /** Nanoseconds since 1970: high * 2^32 + low. */
  low: number;
  high: number;
}

/** Takes what the container wrote. */
export interface LogSink {
  /**
   * The bytes from `start` to `end`, of one frame or a part of it. They are lent until `flush`; what is before `end` in
   * the buffer is the sink's to overwrite.
   */
  take(frame: Frame, buffer: Buffer, start: number, end: number): void;
  /** The bytes lent so far are about to change. */
  flush(): void;
}

/** A byte of a log. */
export interface LogPosition {
  file: LogFile;
  /** Of the frame that it is in, and its own: offsets in the file. */
  frame: number;
  byte: number;
}

/** Where each stream begins; undefined: at the start of the log. */
export type LogStart = Partial<Record<LogStream, LogPosition>>;

/** As much is read at once: larger ones leave the processor's cache. */
const CHUNK = 1024 * 1024;
/** So many files may wait to be read; they stay on the disk for us even when they are rotated away. */
const MOST_WAITING = 64;

/**
 * Reads a container's log from its oldest file to its newest, and goes on where it stopped when there is more. Rotation
 * is no concern of the caller's: open files stay what they are, whatever their names become.
 */
export class LogReader {
  readonly #folder: string;
  readonly #sink: LogSink;
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);
  readonly #files: LogFile[];
  #start: LogStart = {};
  /** Of the first file of the list: where the next read begins. */
  #offset = 0;
  /** Bytes that are still to come of it. */
  #left = 0;
  readonly #frame: Frame = { stream: 1, low: 0, high: 0 };

  /** @param folder of the container */
  constructor(folder: string, sink: LogSink) {
    this.#folder = folder;
    this.#sink = sink;
    this.#files = openLogFiles(folder);
  }

  /** The files that it has open, oldest first. Not to be closed. */
  get files(): readonly LogFile[] {
    return this.#files;
  }

  /** Begins there instead of at the start. To be called before anything is read. */
  startAt(start: LogStart): void {
    this.#start = start;
    const positions = [start[1], start[2]].flatMap((position) => position ?? []);
    if (positions.length < 2) return; // one stream begins at the start, so that all is to be read
    const place = ({ file, frame }: LogPosition) => [this.#files.indexOf(file), frame] as const;
    const [first = [0, 0] as const] = positions.map(place).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (let dropped = 0; dropped < first[0]; dropped++) this.#closeFirst();
    this.#offset = first[1];
  }

  /** As `readPiece`, all that there is. */
  read(options: { follow: boolean }): boolean {
    let isAny = false;
    while (this.readPiece(options)) isAny = true;
    return isAny;
  }

  /**
   * Reads on, a piece. Returns whether there was anything.
   * @param follow to the end of what is there now, files that a rotation has begun meanwhile included; else to what was
   * the end when the log was opened
   */
  readPiece(options: { follow: boolean }): boolean {
    for (;;) {
      if (options.follow) this.#findNewer();
      const isLast = this.#files.length <= 1;
      if (this.#readChunk(options)) return true;
      if (isLast) return false;
      // It had a successor before we found its end, so nothing will be added to it: a frame that is not whole stays so.
      this.#closeFirst();
      this.#offset = 0;
      this.#left = 0;
    }
  }

  close(): void {
    while (this.#files.length > 0) this.#closeFirst();
  }

  #closeFirst(): void {
    const file = this.#files.shift();
    if (file !== undefined) closeSync(file.fd);
  }

  #findNewer(): void {
    if (this.#files.length >= MOST_WAITING) return;
    this.#files.push(...openLogFiles(this.#folder, this.#files.at(-1)?.inode));
  }

  #readChunk({ follow }: { follow: boolean }): boolean {
    const [file] = this.#files;
    if (file === undefined) return false;
    // a frame that was being written when the log was opened is read to its end
    const left = follow ? CHUNK : Math.max(file.size - this.#offset, this.#left);
    const size = left <= 0 ? 0 : readSync(file.fd, this.#buffer, 0, Math.min(CHUNK, left), this.#offset);
    if (size === 0) {
      if (follow) this.#heedTruncation(file);
      return false;
    }
    const end = this.#parse(size);
    this.#sink.flush();
    this.#offset += end;
    return end > 0;
  }

  /** A full disk makes the monitor take back a frame of which only the start could be written. */
  #heedTruncation(file: LogFile): void {
    const { size } = fstatSync(file.fd);
    if (size >= this.#offset) return;
    this.#offset = size;
    this.#left = 0;
  }

  /** Returns how many bytes are done with. */
  #parse(size: number): number {
    const buffer = this.#buffer;
    let at = Math.min(this.#left, size);
    if (at > 0) {
      this.#left -= at;
      this.#give(0, at);
    }
    while (at + HEADER_SIZE <= size) {
      if (!isHeader(buffer, at)) {
        at = findHeader(buffer, at + 1, size);
        continue;
      }
      const length = lengthAt(buffer, at);
      const start = at + HEADER_SIZE;
      const end = Math.min(start + length, size);
      const frame = this.#frame;
      frame.low = buffer.readUInt32LE(at);
      frame.high = buffer.readUInt32LE(at + 4);
      frame.stream = buffer[at + 12] as LogStream;
      this.#left = start + length - end;
      if (end > start) this.#give(start, end);
      at = end;
    }
    return at;
  }

  #give(start: number, end: number): void {
    const { stream } = this.#frame;
    const begin = this.#start[stream];
    if (begin === undefined) {
      this.#sink.take(this.#frame, this.#buffer, start, end);
      return;
    }
    const index = this.#files.indexOf(begin.file);
    if (index > 0) return; // it begins in a later file
    const skipped = index < 0 ? 0 : Math.max(begin.byte - (this.#offset + start), 0);
    if (start + skipped >= end) return;
    delete this.#start[stream];
    this.#sink.take(this.#frame, this.#buffer, start + skipped, end);
  }
}
