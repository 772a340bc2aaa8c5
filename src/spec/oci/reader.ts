import { type ErrorKind, FosterError } from '../../sys/errors.js';
import { quoted } from '../parse/flag.js';

/** Functions that validate parts of a JSON document. They can be combined. */

/** The error for an invalid config.json: a JSON path such as `linux.namespaces[2].type`, and a sentence. */
export function configError(path: string, problem: string, advice?: string): FosterError {
  return failure(path, problem, { kind: 'invalid', ...(advice !== undefined && { advice }) });
}

/** The error for a valid config.json that foster does not support. */
export function unsupported(path: string, problem: string): FosterError {
  return failure(path, problem, { kind: 'unsupported' });
}

function failure(path: string, problem: string, options: { kind: ErrorKind; advice?: string }): FosterError {
  return new FosterError(`${path === '' ? '' : `${path}: `}${problem}`, options);
}

/** A value in the document, and the path to it. */
export interface Part {
  value: unknown;
  path: string;
  /** Paths of unknown members. */
  unknown: string[];
}

/** Validates a part and returns its value. @throws FosterError that names the path */
export type Reader<T> = (part: Part) => T;

/** A reader for each member. */
export type Readers<T> = { [K in keyof T]-?: Reader<NonNullable<T[K]>> };

/**
 * An object with these members. Others are recorded as unknown, because the specification requires ignoring them. Go
 * writes null for an empty member.
 */
export function object<T extends object>(members: Readers<T>, ...required: (keyof T & string)[]): Reader<T> {
  const readers = new Map<string, Reader<unknown>>(Object.entries(members));
  return (part) => {
    const read: Record<string, unknown> = {};
    for (const [name, value] of entriesOf(part)) {
      const reader = readers.get(name);
      const path = part.path === '' ? name : `${part.path}.${name}`;
      if (reader === undefined) part.unknown.push(path);
      else if (value !== null) read[name] = reader({ ...part, value, path });
    }
    for (const name of required) {
      if (!Object.hasOwn(read, name)) throw configError(part.path, `${name} is missing`);
    }
    return read as T;
  };
}

function entriesOf({ value, path }: Part): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw configError(path, `expected an object, not ${kindOf(value)}`);
  return Object.entries(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'string':
      return `the string ${quoted(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`;
    case 'object':
      return 'an object';
    default:
      return String(value);
  }
}

/** An object with arbitrary names. */
export function map<T>(reader: Reader<T>): Reader<Record<string, T>> {
  return (part) =>
    Object.fromEntries(
      entriesOf(part).map(([name, value]) => [
        name,
        reader({ ...part, value, path: `${part.path}[${JSON.stringify(name)}]` }),
      ]),
    );
}

export function list<T>(reader: Reader<T>): Reader<T[]> {
  return (part) => {
    const { value, path } = part;
    if (!Array.isArray(value)) throw configError(path, `expected an array, not ${kindOf(value)}`);
    return value.map((each: unknown, index) => reader({ ...part, value: each, path: `${path}[${index}]` }));
  };
}

/** A string without NUL, because the kernel would cut it off there. */
export const text: Reader<string> = ({ value, path }) => {
  if (typeof value !== 'string') throw configError(path, `expected a string, not ${kindOf(value)}`);
  if (value.includes('\0')) throw configError(path, 'it contains a NUL character');
  return value;
};

export const boolean: Reader<boolean> = ({ value, path }) => {
  if (typeof value !== 'boolean') throw configError(path, `expected true or false, not ${kindOf(value)}`);
  return value;
};

/** A whole number. JSON.parse rounds those above 2^53, which is good enough for limits. */
export function number(min: number, max: number): Reader<number> {
  return ({ value, path }) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
      throw configError(path, `expected a whole number from ${min} to ${max}, not ${kindOf(value)}`);
    return value;
  };
}

export function oneOf<T extends string>(...choices: readonly T[]): Reader<T> {
  return ({ value, path }) => {
    const choice = choices.find((each) => each === value);
    if (choice === undefined)
      throw configError(path, `expected one of ${choices.join(', ')}, not ${kindOf(value)}`);
    return choice;
  };
}

/** A string that matches a pattern. */
export function pattern(expression: RegExp, expected: string): Reader<string> {
  return (part) => {
    const value = text(part);
    if (!expression.test(value)) throw configError(part.path, `expected ${expected}, not ${kindOf(value)}`);
    return value;
  };
}
