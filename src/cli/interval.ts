import { flagError } from '../spec/parse/flag.js';

/** The shortest interval that is of use, in seconds. */
const LEAST = 0.1;

/** The milliseconds of --interval, which is in seconds: `0.5`. @throws FosterError */
export function parseInterval(value: string): number {
  if (/^\d{1,5}(\.\d{1,3})?$/.test(value) && Number(value) >= LEAST) return Number(value) * 1000;
  throw flagError('--interval', value, `expected a number of seconds, at least ${LEAST}`);
}
