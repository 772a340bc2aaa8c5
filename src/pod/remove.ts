import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withStoreLock } from '../container/change.js';
import { recordPodEvent } from '../container/events/recorder.js';
import { removeContainer } from '../container/remove.js';
import { noteOwn } from '../container/stop.js';
import { isLocked, podOfName } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { nameLink, podFolder } from '../sys/paths.js';
import type { PodRecord } from './record.js';
import { isPodAlive, podState } from './state.js';
import { stopPod } from './stop.js';
import { findPod, infraOf, listPods, membersOf, storedPods, withoutInfra } from './store.js';

/**
 * Removes a pod with its containers. If this is interrupted, the same again finishes it.
 * @param options.force stops the containers first if they run, and kills them after `timeout` seconds
 * @throws FosterError of the kind `conflict` if a container is alive, `not-found` if there is no such pod
 */
export async function removePod(
  reference: string,
  { force = false, timeout }: { force?: boolean | undefined; timeout?: number | undefined } = {},
): Promise<void> {
  const pod = findPod(reference);
  const { id, name } = pod.record;
  if (!force && isPodAlive(pod))
    throw new FosterError(`cannot remove pod ${name}: it has containers that run`, {
      kind: 'conflict',
      advice: `stop it first, or remove it with "foster pod rm -f ${name}"`,
      exitCode: 1,
    });
  // from now on, no container is added: src/container/create.ts
  const takeBack = noteOwn(join(podFolder(id), 'removing'));
  faultPoint('pod marked as going');
  try {
    await removeNow(pod.record, { force, timeout });
  } finally {
    takeBack();
  }
}

async function removeNow(
  record: PodRecord,
  { force, timeout }: { force: boolean; timeout: number | undefined },
): Promise<void> {
  const { id, name } = record;
  if (force) await stopPod(id, { timeout });
  const current = findPod(id);
  await Promise.all(
    withoutInfra(current).map(({ record }) => removeContainer(record.id, { force, volumes: true })),
  );
  faultPoint('containers of the pod removed');
  const infra = infraOf(current);
  if (infra !== undefined) await removeContainer(infra.record.id, { force, volumes: true });
  // a container may have been added just before the mark
  for (const { record } of membersOf(id)) await removeContainer(record.id, { force: true, volumes: true });
  forget(id, name);
  recordPodEvent('remove', record);
}

function forget(id: string, name: string): void {
  const folder = podFolder(id);
  withStoreLock(() => {
    rmSync(join(folder, 'config.json'), { force: true });
    faultPoint('record of the pod removed');
    // after an interrupted removal, another one may have the name by now
    if (podOfName(name) === id) rmSync(nameLink(name), { force: true });
    faultPoint('name of the pod removed');
  });
  rmSync(folder, { recursive: true, force: true });
}

/**
 * Removes all pods whose containers have ended, and what interrupted commands have left of others.
 * @returns their ids, and why others could not be removed
 */
export async function prunePods(): Promise<{ removed: string[]; failures: unknown[] }> {
  const result: { removed: string[]; failures: unknown[] } = { removed: [], failures: [] };
  for (const pod of listPods()) {
    const { id } = pod.record;
    if (!['Exited', 'Stopped'].includes(podState(pod))) continue;
    try {
      await removePod(id);
      result.removed.push(id);
    } catch (error) {
      result.failures.push(error);
    }
  }
  sweepPods();
  return result;
}

/** Removes pods that were never finished. Their names are removed by src/container/prune.ts. */
export function sweepPods(): void {
  for (const id of storedPods()) {
    const folder = podFolder(id);
    if (!existsSync(join(folder, 'config.json')) && !isLocked(id))
      rmSync(folder, { recursive: true, force: true });
  }
}
