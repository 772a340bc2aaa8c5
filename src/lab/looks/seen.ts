import type { KernelProcess } from '../kernel/process.js';
import type { Seen } from '../lab.js';

/** What a file of a process says. */
export function seen(value: Seen['value'], process: KernelProcess, file: string): Seen {
  return { value, from: `/proc/${process.pid}/${file}` };
}
