import { isObject, type Json, type JsonObject, textOf } from './json.js';

/** What may be one value or a list of them. */
export function list(value: Json): Json[] {
  return Array.isArray(value) ? value : [value];
}

/** As `list`, of texts. */
export function texts(value: Json): string[] {
  return list(value).map(textOf);
}

/** `[KEY=VALUE, KEY]` or a mapping, as a mapping of texts. */
export function mapping(value: Json): JsonObject {
  return mapOf(value, '');
}

/** @param missing the value of a key without one */
export function mapOf(value: Json, missing: null | ''): JsonObject {
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, one === null ? missing : textOf(one)]),
    );
  return Object.fromEntries(
    texts(value).map((one): [string, Json] => {
      const at = one.indexOf('=');
      return at < 0 ? [one, missing] : [one.slice(0, at), one.slice(at + 1)];
    }),
  );
}
