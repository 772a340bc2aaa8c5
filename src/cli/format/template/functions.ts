import { templateError } from './parse.js';
import { printf } from './printf.js';
import { asRecord, element, isTrue, show } from './values.js';

type Apply = (args: unknown[]) => unknown;

const MANY = Number.POSITIVE_INFINITY;

/** The minimum and maximum number of arguments, and the function: first those of text/template, then Docker's and Podman's. */
const FUNCTIONS: ReadonlyMap<string, [number, number, Apply]> = new Map<string, [number, number, Apply]>([
  ['and', [1, MANY, (args) => args[stop(args, false)]]],
  ['or', [1, MANY, (args) => args[stop(args, true)]]],
  ['not', [1, 1, ([value]) => !isTrue(value)]],
  ['eq', [2, MANY, ([first, ...others]) => others.some((other) => other === first)]],
  ['ne', [2, 2, ([a, b]) => a !== b]],
  ['lt', [2, 2, ([a, b]) => compare(a, b) < 0]],
  ['le', [2, 2, ([a, b]) => compare(a, b) <= 0]],
  ['gt', [2, 2, ([a, b]) => compare(a, b) > 0]],
  ['ge', [2, 2, ([a, b]) => compare(a, b) >= 0]],
  ['index', [1, MANY, ([value, ...keys]) => keys.reduce(element, value)]],
  ['slice', [1, 3, ([value, from = 0, to]) => slice(value, from, to)]],
  ['len', [1, 1, ([value]) => lengthOf(value)]],
  ['print', [0, MANY, print]],
  ['printf', [1, MANY, ([format, ...args]) => printf(show(format), args)]],
  ['println', [0, MANY, (args) => `${args.map(show).join(' ')}\n`]],
  ['html', [1, MANY, (args) => print(args).replace(/[&<>'"]/g, (mark) => `&#${mark.charCodeAt(0)};`)]],
  ['urlquery', [1, MANY, (args) => encodeURIComponent(print(args)).replaceAll('%20', '+')]],
  ['json', [1, 1, ([value]) => JSON.stringify(value) ?? 'null']],
  ['join', [2, 2, ([list, mark]) => (Array.isArray(list) ? list.map(show).join(show(mark)) : show(list))]],
  ['split', [2, 2, ([text, mark]) => show(text).split(show(mark))]],
  ['lower', [1, 1, ([text]) => show(text).toLowerCase()]],
  ['upper', [1, 1, ([text]) => show(text).toUpperCase()]],
  ['title', [1, 1, ([text]) => show(text).replace(/(^|[^\w'])([a-z])/g, (all) => all.toUpperCase())]],
  ['pad', [3, 3, ([text, before, after]) => pad(show(text), before, after)]],
  ['truncate', [2, 2, ([text, length]) => [...show(text)].slice(0, count('truncate', length)).join('')]],
]);

export const FUNCTION_NAMES: readonly string[] = [...FUNCTIONS.keys()];

/** @throws FosterError for the wrong number or kind of arguments */
export function callFunction(name: string, args: unknown[]): unknown {
  const [least, most, apply] = FUNCTIONS.get(name) ?? [0, 0, () => undefined];
  if (args.length < least || args.length > most)
    throw templateError(`'${name}' is called with ${args.length} arguments`);
  return apply(args);
}

/** The index of the argument that `and` or `or` returns: the first argument that decides, else the last one. */
function stop(args: unknown[], truth: boolean): number {
  const index = args.findIndex((arg) => isTrue(arg) === truth);
  return index < 0 ? args.length - 1 : index;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw templateError(`${show(a)} and ${show(b)} cannot be compared: two numbers or two texts can`);
}

/** fmt.Sprint: adds spaces between two values if neither is a string. */
function print(args: unknown[]): string {
  return args.reduce<string>((text, value, index) => {
    const isApart = index > 0 && typeof value !== 'string' && typeof args[index - 1] !== 'string';
    return `${text}${isApart ? ' ' : ''}${show(value)}`;
  }, '');
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  const record = asRecord(value);
  if (record === undefined) throw templateError(`'len' needs a text, a list or a map, not ${show(value)}`);
  return Object.keys(record).length;
}

function slice(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== 'string' && !Array.isArray(value))
    throw templateError(`'slice' needs a text or a list, not ${show(value)}`);
  const [start, end] = [count('slice', from), to === undefined ? value.length : count('slice', to)];
  if (start > end || end > value.length)
    throw templateError(`there are no elements ${start} to ${end}: there are ${value.length}`);
  return value.slice(start, end);
}

/** Docker's function: an empty value stays empty. */
function pad(text: string, before: unknown, after: unknown): string {
  if (text === '') return text;
  return `${' '.repeat(count('pad', before))}${text}${' '.repeat(count('pad', after))}`;
}

const MOST = 10_000;

function count(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST) return value;
  throw templateError(`'${name}' takes a number from 0 to ${MOST}, not ${show(value)}`);
}
