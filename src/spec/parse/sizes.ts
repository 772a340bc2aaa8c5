import { flagError } from './flag.js';

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/**
 * Parses a size, and returns bytes: `1048576`, `512m`, `1.5g`, `64KiB`. Units are powers of 1024 and their case does
 * not matter, as for Docker's --memory and --shm-size.
 * @throws FosterError that names `flag`
 */
export function parseSize(flag: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/.exec(value.toLowerCase());
  if (match === null) throw flagError(flag, value, 'expected a size such as 1048576, 512m or 1g');
  const [, amount = '', unit = ''] = match;
  const bytes = Math.floor(Number(amount) * 1024 ** UNITS.indexOf(unit));
  if (!Number.isSafeInteger(bytes)) throw flagError(flag, value, 'the size is too large');
  return bytes;
}
