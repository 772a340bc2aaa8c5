import { flagError } from './flag.js';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/**
 * Parses a `--detach-keys` value: letters, and `ctrl-` with a letter or one of `@[\]^_`, separated by commas; '' for
 * none.
 * @returns the bytes that a terminal sends for them
 * @throws FosterError
 */
export function parseDetachKeys(value: string): Buffer {
  if (value === '') return Buffer.alloc(0);
  const bytes = value.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    const code = control === undefined ? key.charCodeAt(0) : control.toUpperCase().charCodeAt(0) - 64;
    // NUL marks the end of the sequence
    if ((control === undefined && key.length !== 1) || code > 127 || code === 0) {
      throw flagError('--detach-keys', value, 'expected keys such as ctrl-p,ctrl-q or a,b');
    }
    return code;
  });
  return Buffer.from(bytes);
}
