import { errnoOfAny } from '../sys/ffi.js';

/** Errors of calls on a file that has been removed, moved or replaced by another kind of file. */
const GONE_CODES = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE'];

/**
 * Reads something in a tree that a container may be changing. Returns undefined if the file has disappeared or become
 * another kind of file since its name was read, as if it had never been seen.
 * @param more further errors that mean the same for this call
 * @throws what `look` throws otherwise
 */
export function unlessGone<T>(look: () => T, more: readonly string[] = []): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = errnoOfAny(error) ?? '';
    if (GONE_CODES.includes(code) || more.includes(code)) return undefined;
    throw error;
  }
}
