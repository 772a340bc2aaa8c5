import { readFileSync } from 'node:fs';
import { type MountInfo, parseMountInfo } from '../../explain/mount-info.js';
import type { KernelProcess } from '../kernel/process.js';
import type { Look } from '../lab.js';
import { seen } from './seen.js';

/** What checks look at in mounts. `path` is as the process sees it. */

function readMounts(process: KernelProcess): MountInfo[] {
  return parseMountInfo(process.read('mountinfo'));
}

/** The file system that a process has at a path: `overlay`; of PID 1, if no command is given. */
export function fileSystem(container: string, path: string, command?: string): Look {
  return (world) => {
    const process = command === undefined ? world.init(container) : world.process(container, command);
    const mount = readMounts(process).findLast(({ target }) => target === path);
    return seen(mount?.type, process, 'mountinfo');
  };
}

/** Whether changes of a mount are passed on: `shared`, `slave` or `private`. */
export function propagation(container: string, path: string): Look {
  return (world) => {
    const process = world.init(container);
    const mount = readMounts(process).findLast(({ target }) => target === path);
    return seen(mount && kindOf(mount.propagation), process, 'mountinfo');
  };
}

function kindOf(tags: readonly string[]): string {
  if (tags.some((tag) => tag.startsWith('shared:'))) return 'shared';
  return tags.some((tag) => tag.startsWith('master:')) ? 'slave' : 'private';
}

/** The number of mounts at or below a path. */
export function mountsBelow(container: string, path: string): Look {
  return (world) => {
    const process = world.init(container);
    const found = readMounts(process).filter(({ target }) =>
      `${target}/`.startsWith(path.endsWith('/') ? path : `${path}/`),
    );
    return seen(found.length, process, 'mountinfo');
  };
}

/**
 * How many mounts with this source this command sees, and so the learner's shell.
 * @param container one that must run: without it, no mount says nothing
 */
export function mountsOutside(source: string, container: string): Look {
  return (world) => {
    world.init(container);
    const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
    return {
      value: mounts.filter((mount) => mount.source === source).length,
      from: '/proc/self/mountinfo',
    };
  };
}

/** Where a process sees mounts, in alphabetical order. */
export function mountsOf(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    const places = readMounts(process).map(({ target }) => target);
    return seen([...new Set(places)].toSorted().join(' '), process, 'mountinfo');
  };
}
