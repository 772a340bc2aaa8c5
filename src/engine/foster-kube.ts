import { FosterError } from '../sys/errors.js';
import { type Caller, type CallOptions, inCall } from './call.js';
import type { DownReport, PlayReport, PlayRequest } from './kube/options.js';

/** Options of `foster.kube.play`. */
export interface PlayOptions extends CallOptions, PlayRequest {}

/** Files of Kubernetes: `foster.kube`. A file is a path or an address. */
export class Kube {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Makes the pods that a file describes, and starts them. If that fails, what was made is removed.
   * @throws FosterError of the kind `invalid` or `unsupported`, with the file, line and column, for something that is wrong in the
   * file; of the kind `conflict` if a pod exists already
   * @example
   * const { pods } = await foster.kube.play('shop.yaml', { replace: true });
   */
  async play(file: string, options: PlayOptions = {}): Promise<PlayReport> {
    const { signal: _, onProgress: __, onWarning: ___, ...request } = options;
    return await this.#call(options, async () =>
      (await import('./kube/play.js')).play(pathOf(file), request),
    );
  }

  /**
   * Checks a file as `play` does, without making anything.
   * @returns the names of its pods
   * @throws FosterError with the file, line and column
   * @example
   * const names = await foster.kube.check('shop.yaml');
   */
  async check(file: string, options: PlayOptions = {}): Promise<string[]> {
    const { signal: _, onProgress: __, onWarning: ___, ...request } = options;
    return await this.#call(options, async () => {
      const { check } = await import('./kube/play.js');
      return (await check(pathOf(file), request)).pods.map(({ plan }) => plan.meta.name);
    });
  }

  /**
   * Stops and removes the pods that a file describes; with `force` also the volumes of its claims.
   * @throws FosterError
   * @example
   * await foster.kube.down('shop.yaml', { force: true });
   */
  async down(file: string, options: CallOptions & { force?: boolean } = {}): Promise<DownReport> {
    const { force } = options;
    return await this.#call(options, async () =>
      (await import('./kube/down.js')).down(pathOf(file), { force }),
    );
  }

  /**
   * A file that describes pods, containers and volumes, so that `play` makes them again.
   * @throws FosterError of the kind `not-found` if there is no such thing
   * @example
   * const text = await foster.kube.generate(['shop', 'data']);
   */
  async generate(names: string[], options: CallOptions & { service?: boolean } = {}): Promise<string> {
    const { service } = options;
    return await this.#call(options, async () =>
      (await import('./kube/generate.js')).generate(names, { service }),
    );
  }

  #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    return inCall(this.#caller, options, work);
  }
}

/** @throws FosterError for standard input, which belongs to the program */
function pathOf(file: string): string {
  if (file !== '-') return file;
  throw new FosterError("file '-': expected a path or an address", { kind: 'invalid' });
}
