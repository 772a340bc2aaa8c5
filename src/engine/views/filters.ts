import { flagError } from '../../spec/parse/flag.js';
import { parseInstant } from '../../spec/parse/instants.js';

/**
 * What a value of --filter, `KEY=VALUE`, asks for.
 * @param table how the values of each key are compiled
 * @param keys those that the command has
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

/** What a value of --filter asks for, by its key. The functions throw FosterError for a value that makes no sense. */
export type FilterTable<Item> = Readonly<
  Record<string, (value: string, filter: string) => (item: Item) => boolean>
>;

/**
 * The values of --filter as one condition: those with the same key are alternatives, except for labels.
 * @param keys those that the command has
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

/** @throws FosterError */
export function filterTruth(value: string, filter: string): boolean {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw flagError('--filter', filter, 'expected true or false');
}

/** The instant of `until=`, in ms since 1970. @throws FosterError */
export function filterInstant(value: string): number {
  return Number(parseInstant('--filter', value, Date.now()) / 1_000_000n);
}

/** Whether labels have the one of `label=`: `KEY` or `KEY=VALUE`. */
export function labelTest(wanted: string): (labels: Readonly<Record<string, string>>) => boolean {
  const [label = '', ...rest] = wanted.split('=');
  return (labels) => Object.hasOwn(labels, label) && (rest.length === 0 || labels[label] === rest.join('='));
}

/**
 * A regular expression, as in Podman, which a part of the name, as in Docker, nearly always is.
 * @throws FosterError
 */
export function filterExpression(value: string, filter: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw flagError('--filter', filter, 'it is not a regular expression');
  }
}
