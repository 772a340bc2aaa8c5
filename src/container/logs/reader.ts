import { closeSync, fstatSync, readSync } from 'node:fs';
import { findHeader, HEADER_SIZE, isHeader, type LogFile, lengthAt, openLogFiles } from './files.js';

/** 1 is standard output, 2 standard error. */
export type LogStream = 1 | 2;

/** The frame of some bytes. The time is in two halves, since a bigint for each frame would be slow. */
export interface Frame {
  stream: LogStream;
  /** Nanoseconds since 1970: high * 2^32 + low. */
  low: number;
  high: number;
}

/** Receives the container's output. */
export interface LogSink {
  /**
   * Receives the bytes from `start` to `end`, of one frame or a part of it. They are valid until `flush`; the sink may
   * overwrite the buffer before `end`.
   */
  take(frame: Frame, buffer: Buffer, start: number, end: number): void;
  /** Called before the buffer is reused. */
  flush(): void;
}

/** The position of a byte in a log. */
export interface LogPosition {
  file: LogFile;
  /** Offsets in the file: of its frame and of the byte. */
  frame: number;
  byte: number;
}

/** Where to start each stream; undefined for the start of the log. */
export type LogStart = Partial<Record<LogStream, LogPosition>>;

/** How much is read at once: larger chunks exceed the processor's cache. */
const CHUNK = 1024 * 1024;
/** Maximum number of open files to read; they stay on the disk even if they are rotated away. */
const MAX_WAITING = 64;

/**
 * Reads a container's log from its oldest file to its newest, and continues when there is more. Rotations do not matter
 * to the caller: open files stay the same, whatever their names become.
 */
export class LogReader {
  readonly #folder: string;
  readonly #sink: LogSink;
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);
  readonly #files: LogFile[];
  #start: LogStart = {};
  /** Position of the next read in the first file. */
  #offset = 0;
  /** Remaining bytes of the current frame. */
  #left = 0;
  readonly #frame: Frame = { stream: 1, low: 0, high: 0 };

  /** @param folder of the container */
  constructor(folder: string, sink: LogSink) {
    this.#folder = folder;
    this.#sink = sink;
    this.#files = openLogFiles(folder);
  }

  /** The open files, oldest first. The caller must not close them. */
  get files(): readonly LogFile[] {
    return this.#files;
  }

  /** Starts there instead of at the start of the log. Must be called before reading. */
  startAt(start: LogStart): void {
    this.#start = start;
    const positions = [start[1], start[2]].flatMap((position) => position ?? []);
    if (positions.length < 2) return; // one stream starts at the start of the log, so everything must be read
    const place = ({ file, frame }: LogPosition) => [this.#files.indexOf(file), frame] as const;
    const [first = [0, 0] as const] = positions.map(place).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (let dropped = 0; dropped < first[0]; dropped++) this.#closeFirst();
    this.#offset = first[1];
  }

  /** As `readPiece`, until there is no more. */
  read(options: { follow: boolean }): boolean {
    let isAny = false;
    while (this.readPiece(options)) isAny = true;
    return isAny;
  }

  /**
   * Reads a piece. Returns whether there was anything.
   * @param follow whether to read to the current end, including new files; otherwise to the end at the time of opening
   */
  readPiece(options: { follow: boolean }): boolean {
    for (;;) {
      if (options.follow) this.#findNewer();
      const isLast = this.#files.length <= 1;
      if (this.#readChunk(options)) return true;
      if (isLast) return false;
      // It had a successor before its end was reached, so nothing will be added to it, not even to an incomplete frame.
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
    if (this.#files.length >= MAX_WAITING) return;
    this.#files.push(...openLogFiles(this.#folder, this.#files.at(-1)?.inode));
  }

  #readChunk({ follow }: { follow: boolean }): boolean {
    const [file] = this.#files;
    if (file === undefined) return false;
    // a frame that was being written when the log was opened is read completely
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

  /** When the disk is full, the monitor truncates a partially written frame. */
  #heedTruncation(file: LogFile): void {
    const { size } = fstatSync(file.fd);
    if (size >= this.#offset) return;
    this.#offset = size;
    this.#left = 0;
  }

  /** Returns how many bytes were processed. */
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
    if (index > 0) return; // it starts in a later file
    const skipped = index < 0 ? 0 : Math.max(begin.byte - (this.#offset + start), 0);
    if (start + skipped >= end) return;
    delete this.#start[stream];
    this.#sink.take(this.#frame, this.#buffer, start + skipped, end);
  }
}
