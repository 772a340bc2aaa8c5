import { FosterError } from '../../sys/errors.js';
import type { DefaultEnv } from '../request.js';
import { flagError, quoted } from './flag.js';

/** The caller's environment, such as `process.env`. */
export type Environment = Record<string, string | undefined>;

/**
 * Parses a `-e` value, `NAME=value`. A bare NAME takes the caller's value or, if the caller has none, sets nothing, as in
 * Docker. `NAME*` takes all variables of the caller whose names begin with NAME, as in Podman.
 * @throws FosterError
 */
export function parseEnv(value: string, caller: Environment): string[] {
  const equals = value.indexOf('=');
  if (value === '' || equals === 0) throw flagError('-e', value, 'expected NAME=value or NAME');
  if (equals > 0) return [value];
  return value.endsWith('*') ? callersEnv(caller, value.slice(0, -1)) : callersVariable(caller, value);
}

/** The caller's variables whose names begin with `prefix`. */
export function callersEnv(caller: Environment, prefix: string): string[] {
  return Object.entries(caller).flatMap(([name, value]) =>
    value !== undefined && name.startsWith(prefix) ? [`${name}=${value}`] : [],
  );
}

/** The caller's variable of that name, if it is set. */
export function callersVariable(caller: Environment, name: string): string[] {
  return Object.hasOwn(caller, name) && caller[name] !== undefined ? [`${name}=${caller[name]}`] : [];
}

/**
 * Changes the variables that a container has by default.
 * @param wanted `merge`: `NAME=value`, where `$NAME` and `${NAME}` stand for variables of `defaults`
 */
export function changeDefaultEnv(
  defaults: string[],
  { merge, unset, unsetAll }: Omit<DefaultEnv, 'fromCaller'>,
): string[] {
  if (unsetAll) return [];
  const values = new Map(
    defaults.map((variable) => [nameOf(variable), variable.slice(nameOf(variable).length + 1)]),
  );
  for (const one of merge) {
    const name = nameOf(one);
    if (!values.has(name)) continue; // as in Podman, it only changes existing variables
    const text = one.slice(name.length + 1);
    values.set(
      name,
      text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, bare, braced) => values.get(bare ?? braced) ?? ''),
    );
  }
  for (const name of unset) values.delete(name);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

function nameOf(variable: string): string {
  return variable.slice(0, variable.indexOf('='));
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
    variables.push(...(equals < 0 ? parseEnv(name, caller) : [line]));
  });
  return variables;
}

/** `NAME=value` lists merged: a name keeps its first place and takes its last value. */
export function mergeEnv(...lists: string[][]): string[] {
  const merged = new Map<string, string>();
  for (const variable of lists.flat()) {
    merged.set(nameOf(variable), variable);
  }
  return [...merged.values()];
}
