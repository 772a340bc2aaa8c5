import { resolve } from 'node:path';
import { FosterError } from '../sys/errors.js';
import type { Json, Path } from './json.js';
import { errorAt, type Source } from './source.js';

/** A value of a file, with where it is: what is read of it, or what is wrong with it. */
export class Place {
  constructor(
    readonly source: Source,
    readonly path: Path,
    /** Absolute path of the caller's home, for `~`. */
    readonly home: string,
  ) {}

  below(...steps: (string | number)[]): Place {
    return new Place(this.source, [...this.path, ...steps], this.home);
  }

  /** @param problem the end of a sentence */
  error(problem: string, advice?: string): FosterError {
    return errorAt([this.source], this.path, problem, { advice });
  }

  refusal(problem: string, advice?: string): FosterError {
    return errorAt([this.source], this.path, problem, { advice, kind: 'unsupported' });
  }

  /** The result of a parser of options, whose error is about this value and not about an option. */
  parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof FosterError)) throw error;
      throw errorAt([this.source], this.path, withoutOption(error.message), {
        advice: error.advice,
        kind: error.kind === 'unsupported' ? 'unsupported' : 'invalid',
      });
    }
  }

  /** A path of the host: relative ones start from the folder of the file. */
  resolved(path: string): string {
    if (path === '~' || path.startsWith('~/')) return resolve(this.home, path.slice(2));
    return resolve(this.source.folder, path);
  }

  /** A boolean, which may be written as text, as a variable always is. */
  truth(value: Json): boolean {
    if (typeof value === 'boolean') return value;
    const text = String(value).toLowerCase();
    if (['true', '1', 't', 'yes', 'y', 'on'].includes(text)) return true;
    if (['false', '0', 'f', 'no', 'n', 'off', ''].includes(text)) return false;
    throw this.error(`expected true or false, got ${JSON.stringify(value)}`);
  }

  /** A whole number that is not negative, which may be written as text. */
  count(value: Json): number {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
    throw this.error(`expected a whole number, got ${JSON.stringify(value)}`);
  }
}

/** `--publish '80:x': expected ...` without the option: the reader of a file has given none. */
export function withoutOption(message: string): string {
  return message.replace(/^--?[a-z][\w-]*(?: [\w-]+(?=:| '))? ?/, '').replace(/^: /, '');
}
