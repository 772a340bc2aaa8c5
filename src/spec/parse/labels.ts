import { FosterError } from '../../sys/errors.js';
import { flagError } from './flag.js';

/**
 * All labels: those in the files of --label-file, one on each line, then those of --label.
 * @param read the text of a file
 * @throws FosterError
 */
export function labelsOf(
  files: string[],
  values: string[],
  read: (file: string) => string,
): Record<string, string> {
  const lines = files.flatMap((file) => read(file).split(/\r?\n/));
  const written = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries([...written, ...values].map((value) => parsePair('--label', value)));
}

/** @throws FosterError */
export function annotationsOf(values: string[]): Record<string, string> {
  const annotations = Object.fromEntries(values.map((value) => parsePair('--annotation', value)));
  const own = Object.keys(annotations).find((key) => key.startsWith('io.foster.'));
  if (own === undefined) return annotations;
  throw new FosterError(`--annotation ${own}: foster itself sets annotations of that name`, {
    kind: 'invalid',
  });
}

/** Whether a value from a file can be labels or options: an object of strings. */
export function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}

function parsePair(flag: string, value: string): [string, string] {
  const equals = value.indexOf('=');
  const key = equals < 0 ? value : value.slice(0, equals);
  if (key === '') throw flagError(flag, value, 'expected KEY=VALUE or KEY');
  return [key, equals < 0 ? '' : value.slice(equals + 1)];
}
