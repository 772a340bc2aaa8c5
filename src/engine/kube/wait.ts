import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { surroundings } from '../../sys/surroundings.js';
import { wait } from '../containers.js';
import * as pods from '../pods.js';
import { remove as removeVolume } from '../volumes.js';
import type { DownReport, PlayReport } from './options.js';

/** Waits until the containers of pods have ended for good, or the caller ends the wait. */
export async function waitForPods(report: PlayReport): Promise<void> {
  const { signal } = surroundings();
  const ids = report.pods.flatMap(({ containers }) => containers);
  const ended = Promise.all(ids.map(untilEnded));
  if (signal === undefined) {
    await ended;
    return;
  }
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([ended, interrupted]);
}

async function untilEnded(id: string): Promise<void> {
  try {
    await wait(id);
  } catch (error) {
    // init containers are removed when they have ended
    if (!(error instanceof FosterError && error.kind === 'not-found')) throw error;
  }
}

/** Removes what was made, volumes of claims included. */
export async function removePlayed(report: PlayReport): Promise<DownReport> {
  const removed: DownReport = { pods: [], volumes: [] };
  for (const { id } of report.pods) {
    await pods.remove(id, { force: true });
    faultPoint('pod removed');
    removed.pods.push(id);
  }
  for (const name of report.volumes) removed.volumes.push(await removeVolume(name));
  return removed;
}
