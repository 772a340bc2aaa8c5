import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Place } from '../../kube/place.js';
import type { PodPlan } from '../../kube/pod-plan.js';
import type { VolumePlan } from '../../kube/volumes.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';

interface HostPath {
  path: string;
  type: string;
  /** The field with the path. */
  place: Place;
}

function hostPathsOf({ place, spec }: PodPlan, plans: ReadonlyMap<string, VolumePlan>): HostPath[] {
  return (spec.volumes ?? []).flatMap(({ name }, index) => {
    const plan = plans.get(name);
    if (plan?.kind !== 'host') return [];
    return [{ path: plan.path, type: plan.type, place: place.below('volumes', index, 'hostPath', 'path') }];
  });
}

/** Checks that the files and directories of the host that a pod mounts are there, or may be made. @throws FosterError */
export function checkHostPaths(pod: PodPlan, plans: ReadonlyMap<string, VolumePlan>): void {
  for (const one of hostPathsOf(pod, plans)) checkOne(one);
}

/** @returns whether it is missing, and may be made */
function checkOne({ path, type, place }: HostPath): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) {
    if (type.endsWith('OrCreate')) return true;
    throw place.error(`${path} does not exist`, 'create it first, or use the type DirectoryOrCreate');
  }
  const fits: Readonly<Record<string, boolean>> = {
    Directory: info.isDirectory(),
    DirectoryOrCreate: info.isDirectory(),
    File: info.isFile(),
    FileOrCreate: info.isFile(),
    Socket: info.isSocket(),
    CharDevice: info.isCharacterDevice(),
    BlockDevice: info.isBlockDevice(),
  };
  if (fits[type] === false) throw place.error(`${path} is not a ${type.replace('OrCreate', '')}`);
  return false;
}

/** Makes those of the types DirectoryOrCreate and FileOrCreate that are missing. @throws FosterError */
export function makeHostPaths(pod: PodPlan, plans: ReadonlyMap<string, VolumePlan>): void {
  for (const one of hostPathsOf(pod, plans)) {
    if (!checkOne(one)) continue;
    const { path, type, place } = one;
    try {
      if (type === 'DirectoryOrCreate') mkdirSync(path, { recursive: true, mode: 0o755 });
      else writeFileSync(path, '', { flag: 'wx', mode: 0o644 });
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      throw place.error(`cannot create ${path}: ${errnoWords(errnoNumber(code))}`);
    }
  }
}
