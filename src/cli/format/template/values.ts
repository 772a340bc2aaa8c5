import { templateError } from './parse.js';

/** A value that is an object or list; undefined for any other. */
export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

/**
 * A field of an object. Docker and Podman spell some names differently (`.Id`, `.ID`). If no field has exactly this name,
 * case is ignored, and so is the _ in OCI documents (`.CreatedBy` for `created_by`).
 * @throws FosterError
 */
export function fieldOf(value: unknown, name: string): unknown {
  const record = asRecord(value);
  if (record === undefined || Array.isArray(value))
    throw templateError(`there is no field '${name}' in ${show(value)}`);
  if (Object.hasOwn(record, name)) return record[name];
  const key = Object.keys(record).find((each) => plain(each) === plain(name));
  if (key === undefined)
    throw templateError(`there is no field '${name}', only ${Object.keys(record).join(', ')}`);
  return record[key];
}

function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** Whether Go considers it true: it is not false, 0, nil or empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  const record = asRecord(value);
  return record === undefined ? Boolean(value) : Object.keys(record).length > 0;
}

/** A value in the format of Go. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  const record = asRecord(value);
  if (record === undefined) return String(value);
  const entries = Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${showElement(item)}`).join(' ')}]`;
}

/** Fields that are lists or maps in Docker and Podman, so null means an empty one. Other fields are pointers. */
const NIL_LISTS =
  /^(Entrypoint|Cmd|OnBuild|Links|Aliases|VolumesFrom|Device\w+|BlkioWeightDevice|BlkioDevice\w+|CgroupConf)$/i;
const NIL_MAPS = /^(Volumes|DriverOpts)$/i;

/** What Go prints for null, which depends on the type of the field. */
export function showNil(field: string | undefined): string {
  if (field === undefined) return show(null);
  return NIL_LISTS.test(field) ? '[]' : NIL_MAPS.test(field) ? 'map[]' : '<nil>';
}

/** In a map, an empty object is the element of a set, `struct{}` in Go: `map[80/tcp:{}]`. */
function showElement(value: unknown): string {
  const record = Array.isArray(value) ? undefined : asRecord(value);
  return record !== undefined && Object.keys(record).length === 0 ? '{}' : show(value);
}

/** An element of a list, or a key of a map: '' where the map lacks it, as Go gives for a map of strings. */
export function element(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= value.length)
      throw templateError(`there is no element ${show(key)}`);
    return value[index];
  }
  const record = asRecord(value);
  if (record === undefined) throw templateError(`'index' needs a list or a map, not ${show(value)}`);
  return Object.hasOwn(record, String(key)) ? record[String(key)] : '';
}
