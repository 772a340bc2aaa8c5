import { placeOf, readCgroups, readOrNot } from '../../container/cgroups.js';
import { cgroupUsage } from '../../container/processes/cgroup-usage.js';
import { wasOomKilled } from '../../container/store.js';
import type { Look } from '../lab.js';

/** What checks look at in cgroups, of both versions. */

/** The limit of a container's memory, in bytes. */
export function memoryLimit(container: string): Look {
  return (world) => {
    const places = readCgroups(world.container(container).record.id);
    const file = placeOf(places, 'memory') === undefined ? 'memory.max' : 'memory.limit_in_bytes';
    return { value: cgroupUsage(places, Number.POSITIVE_INFINITY).memoryLimit, from: file };
  };
}

/** The number of processes and threads that the cgroup of a container counts. */
export function tasks(container: string): Look {
  return (world) => {
    const places = readCgroups(world.container(container).record.id);
    return { value: cgroupUsage(places, Number.POSITIVE_INFINITY).tasks, from: 'pids.current' };
  };
}

/** How often the kernel has stopped a container because its share of a period was used up. */
export function throttled(container: string): Look {
  return (world) => {
    const places = readCgroups(world.container(container).record.id);
    const folder = (placeOf(places, 'cpu') ?? places.find(({ version }) => version === 2))?.folder;
    const text = folder === undefined ? '' : readOrNot(folder, 'cpu.stat');
    const count = /^nr_throttled (\d+)$/m.exec(text)?.[1];
    return { value: count === undefined ? undefined : Number(count), from: 'cpu.stat' };
  };
}

/** Whether the kernel has killed a process of a container because its memory was used up: 1 or 0. */
export function outOfMemory(container: string): Look {
  return (world) => ({
    value: wasOomKilled(world.container(container).record.id) ? 1 : 0,
    from: 'oom_kill',
  });
}
