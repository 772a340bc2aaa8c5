import type { JsonObject, Path } from '../compose/json.js';
import { withoutOption } from '../compose/place.js';
import { positionIn, type Source, whereIn } from '../compose/source.js';
import { FosterError } from '../sys/errors.js';

/** An object or a field of a file, and where it is. */
export class Place {
  constructor(
    readonly source: Source,
    readonly path: Path,
  ) {}

  below(...steps: (string | number)[]): Place {
    return new Place(this.source, [...this.path, ...steps]);
  }

  /** `pod.yaml:12:5: spec.containers[0].image` */
  get text(): string {
    const { source, path } = this;
    return path.length > 0 ? whereIn([source], path) : (positionIn(source, path) ?? source.name);
  }

  /** @param problem the end of a sentence */
  error(problem: string, advice?: string): FosterError {
    return this.#error('invalid', problem, advice);
  }

  refusal(problem: string, advice?: string): FosterError {
    return this.#error('unsupported', problem, advice);
  }

  #error(kind: 'invalid' | 'unsupported', problem: string, advice: string | undefined): FosterError {
    const more = advice === undefined ? {} : { advice };
    return new FosterError(`${this.text}: ${problem}`, { kind, exitCode: 1, ...more });
  }

  /** Does something for which an error is about this field, and not about an option. */
  explained<T>(act: () => T, fieldOf: (flag: string) => (string | number)[] = () => []): T {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof FosterError)) throw error;
      const [, flag = ''] = /^(--?[a-z][\w-]*)[ :]/.exec(error.message) ?? [];
      if (flag === '') throw error;
      throw new FosterError(`${this.below(...fieldOf(flag)).text}: ${withoutOption(error.message)}`, {
        kind: error.kind,
        exitCode: 1,
        cause: error,
        ...(error.advice !== undefined && { advice: error.advice }),
      });
    }
  }
}

/** An object of a file, checked. */
export interface KubeObject {
  kind: string;
  name: string;
  tree: JsonObject;
  place: Place;
  /** Its fields are not what they should be: only its kind and its name can be trusted. */
  isWrong?: true;
}
