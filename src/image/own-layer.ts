import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { hiddenBy, isOpaque } from './hidden-names.js';
import { pathOf } from './member.js';

/**
 * What a container has made of the layers below it. Names are relative to the top, one character for each byte; a
 * directory is '' or a name with a slash at its end.
 */
export interface OwnLayer {
  /** A file that is the container's own; undefined where it has deleted or not touched it. */
  lstat(name: string): Stats | undefined;
  /** Names that are its own, and those that it has deleted; sorted by their bytes. */
  names(directory: string): string[];
  isDeleted(name: string): boolean;
  /** Nothing that the layers below have in the directory is left. */
  isOpaque(directory: string): boolean;
}

/** The upper directory of an overlay. */
export class UpperDirectory implements OwnLayer {
  readonly #path: string;

  /** @param path absolute */
  constructor(path: string) {
    this.#path = Buffer.from(path).toString('latin1');
  }

  lstat(name: string): Stats | undefined {
    const info = this.#look(name);
    return info !== undefined && hiddenBy('', info) === undefined ? info : undefined;
  }

  names(directory: string): string[] {
    return namesIn(`${this.#path}/${directory}`);
  }

  isDeleted(name: string): boolean {
    const info = this.#look(name);
    return info !== undefined && hiddenBy('', info) !== undefined;
  }

  isOpaque(directory: string): boolean {
    return directory !== '' && isOpaque(`${this.#path}/${directory.replace(/\/$/, '')}`);
  }

  #look(name: string): Stats | undefined {
    return lstatSync(pathOf(`${this.#path}/${name}`), { throwIfNoEntry: false });
  }
}

/** Sorted by their bytes, one character for each. */
export function namesIn(path: string): string[] {
  return readdirSync(pathOf(path), { encoding: 'buffer' })
    .map((name) => name.toString('latin1'))
    .sort();
}
