import { heldEndSignal } from '../init/clone.js';
import { FosterError } from '../sys/errors.js';

/** A signal came before the user's process was started. */
export class Interrupted extends FosterError {
  constructor(signal: number) {
    super('interrupted before the container was started', { exitCode: 128 + signal });
  }
}

/** @throws Interrupted */
export function throwIfSignaled(): void {
  const signal = heldEndSignal();
  if (signal !== undefined) throw new Interrupted(signal);
}
