import { FosterError } from './errors.js';
import type { Undo } from './surroundings.js';

/**
 * What has to be undone when the caller wants the work to end: the one mechanism behind Surroundings.onInterrupt, for a
 * command and for a call of the library. An AbortSignal sets it off.
 */
export class Interruption {
  readonly #undos = new Set<Undo>();
  readonly #lastUndos = new Set<Undo>();
  readonly #onChange: (isNeeded: boolean) => void;
  #undone: Promise<void> | undefined;
  #isUndoing = false;

  /** @param onChange told when there is something to undo, and when there no longer is */
  constructor(onChange: (isNeeded: boolean) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Surroundings.onInterrupt. */
  readonly add = (undo: Undo, { last = false }: { last?: boolean } = {}): (() => void) => {
    const kind = last ? this.#lastUndos : this.#undos;
    if (this.#size === 0) this.#onChange(true);
    kind.add(undo);
    return () => {
      if (kind.delete(undo) && this.#size === 0) this.#onChange(false);
    };
  };

  get #size(): number {
    return this.#undos.size + this.#lastUndos.size;
  }

  /** Whether undoing is going on: what is called for that may wait for things, although the signal is aborted. */
  get isUndoing(): boolean {
    return this.#isUndoing;
  }

  /** Settled when all is undone; undefined where nothing was interrupted. */
  get undone(): Promise<void> | undefined {
    return this.#undone;
  }

  /** Undoes everything, once. What cannot be undone is a leftover, which the next command removes. */
  interrupt(): Promise<void> {
    this.#undone ??= this.#undo();
    return this.#undone;
  }

  async #undo(): Promise<void> {
    this.#isUndoing = true;
    for (const kind of [this.#undos, this.#lastUndos])
      await Promise.allSettled([...kind].reverse().map(async (undo) => await undo()));
    this.#isUndoing = false;
  }
}

/** The failure of work that its caller has ended. */
export function interrupted(cause?: unknown): FosterError {
  if (cause instanceof FosterError && cause.kind === 'interrupted') return cause;
  return new FosterError('it was interrupted', { kind: 'interrupted', exitCode: 130, cause });
}
