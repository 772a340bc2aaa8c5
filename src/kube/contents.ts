import { quoted } from '../spec/parse/flag.js';
import type { ConfigMap, Secret } from './model.js';
import type { KubeObject, Place } from './place.js';

/** What ConfigMaps and Secrets hold: values by their keys. */
export type Content = ReadonlyMap<string, Buffer>;

export type ContentKind = 'ConfigMap' | 'Secret';

/** All ConfigMaps and Secrets of the files. */
export class Contents {
  readonly #all = new Map<string, Content>();

  /** @throws FosterError for a value that is not in base64 */
  constructor(objects: readonly KubeObject[]) {
    for (const { kind, name, tree, place } of objects) {
      if (kind === 'ConfigMap') this.#add(kind, name, configMapOf(tree as unknown as ConfigMap, place));
      if (kind === 'Secret') this.#add(kind, name, secretOf(tree as unknown as Secret, place));
    }
  }

  #add(kind: ContentKind, name: string, content: Content): void {
    this.#all.set(`${kind} ${name}`, content);
  }

  /**
   * The content of an object.
   * @param place the field that names it
   * @returns undefined if there is none and it is optional
   * @throws FosterError if there is none
   */
  of(kind: ContentKind, name: string, place: Place, isOptional = false): Content | undefined {
    const content = this.#all.get(`${kind} ${name}`);
    if (content !== undefined || isOptional) return content;
    throw place.error(
      `there is no ${kind} ${quoted(name)}`,
      `add it to the file, or give a file that has it: --configmap FILE`,
    );
  }
}

function configMapOf({ data = {}, binaryData = {} }: ConfigMap, place: Place): Content {
  return new Map([...textsOf(data), ...binariesOf(binaryData, place.below('binaryData'))]);
}

function secretOf({ data = {}, stringData = {} }: Secret, place: Place): Content {
  return new Map([...binariesOf(data, place.below('data')), ...textsOf(stringData)]);
}

function textsOf(data: Readonly<Record<string, string>>): [string, Buffer][] {
  return Object.entries(data).map(([key, text]) => [key, Buffer.from(text)]);
}

function binariesOf(data: Readonly<Record<string, string>>, place: Place): [string, Buffer][] {
  return Object.entries(data).map(([key, text]) => {
    const plain = text.replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(plain) || plain.length % 4 !== 0)
      throw place
        .below(key)
        .error('it is not in base64', 'stringData and data of a ConfigMap hold plain text');
    return [key, Buffer.from(plain, 'base64')];
  });
}
