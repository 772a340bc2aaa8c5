import { errnoNumber, errnoOf, errnoWords } from './errno.js';
import { FosterError } from './errors.js';

/**
 * A FosterError that says what failed, `cannot export volume data`, and why: for a FosterError its message and advice, for
 * an error of node:fs the errno in words. Other errors are returned unchanged, because they are bugs.
 * @param exitCode the exit code; that of `error` by default
 */
export function about(what: string, error: unknown, exitCode?: number): unknown {
  if (error instanceof FosterError) {
    const { message, advice, kind } = error;
    return new FosterError(`${what}: ${message}`, {
      kind,
      exitCode: exitCode ?? error.exitCode,
      cause: error,
      ...(advice !== undefined && { advice }),
    });
  }
  const code = errnoOf(error);
  if (code === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(`${what}: ${errnoWords(errnoNumber(code))}`, {
    cause: error,
    ...(exitCode !== undefined && { exitCode }),
    ...(isFull && { advice: 'free some space on that disk' }),
  });
}
