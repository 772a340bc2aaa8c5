import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noteCgroups, notedCgroups, removeNotedCgroups } from '../launch/noted-cgroups.js';
import { planCgroups, wantsCgroup } from '../plan/cgroup/plan.js';
import type { CgroupPlan, Unenforced } from '../plan/cgroup/result.js';
import type { CgroupPlace, Plan } from '../plan/step.js';
import type { Spec } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { containerFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import { cgroupFacts } from './cgroup-facts.js';
import type { ContainerRecord } from './record.js';

/**
 * How the container's limits are enforced on this host; undefined if it has none.
 * @throws FosterError if a limit cannot be enforced; a warning with --ignore-unenforced-limits
 */
export function cgroupPlan({
  id,
  spec,
  limits,
}: Pick<ContainerRecord, 'id' | 'spec' | 'limits'>): CgroupPlan | undefined {
  if (!wantsCgroup(spec.linux)) return undefined;
  const plan = planCgroups(spec.linux, cgroupFacts(), id);
  refuseUnenforced(plan.unenforced, limits?.ignoresUnenforced ?? false);
  return plan;
}

/** @throws FosterError with all options that cannot be enforced, and the reason for the first */
export function refuseUnenforced(unenforced: readonly Unenforced[], isIgnored: boolean): void {
  const [first] = unenforced;
  if (first === undefined) return;
  const { because, advice } = first;
  const options = [
    ...new Set(unenforced.filter((each) => each.because === because).map(({ option }) => option)),
  ];
  const what = options.join(', ');
  if (isIgnored) {
    surroundings().warn(`${what} ${options.length > 1 ? 'are' : 'is'} not enforced: ${because}`);
    const rest = unenforced.filter((each) => each.because !== because);
    refuseUnenforced(rest, true);
    return;
  }
  throw new FosterError(`cannot enforce ${what}: ${because}`, {
    kind: 'unsupported',
    advice: `${advice}; --ignore-unenforced-limits goes on without`,
  });
}

/** Records the cgroups before they are made, so that another command can remove them even if this one is killed. */
export function writeCgroups(id: string, { cgroup }: Plan): void {
  noteCgroups(containerFolder(id), cgroup?.places ?? []);
}

/** The cgroups of a container. */
export function readCgroups(id: string): CgroupPlace[] {
  return notedCgroups(containerFolder(id));
}

/** The cgroups of a container that runs, for the plan of its next start by its monitor, which knows how they are made. */
export function cgroupsAsPlanned(id: string): CgroupPlan {
  const places = readCgroups(id);
  const steps = places.map(({ folder }) => ({ kind: 'cgroup', action: 'enter', folder, why: '' }) as const);
  return { places, steps, unenforced: [] };
}

/** Removes cgroups that a killed monitor has left behind. Their processes are dead or just dying. */
export function removeCgroups(id: string): void {
  removeNotedCgroups(containerFolder(id));
}

/** Where the monitor sees that the kernel has killed processes for their memory, and what it says then. */
export interface OomReport {
  folder: string;
  file: string;
  message: string;
}

/** @param subject who ran out of memory: `container web` */
export function oomReport({ cgroup }: Plan, subject: string, { linux }: Spec): OomReport | undefined {
  if (cgroup?.oom === undefined) return undefined;
  const { limit = 0 } = linux.resources?.memory ?? {};
  const most = limit > 0 ? `its limit of ${inUnits(limit)} of memory` : 'the memory that it may use';
  const message = `foster: ${subject} ran out of memory: the kernel killed a process, since it needed more than ${most}\n`;
  return { ...cgroup.oom, message };
}

/** A size as --memory takes it: `64m`. */
function inUnits(bytes: number): string {
  const UNITS: [string, number][] = [
    ['g', 1024 ** 3],
    ['m', 1024 ** 2],
    ['k', 1024],
  ];
  const [unit, size] = UNITS.find(([, each]) => bytes % each === 0) ?? [' bytes', 1];
  return `${bytes / size}${unit}`;
}

/** The cgroup that has a controller, if the container has one. */
export function placeOf(places: readonly CgroupPlace[], controller: string): CgroupPlace | undefined {
  return places.find(({ controllers, version }) => version === 1 && controllers.includes(controller));
}

/**
 * Freezes or thaws all processes of a container. Returns false if no cgroup of it can do that.
 * @throws as node:fs
 */
export function freeze(places: readonly CgroupPlace[], isFrozen: boolean): boolean {
  const old = placeOf(places, 'freezer');
  const unified = places.find(({ version }) => version === 2);
  if (old !== undefined) writeFileSync(join(old.folder, 'freezer.state'), isFrozen ? 'FROZEN' : 'THAWED');
  else if (unified !== undefined) writeFileSync(join(unified.folder, 'cgroup.freeze'), isFrozen ? '1' : '0');
  else return false;
  return true;
}

export function isFreezable(places: readonly CgroupPlace[]): boolean {
  return placeOf(places, 'freezer') !== undefined || places.some(({ version }) => version === 2);
}

/** Whether all processes of a container are frozen. */
export function isFrozen(places: readonly CgroupPlace[]): boolean {
  const old = placeOf(places, 'freezer');
  const unified = places.find(({ version }) => version === 2);
  if (old !== undefined) return readOrNot(old.folder, 'freezer.state').trim() === 'FROZEN';
  return unified !== undefined && /^frozen 1$/m.test(readOrNot(unified.folder, 'cgroup.events'));
}

/** Thaws a paused container, so that it can be killed. Does nothing if it is not frozen. */
export function thaw(id: string): void {
  const places = readCgroups(id);
  try {
    freeze(places, false);
  } catch {
    // it is gone
  }
}

export function readOrNot(folder: string, name: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return '';
  }
}
