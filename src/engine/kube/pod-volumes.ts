import { closeSync } from 'node:fs';
import { recordVolumeEvent } from '../../container/events/recorder.js';
import { LABEL } from '../../kube/labels.js';
import type { PodPlan } from '../../kube/pod-plan.js';
import type { VolumeFile, VolumePlan } from '../../kube/volumes.js';
import { randomId } from '../../spec/names.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { memoryFile } from '../../sys/libc.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import { ANONYMOUS_LABEL } from '../../volume/record.js';
import { createVolume } from '../../volume/store.js';
import { importFiles, list, remove } from '../volumes.js';
import { makeHostPaths } from './host-paths.js';

/** The volumes that go with a pod: anonymous ones, so that they are removed with its last container. */

/**
 * Makes them, and the files and directories of the host that are missing.
 * @param made receives the name of each as soon as it is there
 * @returns names by those in the pod
 */
export async function makeVolumes(
  podPlan: PodPlan,
  plans: ReadonlyMap<string, VolumePlan>,
  made: (name: string) => void,
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  makeHostPaths(podPlan, plans);
  for (const [name, plan] of plans) {
    if (plan.kind !== 'files' && plan.kind !== 'empty') continue;
    const volume = createFor(podPlan.meta.name, plan.kind === 'files');
    made(volume);
    faultPoint('volume of the pod created');
    await fill(volume, plan.kind === 'files' ? plan.files : [], plan.kind === 'files' ? 0o755 : 0o777);
    faultPoint('volume of the pod filled');
    names.set(name, volume);
  }
  return names;
}

function createFor(pod: string, hasFiles: boolean): string {
  const name = randomId();
  const labels = { [ANONYMOUS_LABEL]: '', [LABEL.pod]: pod, ...(hasFiles && { [LABEL.files]: '' }) };
  const lock = createVolume({ name, labels, options: {}, isAnonymous: true }, { isSolo: true });
  if (lock === undefined) throw new Error(`there is a volume ${name} already`);
  closeSync(lock);
  recordVolumeEvent('create', name);
  return name;
}

/** Removes volumes that belong to pods of a name, but to no container any more. */
export async function removeVolumesOf(pods: ReadonlySet<string>): Promise<void> {
  for (const { name, labels } of await list()) {
    const pod = labels[LABEL.pod];
    if (pod === undefined || !pods.has(pod)) continue;
    try {
      await remove(name);
    } catch (error) {
      if (!(error instanceof FosterError && (error.kind === 'not-found' || error.kind === 'conflict')))
        throw error;
    }
  }
}

/** Puts files into a new volume. @param mode of its directory */
async function fill(volume: string, files: readonly VolumeFile[], mode: number): Promise<void> {
  const input = memoryFile('foster-volume', archiveOf(files, mode));
  try {
    await importFiles(volume, `/proc/self/fd/${input}`);
  } finally {
    closeSync(input);
  }
}

function archiveOf(files: readonly VolumeFile[], mode: number): Buffer {
  const mtime = Math.floor(Date.now() / 1000);
  const common = { target: '', uid: 0, gid: 0, mtime, xattrs: new Map<string, string>() };
  const member = ({ path, content, mode: own }: VolumeFile) => [
    tarHeader({
      ...common,
      name: Buffer.from(path).toString('latin1'),
      type: 'file',
      mode: own,
      size: content.length,
    }),
    content,
    tarPadding(content.length),
  ];
  const top = tarHeader({ ...common, name: './', type: 'directory', mode, size: 0 });
  return Buffer.concat([top, ...files.flatMap(member), TAR_END]);
}
