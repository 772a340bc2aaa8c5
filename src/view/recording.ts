import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { about } from '../sys/about.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { readPageFiles, selfContained } from './page-files.js';
import type { Patch } from './patch.js';

/** A page in one file that shows what has happened: each change is a line of JSON at its end, so it is whole at any time. */
export class Recording {
  readonly #path: string;
  readonly #fd: number;
  #isClosed = false;

  /** @throws FosterError if there is such a file already, or if it cannot be written */
  constructor(path: string) {
    this.#path = path;
    const page = selfContained(readPageFiles());
    try {
      this.#fd = openSync(path, 'wx', 0o666);
    } catch (error) {
      throw cannotWrite(path, error);
    }
    try {
      this.#write(page);
    } catch (error) {
      this.close();
      rmSync(path, { force: true });
      throw error;
    }
  }

  add(patch: Patch): void {
    if (this.#isClosed || (Object.keys(patch.tables).length === 0 && patch.events.length === 0)) return;
    this.#write(`${escaped(JSON.stringify(patch))}\n`);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#fd);
  }

  #write(text: string): void {
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }
}

/** JSON that ends no script and begins no comment of HTML. */
export function escaped(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cannotWrite(path: string, error: unknown): unknown {
  if (errnoOf(error) !== 'EEXIST') return about(`cannot write ${path}`, error);
  return new FosterError(`cannot write ${path}: there is such a file already`, {
    kind: 'conflict',
    advice: 'choose another name, or remove it',
  });
}
