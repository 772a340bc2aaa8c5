import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';

/**
 * Splits a value of --filter, `KEY=VALUE`, and finds the entry for its key.
 * @param table the entry for each key
 * @param keys the keys that the command accepts
 * @throws FosterError
 */
export function findFilter<Compile>(
  filter: string,
  table: Readonly<Record<string, Compile>>,
  keys: readonly string[] = Object.keys(table),
): { key: string; value: string; compile: Compile } {
  const [, key = '', value = ''] = /^([\w-]+!?)=(.*)$/s.exec(filter) ?? [];
  const compile = keys.includes(key) ? table[key] : undefined;
  if (compile === undefined)
    throw flagError('--filter', filter, `expected KEY=VALUE, KEY being one of ${keys.join(', ')}`);
  return { key, value, compile };
}

/** For each key of --filter, a function that turns a value into a condition. It throws FosterError for an invalid value. */
export type FilterTable<Item> = Readonly<
  Record<string, (value: string, filter: string) => (item: Item) => boolean>
>;

/**
 * Turns the values of --filter into one condition: values of the same key are alternatives, except for labels.
 * @param keys the keys that the command accepts
 * @throws FosterError
 */
export function matcherOf<Item>(
  filters: readonly string[],
  table: FilterTable<Item>,
  keys: readonly string[],
): (item: Item) => boolean {
  const groups = new Map<string, ((item: Item) => boolean)[]>();
  for (const filter of filters) {
    const { key, value, compile } = findFilter(filter, table, keys);
    groups.set(key, [...(groups.get(key) ?? []), compile(value, filter)]);
  }
  return (item) =>
    [...groups].every(([key, matchers]) =>
      key.startsWith('label')
        ? matchers.every((matches) => matches(item))
        : matchers.some((matches) => matches(item)),
    );
}

/** A value that is `true` or `false`. @throws FosterError */
export function filterTruth(value: string, filter: string): boolean {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw flagError('--filter', filter, 'expected true or false');
}

/** The time of `until=`, in milliseconds since 1970. @throws FosterError */
export function filterInstant(value: string): number {
  return Number(parseInstant('--filter', value, Date.now()) / 1_000_000n);
}

/** Whether labels include the one of `label=`: `KEY` or `KEY=VALUE`. */
export function labelTest(wanted: string): (labels: Readonly<Record<string, string>>) => boolean {
  const [label = '', ...rest] = wanted.split('=');
  return (labels) => Object.hasOwn(labels, label) && (rest.length === 0 || labels[label] === rest.join('='));
}

/**
 * A regular expression, as in Podman. Docker takes a part of the name, which is nearly always a valid expression.
 * @throws FosterError
 */
export function filterExpression(value: string, filter: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw flagError('--filter', filter, 'it is not a regular expression');
  }
}
