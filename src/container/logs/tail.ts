import { readSync } from 'node:fs';
import { findHeader, HEADER_SIZE, isHeader, type LogFile, lengthAt } from './files.js';
import type { LogPosition, LogStart, LogStream } from './reader.js';

/** Files are gone through backwards in segments of this size or the longest frame. */
const SEGMENT = 256 * 1024;
/** Where frames are as long as this, only their heads are read. */
const LONG_FRAME = 16 * 1024;
const NEWLINE = 10;

/**
 * Where the last `count` lines of a log begin, those of both streams together, in the order of their ends. A line begins
 * where its stream's one before has ended, which may be before other lines of the other stream; so each stream has its
 * own start. A line that has no end yet counts too.
 *
 * Frames can only be followed forwards: where a head stands cannot be told from the data, since the container might
 * have written what looks like one. So the heads of a file are followed first, and its data read backwards from its end.
 * That is where it was when the file was opened: a container may write faster than its log can be gone through.
 */
export function findTail(files: readonly LogFile[], count: number): LogStart {
  const search = new TailSearch(count);
  for (const file of files.toReversed()) {
    const { starts, end } = findSegments(file);
    for (let index = starts.length - 1; index >= 0; index--) {
      const from = starts[index] ?? 0;
      if (searchSegment(search, file, from, starts[index + 1] ?? end)) return search.start;
    }
  }
  return search.start;
}

/** Offsets of frames that begin about a segment apart from each other, and the end of the last. */
function findSegments(file: LogFile): { starts: number[]; end: number } {
  const buffer = Buffer.allocUnsafeSlow(SEGMENT);
  const starts: number[] = [];
  let next = 0; // the start of a segment is due from here on
  let offset = 0;
  for (let length = 0; ; ) {
    const wanted = Math.min(length >= LONG_FRAME ? HEADER_SIZE : SEGMENT, Math.max(file.size - offset, 0));
    const size = readSync(file.fd, buffer, 0, wanted, offset);
    if (size < HEADER_SIZE) return { starts, end: offset + size }; // or at the end of a frame that was just written
    let at = 0;
    while (at + HEADER_SIZE <= size) {
      if (!isHeader(buffer, at)) {
        at = findHeader(buffer, at + 1, size);
        length = 0;
        continue;
      }
      if (offset + at >= next) {
        starts.push(offset + at);
        next = offset + at + SEGMENT;
      }
      length = lengthAt(buffer, at);
      at += HEADER_SIZE + length;
    }
    offset += at;
  }
}

/** Returns whether the search is over. */
function searchSegment(search: TailSearch, file: LogFile, from: number, to: number): boolean {
  const buffer = Buffer.allocUnsafeSlow(to - from);
  const size = readSync(file.fd, buffer, 0, buffer.length, from);
  const frames: number[] = [];
  for (let at = 0; at + HEADER_SIZE <= size; ) {
    if (!isHeader(buffer, at)) {
      at = findHeader(buffer, at + 1, size);
      continue;
    }
    frames.push(at);
    at += HEADER_SIZE + lengthAt(buffer, at);
  }
  for (const at of frames.reverse()) {
    const data = buffer.subarray(at + HEADER_SIZE, Math.min(at + HEADER_SIZE + lengthAt(buffer, at), size));
    if (search.frame(buffer[at + 12] as LogStream, data, { file, frame: from + at, byte: 0 })) return true;
  }
  return false;
}

/** Is shown the frames of a log from the last to the first. */
class TailSearch {
  start: LogStart = {};
  #lines = 0;
  readonly #count: number;
  readonly #seen = new Set<LogStream>();
  /** The stream whose start is still to be found; undefined while lines are counted. */
  #wanted: LogStream | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  /** @returns whether all is known */
  frame(stream: LogStream, data: Buffer, place: LogPosition): boolean {
    if (data.length === 0) return false;
    const position = (at: number) => ({ ...place, byte: place.frame + HEADER_SIZE + at });
    if (this.#wanted !== undefined) {
      const newline = stream === this.#wanted ? data.lastIndexOf(NEWLINE) : -1;
      if (newline < 0) return false;
      this.start[stream] = position(newline + 1);
      return true;
    }
    const isOpen = !this.#seen.has(stream) && data[data.length - 1] !== NEWLINE;
    // Of a stream that ends here, the bytes after this frame are none.
    if (isOpen && ++this.#lines > this.#count) return this.#end(stream, position(data.length));
    this.#seen.add(stream);
    for (let at = data.lastIndexOf(NEWLINE); at >= 0; at = at > 0 ? data.lastIndexOf(NEWLINE, at - 1) : -1) {
      if (++this.#lines > this.#count) return this.#end(stream, position(at + 1));
    }
    return false;
  }

  /** One line more than is wanted ends at this position: the wanted ones end after it. */
  #end(stream: LogStream, position: LogPosition): boolean {
    const other = stream === 1 ? 2 : 1;
    this.start[stream] = position;
    if (this.#seen.has(other)) this.#wanted = other;
    else this.start[other] = position; // it has nothing after this
    return this.#wanted === undefined;
  }
}
