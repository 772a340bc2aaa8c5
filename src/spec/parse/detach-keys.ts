import { flagError } from './flag.js';

/** The bytes of ctrl-p,ctrl-q, Docker's default. */
const DEFAULT_KEYS = [16, 17];

/**
 * Parses a `--detach-keys` value: letters, and `ctrl-` with a letter or one of `@[\]^_`, separated by commas; '' for
 * none, undefined for the default.
 * @returns the bytes that a terminal sends for them
 * @throws FosterError
 */
export function parseDetachKeys(value: string | undefined): Buffer {
  if (value === undefined) return Buffer.from(DEFAULT_KEYS);
  if (value === '') return Buffer.alloc(0);
  const bytes = value.split(',').map((key) => {
    // not /i, which takes V8 half a millisecond to compile
    const control = /^[Cc][Tt][Rr][Ll]-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
    const code = control === undefined ? key.charCodeAt(0) : control.toUpperCase().charCodeAt(0) - 64;
    // NUL marks the end of the sequence
    if ((control === undefined && key.length !== 1) || code > 127 || code === 0) {
      throw flagError('--detach-keys', value, 'expected keys such as ctrl-p,ctrl-q or a,b');
    }
    return code;
  });
  return Buffer.from(bytes);
}
