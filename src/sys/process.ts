import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Fields of proc_pid_stat(5), by their numbers there. */
const STATE = 3;
const GROUP = 5;
const TERMINAL_GROUP = 8;
const FLAGS = 9;
const START_TIME = 22;

/** The first of the fields that `statFields` returns. */
const FIRST = STATE;

function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command's name, may contain parentheses and spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * When a process started, in clock ticks since boot: together with the pid this identifies the process. Undefined if it
 * does not exist. Field 22 of proc_pid_stat(5).
 */
export function processStart(pid: number): string | undefined {
  return statFields(pid)?.[START_TIME - FIRST];
}

/** As `processStart`; undefined for a zombie, too. */
export function readRunningStart(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields?.[STATE - FIRST] === 'Z' ? undefined : fields?.[START_TIME - FIRST];
}

/** Whether a process may read from its terminal: in the background, the kernel would stop it. */
export function isInForeground(pid: number): boolean {
  const fields = statFields(pid);
  return fields !== undefined && fields[GROUP - FIRST] === fields[TERMINAL_GROUP - FIRST];
}

/** Whether a process is exiting or gone, so that its resources may be gone already. */
export function isExiting(pid: number): boolean {
  const PF_EXITING = 4;
  const fields = statFields(pid);
  return fields === undefined || (Number(fields[FLAGS - FIRST]) & PF_EXITING) !== 0;
}

/** Whether a process has this file or directory open; false if it has ended or is not accessible. */
export function hasFileOpen(pid: number, path: string): boolean {
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

/** The children of a process: proc_pid_task(5), "children". */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
      return text.split(' ').filter(Boolean).map(Number);
    });
  } catch {
    return []; // it has exited
  }
}
