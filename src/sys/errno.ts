import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Not a constant: node:os takes a third of a millisecond to load, and most commands need no number. */
const numbers = (): Readonly<Record<string, number>> => constants.errno;

/** The number of an errno name such as `ENOENT` on this machine: errno(3). @throws Error for an unknown name */
export function errnoNumber(name: string): number {
  const number = numbers()[name];
  if (number === undefined) throw new Error(`${name} is not an errno name`);
  return number;
}

/** The name of an errno, `ENOENT`; `E<number>` for an unknown one. */
export function errnoName(number: number): string {
  const all = numbers();
  for (const name in all) if (all[name] === number) return name;
  return `E${number}`;
}

/**
 * The entry for an errno in a table by errno names, else that of `*`. Some numbers have two names, and either will do:
 * EOPNOTSUPP is ENOTSUP.
 */
export function byErrno<T>(table: Readonly<Record<string, T>> | undefined, number: number): T | undefined {
  for (const [name, entry] of Object.entries(table ?? {})) if (numbers()[name] === number) return entry;
  return table?.['*'];
}

/** An errno in words and by name: `no such file or directory (ENOENT)`. */
export function errnoWords(number: number): string {
  const known = getSystemErrorMap().get(-number);
  const words = EXTRA_WORDS[errnoName(number)] ?? known?.[1] ?? 'unknown error';
  return `${words} (${errnoName(number)})`;
}

/** These are missing in libuv's table, which Node uses, or too special there. */
const EXTRA_WORDS: Readonly<Record<string, string>> = {
  ENOTSUP: 'operation not supported',
  ENOEXEC: 'exec format error',
  EUSERS: 'too many users',
  EBADFD: 'file descriptor in bad state',
  EKEYREVOKED: 'key has been revoked',
  EDQUOT: 'disk quota exceeded',
  ECHILD: 'no child processes',
  ENOTBLK: 'block device required',
  EISDIR: 'is a directory',
};

/** The errno name of an error of node:fs; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** Whether a write has failed because the reader is gone: EPIPE, or ECONNRESET of a socket with unread data. */
export function isReaderGone(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(errnoOf(error) ?? '');
}
