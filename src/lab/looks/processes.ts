import { readOrNot } from '../../container/cgroups.js';
import { readCounts } from '../../container/store.js';
import type { Look } from '../lab.js';
import { seen } from './seen.js';

/**
 * What checks look at in processes. `container` is a name; `command` is the whole command line of a process in it.
 */

/** The number of zombies that wait for PID 1 of a container to reap them. */
export function zombies(container: string): Look {
  return (world) => {
    const init = world.init(container);
    const stats = world.processes(container).flatMap((one) => one.stat() ?? []);
    const dead = stats.filter(({ state, parent }) => state === 'Z' && parent === init.pid);
    return { value: dead.length, from: '/proc/*/stat' };
  };
}

/** The number of processes with a command line. */
export function running(container: string, command: string): Look {
  return (world) => {
    const found = world.processes(container).filter((one) => one.command() === command);
    return { value: found.length, from: '/proc/*/cmdline' };
  };
}

/** The parent of a process, by its id in the PID namespace of the process. */
export function parent(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    const depth = process.pids().length;
    return seen(world.parent(process)?.pids()[depth - 1], process, 'stat');
  };
}

/** The name of the parent of a process. */
export function parentName(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    return seen(world.parent(process)?.stat()?.name, process, 'stat');
  };
}

/** The id of a process in the innermost PID namespace that it is in. */
export function innermostPid(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    return seen(process.pids().at(-1), process, 'status');
  };
}

/** In how many PID namespaces a process has an id, from the container's inwards. */
export function pidsInside(container: string, command: string): Look {
  return (world) => {
    const process = world.process(container, command);
    const outside = world.init(container).pids().length - 1;
    return seen(process.pids().length - outside, process, 'status');
  };
}

/** A field of /proc/PID/status of a process: `CapEff`, `Seccomp`, `NoNewPrivs`. */
export function status(container: string, command: string, field: string): Look {
  return (world) => {
    const process = world.process(container, command);
    return seen(process.status(field), process, 'status');
  };
}

/** The soft limit of a process by its words in /proc/PID/limits: `Max processes`. */
export function limit(container: string, command: string, words: string): Look {
  return (world) => {
    const process = world.process(container, command);
    const line = process
      .read('limits')
      .split('\n')
      .find((one) => one.startsWith(words));
    const value = line?.slice(words.length).trim().split(/\s+/)[0];
    return seen(value === undefined || value === 'unlimited' ? value : Number(value), process, 'limits');
  };
}

/** The exit code of a container that has ended: 128 + N if signal N has ended it. Undefined while it runs. */
export function exitCode(container: string): Look {
  return (world) => {
    const { status: state, exitCode: code } = world.container(container).state;
    return { value: state === 'exited' ? code : undefined, from: 'waitid(2)' };
  };
}

/** How many orphans PID 1 of a container has reaped. */
export function reapedOrphans(container: string): Look {
  return (world) => {
    const { id } = world.container(container).record;
    return { value: readCounts(id)?.reaped, from: 'waitid(2)' };
  };
}

/** Whether the process whose id is in a file of the lab's folder runs, with this command line: 1 or 0. */
export function noted(file: string, command: string): Look {
  return ({ folder }) => {
    const pid = Number(readOrNot(folder, file));
    if (!Number.isInteger(pid) || pid <= 0) return { value: undefined, from: file };
    const found = readOrNot(`/proc/${pid}`, 'cmdline').replaceAll('\0', ' ').trim();
    return { value: found === command ? 1 : 0, from: `/proc/${pid}/cmdline` };
  };
}
