import { FosterError } from './errors.js';
import type { Undo } from './surroundings.js';

/**
 * What to undo when the caller cancels the work: the implementation of Surroundings.onInterrupt, for commands and for
 * calls of the library. An AbortSignal triggers it.
 */
export class Interruption {
  readonly #undos = new Set<Undo>();
  readonly #lastUndos = new Set<Undo>();
  /** Those that were called: each is called once. */
  readonly #called = new Set<Undo>();
  readonly #onChange: (isNeeded: boolean) => void;
  #undone: Promise<void> | undefined;
  #isUndoing = false;

  /** @param onChange called when there is something to undo, and when there no longer is */
  constructor(onChange: (isNeeded: boolean) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** Surroundings.onInterrupt. */
  readonly add = (undo: Undo, { last = false }: { last?: boolean } = {}): (() => void) => {
    const kind = last ? this.#lastUndos : this.#undos;
    if (this.#size === 0) this.#onChange(true);
    kind.add(undo);
    // The work goes on, since it has not noticed the interrupt. If something is being undone, this one comes after it.
    if (this.#undone !== undefined && !this.#isUndoing) this.#undone = this.#undo();
    return () => {
      if (kind.delete(undo) && this.#size === 0) this.#onChange(false);
    };
  };

  get #size(): number {
    return this.#undos.size + this.#lastUndos.size;
  }

  /** Whether undo functions are running, which may wait although the signal is aborted. */
  get isUndoing(): boolean {
    return this.#isUndoing;
  }

  /** Settled when everything is undone; undefined if nothing was interrupted. */
  get undone(): Promise<void> | undefined {
    return this.#undone;
  }

  /** Undoes everything, once, and then what is registered later. If something cannot be undone, the next command removes the leftover. */
  interrupt(): Promise<void> {
    this.#undone ??= this.#undo();
    return this.#undone;
  }

  async #undo(): Promise<void> {
    this.#isUndoing = true;
    for (let due = this.#due(); due.length > 0; due = this.#due()) {
      for (const undo of due) this.#called.add(undo);
      await Promise.allSettled(due.map(async (undo) => await undo()));
    }
    this.#isUndoing = false;
  }

  /** What to undo next: the last ones only when all others are done. */
  #due(): Undo[] {
    for (const kind of [this.#undos, this.#lastUndos]) {
      const due = [...kind].filter((undo) => !this.#called.has(undo));
      if (due.length > 0) return due.reverse();
    }
    return [];
  }
}

/** The error of cancelled work. */
export function interrupted(cause?: unknown): FosterError {
  if (cause instanceof FosterError && cause.kind === 'interrupted') return cause;
  return new FosterError('it was interrupted', { kind: 'interrupted', cause });
}
