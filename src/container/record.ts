import type { ContainerRecord } from './store.js';

/**
 * The content of a `config.json`, or undefined where it is cut short or damaged. What commands that only list and
 * remove containers look at is checked, and what becomes part of a path; the rest is as foster has written it.
 */
export function parseRecord(text: string): ContainerRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is ContainerRecord {
  if (!isObject(value) || !isObject(value.spec)) return false;
  const { id, name, created, root, command, labels, network, logging, spec } = value;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    /^[\w][\w.-]*$/.test(name) &&
    typeof created === 'string' &&
    typeof root === 'string' &&
    isStrings(command) &&
    isObject(labels) &&
    isStrings(Object.values(labels)) &&
    isObject(network) &&
    isObject(logging) &&
    isSpec(spec)
  );
}

function isSpec({ process, root, mounts, linux }: Record<string, unknown>): boolean {
  return (
    isObject(process) &&
    isStrings(process.args) &&
    isStrings(process.env) &&
    isObject(root) &&
    isObjects(mounts) &&
    isObject(linux) &&
    isObjects(linux.namespaces) &&
    isObjects(linux.uidMappings) &&
    isObjects(linux.gidMappings)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
