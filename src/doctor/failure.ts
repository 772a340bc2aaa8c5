import { errnoName, errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';
import type { Failure, Mend } from './check.js';

/** An error of a probe as plain data. */
export function failureOf(error: unknown): Failure {
  const errno = errnoBehind(error);
  const advice = error instanceof FosterError ? error.advice : undefined;
  return {
    message: error instanceof Error ? error.message : String(error),
    ...(advice !== undefined && { advice }),
    ...(errno !== undefined && { errno }),
  };
}

/** The name of the errno that caused an error; undefined if none did. */
function errnoBehind(error: unknown): string | undefined {
  if (error instanceof SystemCallError) return errnoName(error.errno);
  const own = errnoOf(error);
  if (own !== undefined) return own;
  return error instanceof Error && error.cause !== undefined ? errnoBehind(error.cause) : undefined;
}

/** The advice of an error; what is for root to type is a command. */
export function mendOf(advice: string): Mend {
  const [, command] = /^as root: (.*)$/.exec(advice) ?? [];
  return command === undefined ? { who: 'you', advice } : { who: 'root', command };
}
