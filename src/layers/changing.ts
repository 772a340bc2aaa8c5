import { errnoOfAny } from '../sys/ffi.js';

/** What calls say of a file that has been removed or moved, or that is, or is in, something else than it was. */
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ESTALE'];

/**
 * A look at a tree that a container may be changing. undefined where what is looked at is gone, or has become another
 * kind of file, since its name was read: it is as good as never seen.
 * @param more errors that mean the same of this call
 * @throws what `look` throws otherwise
 */
export function unlessGone<T>(look: () => T, more: readonly string[] = []): T | undefined {
  try {
    return look();
  } catch (error) {
    const code = errnoOfAny(error) ?? '';
    if (GONE.includes(code) || more.includes(code)) return undefined;
    throw error;
  }
}
