import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { surroundings } from '../../sys/surroundings.js';
import { wait } from '../containers.js';
import * as pods from '../pods.js';
import { remove as removeVolume } from '../volumes.js';
import type { DownReport, PlayReport } from './options.js';

/** Waits until the containers of pods have ended for good, and removes the pods; an interrupt removes them at once. */
export async function waitAndRemove(report: PlayReport): Promise<DownReport> {
  let removed: Promise<DownReport> | undefined;
  const remove = () => {
    removed ??= removePlayed(report);
    return removed;
  };
  const takeBack = surroundings().onInterrupt(async () => void (await remove()));
  try {
    await Promise.all(report.pods.flatMap(({ containers }) => containers).map(untilEnded));
    return await remove();
  } finally {
    takeBack();
  }
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
async function removePlayed(report: PlayReport): Promise<DownReport> {
  const removed: DownReport = { pods: [], volumes: [] };
  for (const { id } of report.pods) {
    await pods.remove(id, { force: true });
    faultPoint('pod removed');
    removed.pods.push(id);
  }
  for (const name of report.volumes) removed.volumes.push(await removeVolume(name));
  return removed;
}
