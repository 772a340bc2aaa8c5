import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Container, isAlive, isToStayStopped } from '../container/store.js';
import { errnoOf } from '../sys/errno.js';
import { lockFile } from '../sys/libc.js';
import { jobFailures, podFolder } from '../sys/paths.js';
import type { PodRecord } from './record.js';
import { isSidecar } from './state.js';
import { listPods, type Pod, withoutInfra } from './store.js';

/** A Job of Kubernetes: pods that know each other by the id of the first one. */

/** The containers of a pod but its sidecars, which others do not wait for. */
export function mainOf(pod: Pod): Container[] {
  return withoutInfra(pod).filter(({ record }) => !isSidecar(record));
}

/** Whether all containers of a pod have ended by themselves, and well. */
export function hasDoneItsWork(pod: Pod): boolean {
  return mainOf(pod).every(({ record, state }) => state.exitCode === 0 && !isToStayStopped(record.id));
}

/** The pods of a Job. */
export function podsOfJob(job: string): Pod[] {
  return listPods().filter(({ record }) => record.job === job);
}

/** Whether a container has ended by itself, with an error, and is not started again. */
export function hasFailed({ record, state }: Container): boolean {
  return state.status === 'exited' && state.exitCode !== 0 && !isToStayStopped(record.id);
}

/** Whether a container of a Job has failed for good, and the Job with it. */
export function hasJobFailed(job: string): boolean {
  return podsOfJob(job).some((pod) => mainOf(pod).some(hasFailed));
}

/** Whether a container was killed together with its monitor, so that nobody looks after it. */
export function isAbandoned({ record, state }: Container): boolean {
  return state.status === 'dead' && !isAlive(state) && !isToStayStopped(record.id);
}

/** Counts a failure as monitors do: src/init/restart.c. @returns how many there are now */
export function countFailure(job: string): number {
  const file = jobFailures(job);
  writeFileSync(file, '.', { flag: 'a', mode: 0o600 });
  return statSync(file).size;
}

/**
 * Takes the right to start a pod of a Job: the monitor of the pod before, `kube play`, and a command that goes on with what others have
 * left might do it at the same time.
 * @returns gives it back; undefined if somebody else has it, or the pod is gone
 */
export function holdStart({ id, job }: PodRecord): (() => void) | undefined {
  if (job === undefined) return () => {};
  let file: number;
  try {
    file = openSync(join(podFolder(id), 'start'), 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (lockFile(file, { wait: false })) return () => closeSync(file);
  closeSync(file);
  return undefined;
}
