import type { KubeObject } from '../../kube/place.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { remove } from '../pods.js';
import { removeClaims } from './claims.js';
import type { DownReport } from './options.js';
import { removeVolumesOf } from './pod-volumes.js';

/**
 * Stops and removes the pods that a file describes, with what goes with them. What is gone already is no failure. What is wrong in the
 * file is a warning: it may have been changed since it was played.
 * @param options.force also removes the volumes of its claims
 * @throws FosterError
 */
export async function down(
  file: string,
  { force = false }: { force?: boolean | undefined } = {},
): Promise<DownReport> {
  const { readFile } = await import('./input.js');
  const { podNamesOf } = await import('../../kube/workloads.js');
  const { podOfName } = await import('../../container/store.js');
  // what it does not understand was not made
  const objects = await readFile(file, { strict: false, onlyNames: true });
  const names = podNamesOf(objects, (name) => podOfName(name) !== undefined);
  return await downObjects(objects, names, { force });
}

/** As `down`, for a file that was read. @param pods names of pods */
export async function downObjects(
  objects: readonly KubeObject[],
  pods: readonly string[],
  { force }: { force: boolean },
): Promise<DownReport> {
  const report: DownReport = { pods: [], volumes: [] };
  for (const name of pods) {
    const id = await podNamed(name);
    if (id === undefined) continue;
    await removeOne(id);
    report.pods.push(id);
    faultPoint('pod removed');
  }
  await removeVolumesOf(new Set(pods));
  if (force) report.volumes = await removeClaims(objects);
  return report;
}

/** The id of the pod that has a name: not of one whose id begins so, or that was never finished. */
export async function podNamed(name: string): Promise<string | undefined> {
  const { podOfName } = await import('../../container/store.js');
  const { readPodRecord } = await import('../../pod/store.js');
  const id = podOfName(name);
  return id === undefined ? undefined : readPodRecord(id)?.id;
}

async function removeOne(id: string): Promise<void> {
  try {
    await remove(id, { force: true });
  } catch (error) {
    if (!(error instanceof FosterError && error.kind === 'not-found')) throw error;
  }
}
