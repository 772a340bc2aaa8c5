import { FosterError } from '../../sys/errors.js';
import { flagError, quoted } from './flag.js';

/** The caller's environment, such as `process.env`. */
export type Environment = Record<string, string | undefined>;

/**
 * Parses a `-e` value, `NAME=value`. A bare NAME takes the caller's value; if the caller has none, it is omitted
 * (undefined), as in Docker.
 * @throws FosterError
 */
export function parseEnv(value: string, caller: Environment): string | undefined {
  const equals = value.indexOf('=');
  if (value === '' || equals === 0) throw flagError('-e', value, 'expected NAME=value or NAME');
  if (equals > 0) return value;
  const inherited = caller[value];
  return inherited === undefined ? undefined : `${value}=${inherited}`;
}

/**
 * Parses the variables of an `--env-file`, in order. As in Docker, a line is `NAME=value`, or NAME for the caller's
 * value; empty lines and lines that start with `#` are skipped; quotes, backslashes and other `#` are part of the
 * value.
 * @param file the file's name, for errors
 * @throws FosterError that names the file and the line
 */
export function parseEnvFile(text: string, file: string, caller: Environment): string[] {
  const variables: string[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  lines.forEach((raw, index) => {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) return;
    const where = `--env-file ${quoted(file)}, line ${index + 1}`;
    if (line.includes('\0')) throw new FosterError(`${where}: a variable cannot contain a NUL byte`);
    const equals = line.indexOf('=');
    const name = equals < 0 ? line.trimEnd() : line.slice(0, equals);
    if (name === '') throw new FosterError(`${where}: there is no variable name before '='`);
    if (/\s/.test(name))
      throw new FosterError(`${where}: the variable name ${quoted(name)} contains white space`);
    const variable = equals < 0 ? parseEnv(name, caller) : line;
    if (variable !== undefined) variables.push(variable);
  });
  return variables;
}

/** `NAME=value` lists merged: a name keeps its first place and takes its last value. */
export function mergeEnv(...lists: string[][]): string[] {
  const merged = new Map<string, string>();
  for (const variable of lists.flat()) {
    const equals = variable.indexOf('=');
    merged.set(variable.slice(0, equals), variable);
  }
  return [...merged.values()];
}
