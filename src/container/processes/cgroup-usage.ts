import type { CgroupPlace } from '../../plan/step.js';
import { readOrNot } from '../cgroups.js';

/** Usage counted by the cgroups of a container, in bytes unless noted; undefined if no cgroup counts it. */
export interface CgroupUsage {
  memory: number | undefined;
  memoryLimit: number | undefined;
  tasks: number | undefined;
  block: { read: number; written: number } | undefined;
}

/** @param machine the machine's memory in bytes; a higher limit counts as none */
export function cgroupUsage(places: readonly CgroupPlace[], machine: number): CgroupUsage {
  const unified = unifiedFolder(places);
  const read = (controller: string, name: string, unifiedName: string) => {
    const old = oldFolder(places, controller);
    if (old !== undefined) return readOrNot(old, name);
    return unified === undefined ? '' : readOrNot(unified, unifiedName);
  };
  const isOld = oldFolder(places, 'memory') !== undefined;
  const used = numberIn(read('memory', 'memory.usage_in_bytes', 'memory.current'));
  const cache = fieldOf(
    read('memory', 'memory.stat', 'memory.stat'),
    isOld ? 'total_inactive_file' : 'inactive_file',
  );
  const limit = numberIn(read('memory', 'memory.limit_in_bytes', 'memory.max'));
  return {
    // as in Docker, without cached pages that can be dropped at once
    memory: used === undefined ? undefined : Math.max(used - (cache ?? 0), 0),
    memoryLimit: limit === undefined ? undefined : Math.min(limit, machine),
    tasks: numberIn(read('pids', 'pids.current', 'pids.current')),
    block: blockOf(oldFolder(places, 'blkio'), unified),
  };
}

/** The cgroup of version 2. */
function unifiedFolder(places: readonly CgroupPlace[]): string | undefined {
  return places.find(({ version }) => version === 2)?.folder;
}

/** The cgroup of version 1 that has the controller. */
function oldFolder(places: readonly CgroupPlace[], controller: string): string | undefined {
  return places.find((place) => place.version === 1 && place.controllers.includes(controller))?.folder;
}

/** CPU time in milliseconds; undefined if no cgroup counts it. */
export function cgroupCpu(places: readonly CgroupPlace[]): number | undefined {
  const [old, unified] = [oldFolder(places, 'cpuacct'), unifiedFolder(places)];
  if (old !== undefined) {
    const nanoseconds = numberIn(readOrNot(old, 'cpuacct.usage'));
    return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
  }
  const microseconds =
    unified === undefined ? undefined : fieldOf(readOrNot(unified, 'cpu.stat'), 'usage_usec');
  return microseconds === undefined ? undefined : microseconds / 1000;
}

function blockOf(old: string | undefined, unified: string | undefined): CgroupUsage['block'] {
  const text =
    old === undefined
      ? unified === undefined
        ? ''
        : readOrNot(unified, 'io.stat')
      : readOrNot(old, 'blkio.throttle.io_service_bytes');
  if (text.trim() === '') return undefined;
  const total = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0);
  return old === undefined
    ? { read: total(/\brbytes=(\d+)/g), written: total(/\bwbytes=(\d+)/g) }
    : { read: total(/ Read (\d+)$/gm), written: total(/ Write (\d+)$/gm) };
}

/** The number in a file; undefined for `max` and for a missing file. */
function numberIn(text: string): number | undefined {
  return /^\d+\n?$/.test(text) ? Number(text) : undefined;
}

/** A line `NAME NUMBER`. */
function fieldOf(text: string, name: string): number | undefined {
  const number = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return number === undefined ? undefined : Number(number);
}
