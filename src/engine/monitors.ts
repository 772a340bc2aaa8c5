import { reapChild } from '../sys/libc.js';

/**
 * The monitors of the containers that this process has started are its children. Each lives as long as its container and
 * leaves a zombie, which is reaped here. Nothing waits for that, and it does not keep this process alive.
 */
const monitors = new Set<number>();
let timer: NodeJS.Timeout | undefined;

/** Milliseconds. */
const INTERVAL = 500;

/** Reaps a monitor at some time after it has ended. */
export function reapLater(pid: number): void {
  if (pid <= 0) return;
  monitors.add(pid);
  timer ??= setInterval(reapMonitors, INTERVAL).unref();
}

/** Reaps the monitors that have ended. */
export function reapMonitors(): void {
  for (const pid of monitors) if (reapChild(pid)) monitors.delete(pid);
  if (monitors.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
