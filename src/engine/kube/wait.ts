import { isAlive, readContainer } from '../../container/store.js';
import { hasDoneItsWork, hasJobFailed, isAbandoned } from '../../pod/job.js';
import { podState } from '../../pod/state.js';
import { findPod } from '../../pod/store.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { waitFor } from '../../sys/poll.js';
import { surroundings } from '../../sys/surroundings.js';
import { wait } from '../containers.js';
import * as pods from '../pods.js';
import { remove as removeVolume } from '../volumes.js';
import type { DownReport, PlayedPod, PlayReport } from './options.js';

/** Waits until the containers of pods have ended for good, and removes the pods; an interrupt removes them at once. */
export async function waitAndRemove(report: PlayReport): Promise<DownReport> {
  let removed: Promise<DownReport> | undefined;
  const remove = () => {
    removed ??= removePlayed(report);
    return removed;
  };
  const takeBack = surroundings().onInterrupt(async () => void (await remove()));
  try {
    const ended = new Map<string, Promise<void>>();
    for (const pod of report.pods) ended.set(pod.name, untilPodEnded(pod, report, ended));
    await Promise.all(ended.values());
    return await remove();
  } finally {
    takeBack();
  }
}

/** @param ended the same of pods that come before it */
async function untilPodEnded(
  { id, containers, after }: PlayedPod,
  { pods: all }: PlayReport,
  ended: ReadonlyMap<string, Promise<void>>,
): Promise<void> {
  const before = all.find(({ name }) => name === after);
  if (before !== undefined) {
    await ended.get(before.name);
    if (!(await isStarted(id, before.id))) return;
  }
  do {
    await Promise.all(containers.map(untilEnded));
  } while (await isResumed(id, containers));
}

/** Goes on with a Job if the monitor of one of its containers was killed. @returns whether that runs again */
async function isResumed(id: string, containers: readonly string[]): Promise<boolean> {
  const found = () => containers.flatMap((one) => readContainer(one) ?? []);
  if (!found().some(isAbandoned) || findPod(id).record.job === undefined) return false;
  await pods.resumeJobs();
  return found().some(({ state }) => isAlive(state));
}

/** Milliseconds between two looks whether the monitor of the pod before has started one. */
const INTERVAL = 50;

/** After so many looks, it may have been killed. */
const PATIENCE = 40;

/** Waits until a pod is started. @returns false if it never will be, because the one before has not done its work */
async function isStarted(id: string, before: string): Promise<boolean> {
  const { job } = findPod(id).record;
  const isNew = () => podState(findPod(id)) === 'Created';
  const isToCome = () => hasDoneItsWork(findPod(before)) && !(job !== undefined && hasJobFailed(job));
  for (let looks = 1; isNew() && isToCome(); looks++) {
    await waitFor(INTERVAL);
    if (looks % PATIENCE === 0) await pods.resumeJobs();
  }
  return !isNew();
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
