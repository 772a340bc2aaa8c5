import { readFileSync } from 'node:fs';

/**
 * When a process started, in clock ticks since boot: with its pid it means this process and no later one. Undefined
 * where there is none. Field 22 of proc_pid_stat(5).
 */
export function processStart(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field, the command's name, may hold anything, parentheses and spaces too.
  const START_TIME = 22;
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[START_TIME - 3];
}
