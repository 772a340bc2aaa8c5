import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../sys/errno.js';

/**
 * The files of a container's log: `log` is the one that the monitor appends to, `log.1` the one before, and so on. A
 * rotation renames each to the next number, from the highest down (src/init/log.c).
 */
export interface LogFile {
  fd: number;
  /** Tells it from the others, whatever they are called: no file gets the number of one that is open. */
  inode: number;
  /** Its size when it was opened; more may have come since. */
  size: number;
}

const MOST_FILES = 10_000;

/**
 * Opens the files that are there, oldest first, from the one after the file with inode `after` on. They are opened from
 * the newest to the oldest, the way that a rotation moves them, so that one which comes meanwhile hides none.
 */
export function openLogFiles(folder: string, after?: number): LogFile[] {
  const found: LogFile[] = [];
  // In the middle of a rotation one name is free: so it takes two to say that there are no more.
  for (let index = 0, missing = 0; missing < 2 && index < MOST_FILES; index++) {
    const file = openLogFile(join(folder, index === 0 ? 'log' : `log.${index}`));
    if (file === undefined) {
      missing++;
      continue;
    }
    missing = 0;
    if (file.inode === found.at(-1)?.inode) {
      closeSync(file.fd); // it was renamed while we went on to its new name
      continue;
    }
    if (file.inode === after) {
      closeSync(file.fd);
      break;
    }
    found.push(file);
  }
  return found.reverse();
}

function openLogFile(path: string): LogFile | undefined {
  try {
    const fd = openSync(path, 'r');
    const { ino, size } = fstatSync(fd);
    return { fd, inode: ino, size };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The head of a frame, docs/state.md: u64 nanoseconds since 1970, u32 length, u8 stream, three zero bytes. */
export const HEADER_SIZE = 16;

/** The monitor's frames are smaller by far (LOG_CHUNK in src/init). */
const LONGEST_FRAME = 16 * 1024 * 1024;

/** Whether a frame's head may be at `at`; there must be HEADER_SIZE bytes. */
export function isHeader(buffer: Buffer, at: number): boolean {
  const stream = buffer[at + 12];
  if (stream !== 1 && stream !== 2) return false;
  if (buffer[at + 13] !== 0 || buffer[at + 14] !== 0 || buffer[at + 15] !== 0) return false;
  const length = lengthAt(buffer, at);
  return length > 0 && length <= LONGEST_FRAME;
}

export function lengthAt(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 8);
}

/**
 * Where the next frame may begin after a place that a crash or a failing disk has damaged, at `from` or later. Where
 * none does before `end`, where to look on when there are more bytes.
 */
export function findHeader(buffer: Buffer, from: number, end: number): number {
  let at = from;
  while (at + HEADER_SIZE <= end && !isHeader(buffer, at)) at++;
  return at;
}
