import { quoted } from '../../spec/parse/flag.js';
import { isObject, type Json, type Path } from '../json.js';

/** Words for what a schema says about a value. */

/** The path that a JSON pointer is. */
export function pathOf(tree: Json, pointer: string): Path {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  let value: Json | undefined = tree;
  return steps.map((step) => {
    const isList: boolean = Array.isArray(value);
    value = Array.isArray(value) ? value[Number(step)] : isObject(value) ? value[step] : undefined;
    return isList ? Number(step) : step;
  });
}

/** The value at a path; undefined if there is none. */
export function valueAt(tree: Json, path: Path): Json | undefined {
  let value: Json | undefined = tree;
  for (const step of path)
    value = Array.isArray(value) ? value[Number(step)] : isObject(value) ? value[step] : undefined;
  return value;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
  null: 'nothing',
};

/** What a schema allows, in words. */
export function typesIn({ type }: Record<string, unknown>): string[] {
  return [type].flat().map((one) => TYPES[String(one)] ?? String(one));
}

/** `a, b or c` */
export function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** A value, in words. */
export function described(value: Json | undefined): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'a mapping';
  return typeof value === 'string' ? quoted(value) : `the ${typeof value} ${String(value)}`;
}
