import { readlinkSync } from 'node:fs';
import type { Look } from '../lab.js';
import { seen } from './seen.js';

/** What checks look at in namespaces, and in who is who in them. */

export type NamespaceKind = 'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'time' | 'user' | 'uts';

/** The identity of a namespace of PID 1, or of the process with a command line: `pid:[4026532201]`. */
export function namespace(container: string, kind: NamespaceKind, command?: string): Look {
  return (world) => {
    const process = command === undefined ? world.init(container) : world.process(container, command);
    return seen(process.link(`ns/${kind}`), process, `ns/${kind}`);
  };
}

/** The same of this command, and so of the learner's shell. */
export function ownNamespace(kind: NamespaceKind): Look {
  return () => ({ value: readlinkSync(`/proc/self/ns/${kind}`), from: `/proc/self/ns/${kind}` });
}

/** Whose process it is on this machine: the number of a user. */
export function userOutside(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    return seen(process.user(), process, 'status');
  };
}

/** Which user of the machine a user of a container is: the container's uid_map. */
export function idOutside(container: string, inside: number): Look {
  return (world) => {
    const init = world.init(container);
    const lines = init
      .read('uid_map')
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    const map = lines.find(([first = 0, , size = 0]) => inside >= first && inside < first + size);
    return seen(map && (map[1] ?? 0) + inside - (map[0] ?? 0), init, 'uid_map');
  };
}

/** The user of this command. */
export const ownUser: Look = () => ({ value: process.getuid?.(), from: 'getuid(2)' });
