import { closeSync } from 'node:fs';
import { recordVolumeEvent } from '../../container/events/recorder.js';
import { LABEL } from '../../kube/labels.js';
import type { PodPlan } from '../../kube/pod-plan.js';
import type { VolumeFile, VolumePlan } from '../../kube/volumes.js';
import { randomId } from '../../spec/names.js';
import { FosterError } from '../../sys/errors.js';
import { faultPoint } from '../../sys/fault.js';
import { memoryFile } from '../../sys/libc.js';
import { surroundings } from '../../sys/surroundings.js';
import { TAR_END, tarHeader, tarPadding } from '../../tar/writer.js';
import { ANONYMOUS_LABEL } from '../../volume/record.js';
import { createVolume } from '../../volume/store.js';
import { exists, importFiles, list, remove, share } from '../volumes.js';
import { makeHostPaths } from './host-paths.js';

/** The volumes that go with a pod: anonymous ones, so that they are removed with its last container. */

/**
 * Makes them, and the files and directories of the host that are missing. An `fsGroup` owns them, and the claims of the pod.
 * @param freshClaims names of the volumes of claims that were just made
 * @param made receives the name of each as soon as it is there
 * @returns names by those in the pod
 */
export async function makeVolumes(
  podPlan: PodPlan,
  plans: ReadonlyMap<string, VolumePlan>,
  freshClaims: ReadonlySet<string>,
  made: (name: string) => Promise<void>,
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  const { fsGroup: group, fsGroupChangePolicy: policy } = podPlan.spec.securityContext ?? {};
  makeHostPaths(podPlan, plans);
  for (const [name, plan] of plans) {
    if (plan.kind === 'claim' && group !== undefined) {
      if (freshClaims.has(plan.name)) await fill(plan.name, [], 0o775, group);
      else if (await exists(plan.name)) await shareClaim(plan.name, group, policy === 'OnRootMismatch');
    }
    if (plan.kind !== 'files' && plan.kind !== 'empty') continue;
    const hasFiles = plan.kind === 'files';
    const volume = createFor(podPlan.meta.name, hasFiles);
    await made(volume);
    faultPoint('volume of the pod created');
    await fill(volume, hasFiles ? plan.files : [], hasFiles ? 0o755 : 0o777, group);
    faultPoint('volume of the pod filled');
    names.set(name, volume);
  }
  return names;
}

/** What is in a volume elsewhere keeps its group. */
async function shareClaim(name: string, group: number, ifOther: boolean): Promise<void> {
  try {
    await share(name, group, { ifOther });
  } catch (error) {
    if (!(error instanceof FosterError && error.kind === 'unsupported')) throw error;
    surroundings().warn(`volume ${name} is not given to the fsGroup: ${error.message}`);
  }
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

/** Puts files into a new volume. @param mode of its directory. @param group that it belongs to; undefined for root's */
async function fill(
  volume: string,
  files: readonly VolumeFile[],
  mode: number,
  group: number | undefined,
): Promise<void> {
  const input = memoryFile('foster-volume', archiveOf(files, mode, group));
  try {
    await importFiles(volume, `/proc/self/fd/${input}`);
  } finally {
    closeSync(input);
  }
}

/** What is made in a directory of a group belongs to the group, too: inode(7). */
const SET_GROUP_ID = 0o2000;
const GROUP_MAY_READ = 0o040;

function archiveOf(files: readonly VolumeFile[], mode: number, group: number | undefined): Buffer {
  const hasGroup = group !== undefined;
  const mtime = Math.floor(Date.now() / 1000);
  const common = { target: '', uid: 0, gid: group ?? 0, mtime, xattrs: new Map<string, string>() };
  const member = ({ path, content, mode: own }: VolumeFile) => [
    tarHeader({
      ...common,
      name: Buffer.from(path).toString('latin1'),
      type: 'file',
      mode: hasGroup ? own | GROUP_MAY_READ : own,
      size: content.length,
    }),
    content,
    tarPadding(content.length),
  ];
  const top = tarHeader({
    ...common,
    name: './',
    type: 'directory',
    mode: hasGroup ? mode | SET_GROUP_ID : mode,
    size: 0,
  });
  return Buffer.concat([top, ...files.flatMap(member), TAR_END]);
}
