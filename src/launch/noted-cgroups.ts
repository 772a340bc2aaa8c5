import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupPlace } from '../plan/step.js';
import { errnoOf } from '../sys/errno.js';
import { writeFileAtomically } from '../sys/files.js';

/**
 * The cgroups of what is run in a folder, be it a container's or that of a step of a build: noted in a file of it before
 * they are made, so that whoever finds the folder can remove them.
 */
const NAME = 'cgroups';

/** Notes cgroups that are about to be made. Those of an earlier run do not count any more. */
export function noteCgroups(folder: string, places: readonly CgroupPlace[]): void {
  const file = join(folder, NAME);
  if (places.length === 0 && !existsSync(file)) return;
  writeFileAtomically(file, JSON.stringify(places), { durable: false });
}

/** What the file says in a new folder; '' if there is none. */
export function cgroupsText(places: readonly CgroupPlace[]): string {
  return places.length === 0 ? '' : JSON.stringify(places);
}

/** What is not as foster has written it does not count. */
export function notedCgroups(folder: string): CgroupPlace[] {
  const file = join(folder, NAME);
  if (!existsSync(file)) return []; // most have none, and an exception costs ten times as much as to ask
  try {
    const places: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(places) ? places.filter(isPlace) : [];
  } catch {
    return [];
  }
}

function isPlace(value: unknown): value is CgroupPlace {
  if (typeof value !== 'object' || value === null) return false;
  const { version, controllers, folder, inner } = value as Record<string, unknown>;
  const isPath = (path: unknown) =>
    typeof path === 'string' && path.startsWith('/') && !path.includes('/../');
  return (version === 1 || version === 2) && Array.isArray(controllers) && isPath(folder) && isPath(inner);
}

/** Removes cgroups that are left, with the processes in those of version 2. Others are dead, or are just dying. */
export function removeNotedCgroups(folder: string): void {
  for (const { version, folder: cgroup, inner } of notedCgroups(folder)) {
    if (version === 2 && existsSync(cgroup)) kill(cgroup);
    for (const each of new Set([inner, cgroup])) removeSoon(each);
  }
}

/** Removes the note, too. */
export function forgetCgroups(folder: string): void {
  removeNotedCgroups(folder);
  rmSync(join(folder, NAME), { force: true });
}

function kill(cgroup: string): void {
  try {
    writeFileSync(join(cgroup, 'cgroup.kill'), '1');
  } catch {
    // an older kernel, or it is gone
  }
}

const PATIENCE = 2000; // ms

function removeSoon(folder: string): void {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      removeBelow(folder);
      rmdirSync(folder);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EBUSY' || performance.now() > deadline) return;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** A container that may mount cgroups may have made some below its own. */
function removeBelow(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    removeBelow(join(folder, entry.name));
    rmdirSync(join(folder, entry.name));
  }
}
