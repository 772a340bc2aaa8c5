import { isObject, isSame, type Json, type JsonObject, type Path, pathText } from './json.js';
import type { Source } from './source.js';

/**
 * What a later file says replaces, extends or removes what earlier ones say: the rules of the Compose Specification. Mappings
 * are merged, lists appended, and everything else replaced, with the exceptions below.
 */
export function merged(earlier: JsonObject, later: JsonObject, marks: Marks, path: Path): JsonObject {
  const { resets, overrides } = marks;
  const kept = Object.entries(earlier).filter(([key]) => !resets.has(pathText([...path, key])));
  const result: JsonObject = Object.fromEntries(kept);
  for (const [key, value] of Object.entries(later)) {
    const below = [...path, key];
    const before = Object.hasOwn(result, key) ? result[key] : undefined;
    const isAlone = before === undefined || overrides.has(pathText(below));
    result[key] = isAlone ? value : both(before, value, marks, below);
  }
  return result;
}

/** What a file says with `!reset` and `!override`. */
export type Marks = Pick<Source, 'resets' | 'overrides'>;

function both(earlier: Json, later: Json, marks: Marks, path: Path): Json {
  const place = rule(path);
  if (place === 'replace') return later;
  if (isObject(earlier) && isObject(later)) {
    // the options of a driver mean nothing to another one
    if (place === 'driver' && later.driver !== undefined && earlier.driver !== later.driver) return later;
    return merged(earlier, later, marks, path);
  }
  if (Array.isArray(earlier) && Array.isArray(later))
    return typeof place === 'function' ? uniqueBy([...earlier, ...later], place) : appended(earlier, later);
  // a key that says nothing, such as a network of a service, leaves what was said
  return later === null ? earlier : later;
}

function appended(earlier: Json[], later: Json[]): Json[] {
  return [...earlier, ...later.filter((one) => !earlier.some((other) => isSame(one, other)))];
}

type Identity = (item: JsonObject) => Json | undefined;

/** The last of those with the same identity, in the place of the first. */
function uniqueBy(items: Json[], identity: Identity): Json[] {
  const found = new Map<string, Json>();
  for (const item of items) found.set(JSON.stringify(isObject(item) ? (identity(item) ?? null) : item), item);
  return [...found.values()];
}

const REPLACED = ['command', 'entrypoint'];

const UNIQUE: Readonly<Record<string, Identity>> = {
  ports: ({ target, published = '', protocol, host_ip = '' }) => [
    target ?? null,
    published,
    protocol ?? null,
    host_ip,
  ],
  volumes: ({ target }) => target,
  devices: ({ target }) => target,
  secrets: ({ source, target = source }) => target,
  configs: ({ source, target = source }) => target,
  env_file: ({ path }) => path,
};

function rule(path: Path): 'replace' | 'driver' | Identity | undefined {
  const [kind, , field, below, last] = path;
  if (kind === 'networks' && field === 'ipam' && below === 'config') return ({ subnet }) => subnet;
  if (kind !== 'services') return undefined;
  if (path.length === 3) {
    if (REPLACED.includes(String(field))) return 'replace';
    if (field === 'logging') return 'driver';
    return Object.hasOwn(UNIQUE, String(field)) ? UNIQUE[String(field)] : undefined;
  }
  if (field === 'healthcheck' && below === 'test') return 'replace';
  if (field === 'build' && below === 'secrets' && last === undefined) return UNIQUE.secrets;
  if ((field === 'ulimits' || field === 'extra_hosts') && last === undefined) return 'replace';
  return undefined;
}
