import { AsyncLocalStorage } from 'node:async_hooks';
import { FosterError } from '../sys/errors.js';
import { Interruption, interrupted } from '../sys/interruption.js';
import { type Surroundings, setSurroundingsLookup } from '../sys/surroundings.js';

/** The `Foster` object that makes a call: where its data is, and its environment. */
export interface Caller {
  env: Readonly<Record<string, string | undefined>>;
  storageDriver: string | undefined;
  dataRoot: string | undefined;
}

/** Options that every method takes. */
export interface CallOptions {
  /** Aborting it ends the call: unfinished work is undone, and the call fails with an error of the kind `interrupted`. */
  signal?: AbortSignal | undefined;
  /** Called with each line of progress. */
  onProgress?: ((line: string) => void) | undefined;
  /** Called with each warning, a sentence. */
  onWarning?: ((sentence: string) => void) | undefined;
}

const calls = new AsyncLocalStorage<Surroundings>();

/**
 * Runs `work` on behalf of a caller: everything that it calls sees the caller's surroundings (sys/surroundings.ts).
 * @throws FosterError
 */
export async function inCall<T>(caller: Caller, options: CallOptions, work: () => Promise<T>): Promise<T> {
  const call = new Call(caller, options);
  try {
    return await call.race(() => work());
  } catch (error) {
    throw call.explain(error);
  } finally {
    await call.end();
  }
}

/** Like `inCall`, for work that yields several results. */
export async function* eachInCall<T>(
  caller: Caller,
  options: CallOptions,
  work: () => AsyncGenerator<T>,
): AsyncGenerator<T, void, undefined> {
  const call = new Call(caller, options);
  const items = call.run(work);
  try {
    for (;;) {
      const next = await call.race(() => items.next());
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    throw call.explain(error);
  } finally {
    await call.run(() => items.return(undefined)).catch(() => {});
    await call.end();
  }
}

/** Milliseconds that interrupted work gets to fail by itself, after it has been undone. */
const NOTICE_TIMEOUT = 50;

class Call {
  readonly #interruption = new Interruption();
  readonly #signal: AbortSignal | undefined;
  readonly #surroundings: Surroundings;
  readonly #onAbort = () => void this.run(() => this.#interruption.interrupt());

  constructor({ env, storageDriver, dataRoot }: Caller, { signal, onProgress, onWarning }: CallOptions) {
    setSurroundingsLookup(() => calls.getStore());
    this.#signal = signal;
    const interruption = this.#interruption;
    const takeOutput = byLine((line) => onProgress?.(line));
    this.#surroundings = {
      env,
      storageDriver,
      dataRoot,
      ownsProcess: false,
      /** Undoing the work may take time, too. */
      get signal() {
        return interruption.isUndoing ? undefined : signal;
      },
      progress: (line) => onProgress?.(line),
      warn: (sentence) => onWarning?.(sentence),
      output: takeOutput,
      failedOutput: takeOutput,
      onInterrupt: interruption.add,
      stopIfInterrupted: async () => {
        await interruption.undone;
        if (signal?.aborted) throw interrupted();
      },
    };
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  run<T>(work: () => T): T {
    return calls.run(this.#surroundings, work);
  }

  /** The result of `work`, or a failure soon after the caller has aborted the call. */
  async race<T>(work: () => Promise<T>): Promise<T> {
    if (this.#signal === undefined) return await this.run(work);
    if (this.#signal.aborted) throw interrupted();
    const signal = this.#signal;
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = async () => {
        await this.#interruption.undone;
        setTimeout(() => reject(interrupted()), NOTICE_TIMEOUT);
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([this.run(work), aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  explain(error: unknown): unknown {
    if (this.#signal?.aborted) return interrupted(error);
    if (error instanceof FosterError || !(error instanceof Error)) return error;
    return new FosterError(error.message, { cause: error });
  }

  async end(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    const { unlockStore } = await import('../image/store/lock.js');
    const { reapEnded } = await import('../init/children.js');
    this.run(unlockStore);
    reapEnded();
  }
}

/** Splits text that arrives in pieces into lines. What follows the last line break is kept for the next piece. */
function byLine(take: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  };
}
