import { markStopped } from '../container/signal.js';
import { startContainer } from '../container/start.js';
import { type Container, isAlive, readRestart } from '../container/store.js';
import { surroundings } from '../sys/surroundings.js';
import { countFailure, hasJobFailed, holdStart, isAbandoned, mainOf } from './job.js';
import { startPod } from './start.js';
import { isPodAlive } from './state.js';
import { nextOf, stopIfDone, stopJob } from './stop.js';
import { findPod, listPods, type Pod } from './store.js';

/**
 * Goes on with the Jobs whose monitors were killed, or who wait for a pod whose start was killed: a monitor that is killed takes its
 * container with it, and then nobody starts what comes next. That counts as a failure of the container. What cannot be started is a
 * warning.
 */
export async function resumeJobs(): Promise<void> {
  for (const pod of listPods()) {
    if (pod.record.job === undefined) continue;
    try {
      await resume(pod, pod.record.job);
    } catch (error) {
      surroundings().warn(
        `cannot go on with pod ${pod.record.name}: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

async function resume(seen: Pod, job: string): Promise<void> {
  const isIdle = !mainOf(seen).some(({ state }) => isAlive(state));
  const isLeft = isIdle && (isPodAlive(seen) || nextOf(seen) !== undefined);
  if (!isLeft && !mainOf(seen).some(isAbandoned)) return;
  const giveBack = holdStart(seen.record);
  if (giveBack === undefined) return;
  const { id } = seen.record;
  try {
    for (const container of mainOf(findPod(id)).filter(isAbandoned)) await retry(container, job);
  } finally {
    giveBack();
  }
  if (hasJobFailed(job)) return await stopJob(job);
  const [first, ...others] = mainOf(findPod(id));
  if (first === undefined || [first, ...others].some(({ state }) => isAlive(state))) return;
  // whoever was to start it has ended before it had
  if ([first, ...others].every(({ state }) => state.status === 'created')) {
    if (isPodAlive(seen)) await startPod(id);
    return;
  }
  const next = await stopIfDone(id, first.record.id);
  if (next !== undefined) await startPod(next, { isFirst: true });
}

/** Starts a container again that was killed with its monitor, if its Job has tries left; else the Job has failed. */
async function retry(container: Container, job: string): Promise<void> {
  const { policy, max } = readRestart(container.record.id);
  if (policy === 'no' || (max > 0 && countFailure(job) > max)) {
    markStopped(container.record.id);
    return await stopJob(job);
  }
  await startContainer(container);
}
