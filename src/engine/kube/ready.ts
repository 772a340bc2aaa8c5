import { isReady, readContainer } from '../../container/store.js';
import { FosterError } from '../../sys/errors.js';
import { waitFor } from '../../sys/poll.js';
import { surroundings } from '../../sys/surroundings.js';
import type { PlayReport } from './options.js';

/** Milliseconds between two looks. */
const INTERVAL = 50;

/**
 * Waits until the containers of pods that were started are ready, or have done their work.
 * @throws FosterError if one has failed for good
 */
export async function untilReady({ pods }: PlayReport): Promise<void> {
  const started = pods.filter(({ after }) => after === undefined).flatMap(({ containers }) => containers);
  for (const id of started)
    while (!isThere(id)) {
      await surroundings().stopIfInterrupted();
      await waitFor(INTERVAL);
    }
}

/** @throws FosterError if it never will be */
function isThere(id: string): boolean {
  const container = readContainer(id);
  if (container === undefined)
    throw new FosterError(`container ${id.slice(0, 12)} was removed before it was ready`, {
      kind: 'not-found',
      exitCode: 1,
    });
  const { record, state } = container;
  const hasEnded = state.status === 'exited' || state.status === 'dead';
  if (hasEnded && state.exitCode !== 0)
    throw new FosterError(
      `container ${record.name} has ended with exit code ${state.exitCode} before it was ready`,
      { kind: 'conflict', advice: `see why: foster logs ${record.name}`, exitCode: 1 },
    );
  return hasEnded || isReady(container);
}
