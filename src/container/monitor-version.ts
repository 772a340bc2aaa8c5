import { readFileSync } from 'node:fs';
import { wire } from '../sys/wire-constants.js';

/**
 * Whether the monitor of a container understands what this foster leaves for it. It may be of another version: a container runs on
 * while foster is upgraded. Such a monitor ignores the file, and would restart its container in networks that it has left,
 * with addresses that others may have by now.
 * @param pid of the monitor
 */
export function isOfOurVersion(pid: number): boolean {
  try {
    // also if the file was replaced
    return readFileSync(`/proc/${pid}/exe`).includes(`foster wire ${wire.VERSION}\0`);
  } catch {
    return false;
  }
}
