import { openSync } from 'node:fs';
import { lockFile } from '../../../src/sys/libc.js';

/**
 * Waits until no other process makes attacks as root, until the end of this one. Root with more rights changes settings of
 * the kernel, and another test would take them for the right ones, restore them at its end, and leave them to the machine.
 */
export function lockMachine(): void {
  lockFile(openSync('/run/foster-attacks.lock', 'a', 0o600), { wait: true });
}
