import { readFileSync, readlinkSync } from 'node:fs';
import { processStart } from '../sys/process.js';

/** What is read of a single process when somebody asks for it. */
export interface ProcessDetails {
  /** The numbers of its namespaces, by their names in /proc/PID/ns: `pid`, `mnt`. Two processes with the same number share it. */
  namespaces: Record<string, number>;
  /** Its cgroups: the lines of /proc/PID/cgroup. */
  cgroups: string[];
  /** Its pid in each of its PID namespaces, the host's first. */
  pids: number[];
  /** The host's id of its user. */
  user: number | undefined;
}

/** Those that containers share most often come first. */
const TYPES = ['pid', 'mnt', 'net', 'user', 'ipc', 'uts', 'cgroup', 'time'];

/** @returns undefined if that process is gone */
export function processDetails(pid: number, start: string): ProcessDetails | undefined {
  const status = textOf(`/proc/${pid}/status`);
  const numbers = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];
  const namespaces = Object.fromEntries(
    TYPES.flatMap((type) => {
      const number = namespaceNumber(pid, type);
      return number === undefined ? [] : [[type, number]];
    }),
  );
  const cgroups = textOf(`/proc/${pid}/cgroup`).split('\n').filter(Boolean);
  // read before: the pid may have been given to another one
  if (processStart(pid) !== start) return undefined;
  return { namespaces, cgroups, pids: numbers('NSpid'), user: numbers('Uid')[1] };
}

function namespaceNumber(pid: number, type: string): number | undefined {
  try {
    return Number(/\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/ns/${type}`))?.[1]);
  } catch {
    return undefined; // without permission, or of a zombie
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
