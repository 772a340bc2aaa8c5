import { dirname, resolve } from 'node:path';
import { isObject, type JsonObject } from '../compose/json.js';
import { parseFile, resolveFile } from '../compose/source.js';
import { quoted } from '../spec/parse/flag.js';
import { FosterError } from '../sys/errors.js';
import { checkObject, type Ignore, KINDS } from './check.js';
import { type KubeObject, Place } from './place.js';

/** A file of Kubernetes, before it is checked. */
export interface KubeText {
  /** As errors show it. */
  name: string;
  /** Absolute path of the folder that its relative paths start from. */
  folder: string;
  text: string;
}

/** The file at a path, which need not exist. */
export function kubeText(path: string, cwd: string, text: string): KubeText {
  return { name: path, folder: dirname(resolve(cwd, path)), text };
}

/**
 * Reads all objects of a file: its documents, and the items of lists in it.
 * @param ignore receives why a field or an object is left out; undefined to refuse them
 * @param tolerate receives what is wrong, where only names are needed; undefined to refuse it
 * @throws FosterError that says where something is wrong
 */
export function readObjects(
  { name, folder, text }: KubeText,
  ignore: Ignore | undefined,
  tolerate?: Ignore,
): KubeObject[] {
  const parsed = parseFile(text, name, {
    what: 'a file of Kubernetes',
    advice: 'a file of Kubernetes has objects: docs/kube.md',
  });
  const sources = resolveFile(parsed, folder, undefined);
  const objects = sources.flatMap((source) =>
    objectsIn(source.tree, new Place(source, []), ignore, tolerate),
  );
  if (tolerate === undefined) checkNames(objects);
  return objects;
}

function objectsIn(
  tree: JsonObject,
  place: Place,
  ignore: Ignore | undefined,
  tolerate: Ignore | undefined,
): KubeObject[] {
  const { kind, items } = tree;
  if (typeof kind !== 'string' || kind === '')
    throw place.error('kind is missing', 'an object has an apiVersion, a kind and metadata');
  if (kind === 'List') return itemsOf(items, place.below('items'), ignore, tolerate);
  if (!KINDS.includes(kind)) {
    const error = place
      .below('kind')
      .refusal(`objects of the kind ${quoted(kind)} are not supported`, `foster has ${KINDS.join(', ')}`);
    if (ignore === undefined) throw error;
    ignore(error);
    return [];
  }
  const isWrong = !isTolerable(() => checkObject(kind, tree, place, ignore), tolerate);
  const { metadata } = tree;
  const name = isObject(metadata) ? metadata.name : undefined;
  if (typeof name !== 'string' || !NAME.test(name))
    throw place
      .below('metadata', 'name')
      .error(`${quoted(String(name))} is not a name: expected lower-case letters, digits, "-" and "."`);
  return [{ kind, name, tree, place, ...(isWrong && { isWrong }) }];
}

/** @returns whether nothing is wrong. @throws FosterError if something is, and that is not tolerated */
function isTolerable(check: () => void, tolerate: Ignore | undefined): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (tolerate === undefined || !(error instanceof FosterError)) throw error;
    tolerate(error);
    return false;
  }
}

/** The names of objects in Kubernetes: those of the DNS. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

function itemsOf(
  items: unknown,
  place: Place,
  ignore: Ignore | undefined,
  tolerate: Ignore | undefined,
): KubeObject[] {
  if (!Array.isArray(items)) throw place.error('expected a list');
  return items.flatMap((item, index) => {
    const at = place.below(index);
    if (!isObject(item)) throw at.error('expected a mapping');
    return objectsIn(item, at, ignore, tolerate);
  });
}

/** @throws FosterError for two objects of the same kind and name */
function checkNames(objects: readonly KubeObject[]): void {
  const seen = new Set<string>();
  for (const { kind, name, place } of objects) {
    const key = `${kind} ${name}`;
    if (seen.has(key)) throw place.below('metadata', 'name').error(`there are two objects ${key}`);
    seen.add(key);
  }
}
