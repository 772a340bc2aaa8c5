import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const NUMBERS: Readonly<Record<string, number>> = constants.errno;

/** The number of an errno name such as `ENOENT` on this machine (errno(3)). Throws on a name that is not one. */
export function errnoNumber(name: string): number {
  const number = NUMBERS[name];
  if (number === undefined) throw new Error(`${name} is not an errno name`);
  return number;
}

/** The name of an errno, `ENOENT`; `E<number>` for one that this machine's table does not have. */
export function errnoName(number: number): string {
  for (const [name, value] of Object.entries(NUMBERS)) {
    if (value === number) return name;
  }
  return `E${number}`;
}

/** An errno in words and by name: `no such file or directory (ENOENT)`. */
export function errnoWords(number: number): string {
  const known = getSystemErrorMap().get(-number);
  const words = known?.[1] ?? EXTRA_WORDS[errnoName(number)] ?? 'unknown error';
  return `${words} (${errnoName(number)})`;
}

/** libuv's table, which Node shows, lacks these. */
const EXTRA_WORDS: Readonly<Record<string, string>> = {
  ENOEXEC: 'exec format error',
  EUSERS: 'too many users',
  EBADFD: 'file descriptor in bad state',
  EKEYREVOKED: 'key has been revoked',
  EDQUOT: 'disk quota exceeded',
  ECHILD: 'no child processes',
  ENOTBLK: 'block device required',
};

/** The errno of an error that Node's fs functions throw, or undefined for another kind of error. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** Whether a write has failed since nobody reads any more: a socket with something unread in it says so in its own way. */
export function isReaderGone(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(errnoOf(error) ?? '');
}
