import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../sys/errno.js';

/**
 * A file of a container's log: the monitor appends to `log`, `log.1` is the previous file, and so on. A rotation
 * renames each to the next number, from the highest down (src/init/log.c).
 */
export interface LogFile {
  fd: number;
  /** Identifies the file, whatever its name: inode numbers of open files are not reused. */
  inode: number;
  /** Its size when it was opened; it may have grown since. */
  size: number;
}

const MAX_FILES = 10_000;

/**
 * Opens the existing files, oldest first, starting after the file with inode `after`. They are opened from the newest
 * to the oldest, in the direction of a rotation, so that a concurrent rotation hides none.
 */
export function openLogFiles(folder: string, after?: number): LogFile[] {
  const found: LogFile[] = [];
  // During a rotation one name is missing, so the end is where two are missing.
  for (let index = 0, missing = 0; missing < 2 && index < MAX_FILES; index++) {
    const file = openLogFile(join(folder, index === 0 ? 'log' : `log.${index}`));
    if (file === undefined) {
      missing++;
      continue;
    }
    missing = 0;
    if (file.inode === found.at(-1)?.inode) {
      closeSync(file.fd); // it was renamed meanwhile, and opened again under its new name
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

/** The header of a frame, docs/state.md: u64 nanoseconds since 1970, u32 length, u8 stream, three zero bytes. */
export const HEADER_SIZE = 16;

/** Far larger than the monitor's frames (LOG_CHUNK in src/init). */
const MAX_FRAME = 16 * 1024 * 1024;

/** Whether there can be a header at `at`; HEADER_SIZE bytes must be available. */
export function isHeader(buffer: Buffer, at: number): boolean {
  const stream = buffer[at + 12];
  if (stream !== 1 && stream !== 2) return false;
  if (buffer[at + 13] !== 0 || buffer[at + 14] !== 0 || buffer[at + 15] !== 0) return false;
  const length = lengthAt(buffer, at);
  return length > 0 && length <= MAX_FRAME;
}

export function lengthAt(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 8);
}

/**
 * Finds the next possible header, at `from` or later, after a part that a crash or a failing disk has damaged. If there
 * is none before `end`, returns where to continue when there are more bytes.
 */
export function findHeader(buffer: Buffer, from: number, end: number): number {
  let at = from;
  while (at + HEADER_SIZE <= end && !isHeader(buffer, at)) at++;
  return at;
}
