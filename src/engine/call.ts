import { AsyncLocalStorage } from 'node:async_hooks';
import { FosterError } from '../sys/errors.js';
import { type Surroundings, setSurroundingsLookup, type Undo } from '../sys/surroundings.js';

/** On whose behalf calls are made. */
export interface Caller {
  env: Readonly<Record<string, string | undefined>>;
  storageDriver: string | undefined;
}

/** What each call takes. */
export interface CallOptions {
  /** Ends the call: it is undone, and fails with an error of the kind `interrupted`. */
  signal?: AbortSignal | undefined;
  /** Told what goes on, a line each. */
  onProgress?: ((line: string) => void) | undefined;
  /** Told what is not as one may expect it, a sentence each. */
  onWarning?: ((sentence: string) => void) | undefined;
}

const calls = new AsyncLocalStorage<Surroundings>();

/**
 * Runs `work` on behalf of a caller: whatever it comes to knows the caller's surroundings (sys/surroundings.ts).
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

/** As `inCall`, of what comes one after the other. */
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

/** How long a call may take to notice that its work has been undone, in milliseconds. */
const PATIENCE = 50;

class Call {
  readonly #undos = new Set<Undo>();
  readonly #lastUndos = new Set<Undo>();
  readonly #signal: AbortSignal | undefined;
  readonly #surroundings: Surroundings;
  readonly #onAbort = () => {
    this.#undone ??= this.#undo();
  };
  #undone: Promise<void> | undefined;
  #isUndoing = false;

  constructor({ env, storageDriver }: Caller, { signal, onProgress, onWarning }: CallOptions) {
    setSurroundingsLookup(() => calls.getStore());
    this.#signal = signal;
    const isUndoing = () => this.#isUndoing;
    const take = byLine((line) => onProgress?.(line));
    this.#surroundings = {
      env,
      storageDriver,
      mayBlock: false,
      /** What undoes the call may wait for something, too. */
      get signal() {
        return isUndoing() ? undefined : signal;
      },
      printLine: (line) => onProgress?.(line),
      warn: (sentence) => onWarning?.(sentence),
      output: take,
      printError: take,
      onInterrupt: (undo, { last = false } = {}) => {
        const kind = last ? this.#lastUndos : this.#undos;
        kind.add(undo);
        return () => kind.delete(undo);
      },
      stopIfInterrupted: async () => {
        await this.#undone;
        if (signal?.aborted) throw interrupted();
      },
    };
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  run<T>(work: () => T): T {
    return calls.run(this.#surroundings, work);
  }

  /** The result of `work`, or a failure soon after the caller has ended it. */
  async race<T>(work: () => Promise<T>): Promise<T> {
    if (this.#signal === undefined) return await this.run(work);
    if (this.#signal.aborted) throw interrupted();
    const signal = this.#signal;
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = async () => {
        await this.#undone;
        setTimeout(() => reject(interrupted()), PATIENCE);
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
    this.run(unlockStore);
  }

  async #undo(): Promise<void> {
    this.#isUndoing = true;
    for (const kind of [this.#undos, this.#lastUndos])
      await this.run(() => Promise.allSettled([...kind].reverse().map(async (undo) => await undo())));
    this.#isUndoing = false;
  }
}

function interrupted(cause?: unknown): FosterError {
  if (cause instanceof FosterError && cause.kind === 'interrupted') return cause;
  return new FosterError('it was interrupted', { kind: 'interrupted', exitCode: 130, cause });
}

/** Cuts text that comes in pieces into lines. What is behind the last end of a line is kept for the next piece. */
function byLine(tell: (line: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(tell);
  };
}
