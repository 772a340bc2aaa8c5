import { readSync } from 'node:fs';
import { findHeader, HEADER_SIZE, isHeader, type LogFile, lengthAt } from './files.js';
import type { LogPosition, LogStart, LogStream } from './reader.js';

/** Files are read backwards in segments of this size, or of the longest frame. */
const SEGMENT = 256 * 1024;
/** For frames of at least this size, only headers are read. */
const LONG_FRAME = 16 * 1024;
const NEWLINE = 10;

/**
 * Finds the last `count` lines of a log, counting both streams in the order of their line ends. A line starts where the
 * previous line of its stream ended, which may be before lines of the other stream; so each stream has its own start.
 * An unfinished line counts too.
 *
 * Frames can only be found forwards: a header cannot be recognized in the data, since the container might have written
 * what looks like one. So the headers of a file are read first, and then its data backwards from its end. The end is
 * the one at the time of opening: a container may write faster than its log can be read.
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

/** Offsets of frames about a segment apart, and the end of the last frame. */
function findSegments(file: LogFile): { starts: number[]; end: number } {
  const buffer = Buffer.allocUnsafeSlow(SEGMENT);
  const starts: number[] = [];
  let next = 0; // the next segment starts here or later
  let offset = 0;
  for (let length = 0; ; ) {
    const wanted = Math.min(length >= LONG_FRAME ? HEADER_SIZE : SEGMENT, Math.max(file.size - offset, 0));
    const size = readSync(file.fd, buffer, 0, wanted, offset);
    if (size < HEADER_SIZE) return { starts, end: offset + size }; // or the end of a frame that was just written
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

/** Searches the frames of a log from the last to the first. */
class TailSearch {
  start: LogStart = {};
  #lines = 0;
  readonly #count: number;
  readonly #seen = new Set<LogStream>();
  /** The stream whose start has not been found; undefined while lines are counted. */
  #wanted: LogStream | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  /** @returns whether the search is over */
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
    // If a stream ends here, it has no bytes after this frame.
    if (isOpen && ++this.#lines > this.#count) return this.#end(stream, position(data.length));
    this.#seen.add(stream);
    for (let at = data.lastIndexOf(NEWLINE); at >= 0; at = at > 0 ? data.lastIndexOf(NEWLINE, at - 1) : -1) {
      if (++this.#lines > this.#count) return this.#end(stream, position(at + 1));
    }
    return false;
  }

  /** The line before the wanted ones ends at this position. */
  #end(stream: LogStream, position: LogPosition): boolean {
    const other = stream === 1 ? 2 : 1;
    this.start[stream] = position;
    if (this.#seen.has(other)) this.#wanted = other;
    else this.start[other] = position; // it has nothing after that
    return this.#wanted === undefined;
  }
}
