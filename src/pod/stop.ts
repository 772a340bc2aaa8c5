import { recordPodEvent } from '../container/events/recorder.js';
import { killContainer } from '../container/kill.js';
import { stoppingFile } from '../container/last-program.js';
import { pauseContainer, unpauseContainer } from '../container/pause.js';
import { noteOwn, stopContainer } from '../container/stop.js';
import { type Container, isAlive, podOfName, readContainer } from '../container/store.js';
import { parseSignal } from '../spec/parse/signals.js';
import { faultPoint } from '../sys/fault.js';
import { hasDoneItsWork, hasFailed, hasJobFailed, mainOf, podsOfJob } from './job.js';
import { isPodAlive, isSidecar, podState } from './state.js';
import { findPod, infraOf, type Pod, withoutInfra } from './store.js';

const SIGKILL = 9;

/**
 * Stops the containers of a pod, then its sidecars, the last one first, and then the one that holds the namespaces.
 * @param options.timeout seconds; negative for no limit; undefined for that of each container
 * @param options.isRestart it is started again at once, so `--rm` removes none of them
 * @returns why containers could not be stopped
 */
export async function stopPod(
  reference: string,
  { timeout, isRestart }: { timeout?: number | undefined; isRestart?: true } = {},
): Promise<unknown[]> {
  const pod = findPod(reference);
  const stop = (container: Container) =>
    stopContainer(container, { timeout, signal: undefined, ...(isRestart && { isRestart }) });
  const takeBack = noteOwn(stoppingFile(pod.record.id));
  try {
    const failures = await each(mainOf(pod), stop);
    faultPoint('containers of the pod stopped');
    for (const sidecar of sidecarsOf(pod).reverse()) failures.push(...(await each([sidecar], stop)));
    failures.push(...(await each(infraAlone(pod), stop)));
    recordPodEvent('stop', pod.record);
    return failures;
  } finally {
    takeBack();
  }
}

/**
 * Stops a pod whose exit policy says so, if none of its containers runs any more.
 * @param ended the id of one that does not run
 * @returns the id of the pod that is to be started now, because all have done their work
 */
export async function stopIfDone(reference: string, ended: string): Promise<string | undefined> {
  const pod = findPod(reference);
  const { job } = pod.record;
  if (job !== undefined && mainOf(pod).some((one) => one.record.id === ended && hasFailed(one))) {
    await stopJob(job);
    return undefined;
  }
  const others = mainOf(pod).filter(({ record }) => record.id !== ended);
  if (pod.record.exitPolicy !== 'stop' || others.some(({ state }) => isAlive(state))) return undefined;
  for (const left of [...sidecarsOf(pod).reverse(), ...infraAlone(pod)])
    if (isAlive(left.state)) await stopContainer(left, { timeout: undefined, signal: undefined });
  recordPodEvent('stop', pod.record);
  return nextOf(findPod(reference));
}

/**
 * Sends a signal to the containers of a pod that run. SIGKILL also ends the one that holds the namespaces.
 * @returns why it could not be sent
 * @throws FosterError for a signal that does not exist
 */
export async function killPod(reference: string, signal: string | number = 'SIGKILL'): Promise<unknown[]> {
  const pod = findPod(reference);
  const number = parseSignal('--signal', String(signal));
  const kill = (container: Container) => killContainer(container, number);
  const failures = await each(withoutInfra(pod), kill);
  if (number === SIGKILL) failures.push(...(await each(infraAlone(pod), kill)));
  recordPodEvent('kill', pod.record);
  return failures;
}

/** Freezes all processes of a pod. @returns why containers could not be paused */
export async function pausePod(reference: string): Promise<unknown[]> {
  const pod = findPod(reference);
  const isRunning = ({ state }: Container) => state.status === 'running';
  const failures = await each(withoutInfra(pod).filter(isRunning), pauseContainer);
  // last: the others could be its children
  failures.push(...(await each(infraAlone(pod).filter(isRunning), pauseContainer)));
  recordPodEvent('pause', pod.record);
  return failures;
}

/** Resumes all processes of a pod. @returns why containers could not be resumed */
export async function unpausePod(reference: string): Promise<unknown[]> {
  const pod = findPod(reference);
  const isPaused = ({ state }: Container) => state.status === 'paused';
  const failures = await each(infraAlone(pod).filter(isPaused), unpauseContainer);
  failures.push(...(await each(withoutInfra(pod).filter(isPaused), unpauseContainer)));
  recordPodEvent('unpause', pod.record);
  return failures;
}

/** Ends all pods of a Job: one of its containers has failed for good. */
export async function stopJob(job: string): Promise<void> {
  for (const pod of podsOfJob(job)) if (isPodAlive(pod)) await stopPod(pod.record.id);
}

/**
 * The pod of a Job that comes after one that has done its work. It may have been removed meanwhile, or been started by somebody.
 * @returns its id
 */
export function nextOf(pod: Pod): string | undefined {
  const { next, job } = pod.record;
  const id = next === undefined || !hasDoneItsWork(pod) ? undefined : podOfName(next);
  if (id === undefined || podState(findPod(id)) !== 'Created') return undefined;
  return job !== undefined && hasJobFailed(job) ? undefined : id;
}

function sidecarsOf(pod: Pod): Container[] {
  return withoutInfra(pod).filter(({ record }) => isSidecar(record));
}

function infraAlone(pod: Pod): Container[] {
  const infra = infraOf(pod);
  return infra === undefined ? [] : [infra];
}

/** Does the same with all of them that are alive, at once. @returns why that failed */
async function each(
  containers: readonly Container[],
  act: (container: Container) => Promise<void>,
): Promise<unknown[]> {
  const current = containers.flatMap(({ record }) => readContainer(record.id) ?? []);
  const outcomes = await Promise.allSettled(current.filter(({ state }) => isAlive(state)).map(act));
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
}
