import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Fields of proc_pid_stat(5), by their numbers there. */
const STATE = 3;
const FLAGS = 9;
const START_TIME = 22;

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the command's name, may hold anything, parentheses and spaces too.
    return ['', String(pid), '', ...text.slice(text.lastIndexOf(')') + 2).split(' ')];
  } catch {
    return undefined;
  }
}

/**
 * When a process started, in clock ticks since boot: with its pid it means this process and no later one. Undefined
 * where there is none. Field 22 of proc_pid_stat(5).
 */
export function processStart(pid: number): string | undefined {
  return statFields(pid)?.[START_TIME];
}

/** As `processStart`; undefined also of a zombie, which runs no more. */
export function readRunningStart(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields?.[STATE] === 'Z' ? undefined : fields?.[START_TIME];
}

/** Whether a process is on its way out, or gone: what it had may be gone already. */
export function isExiting(pid: number): boolean {
  const PF_EXITING = 4;
  const fields = statFields(pid);
  return fields === undefined || (Number(fields[FLAGS]) & PF_EXITING) !== 0;
}

/** Whether a process has this very file or directory open; false where it has ended, or is not ours to look into. */
export function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const descriptors = readdirSync(folder);
    const { dev, ino } = statSync(path);
    return descriptors.some((fd) => {
      const info = statSync(join(folder, fd), { throwIfNoEntry: false });
      return info?.ino === ino && info.dev === dev;
    });
  } catch {
    return false;
  }
}

/** The processes whose parent a process is: proc_pid_task(5), "children". */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
      return text.split(' ').filter(Boolean).map(Number);
    });
  } catch {
    return []; // it has ended
  }
}
