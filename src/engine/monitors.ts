import { reapChild } from '../sys/libc.js';

/**
 * The monitors of containers that this process has started are its children, and live for as long as their containers:
 * each leaves a zombie, which is reaped here. Nothing waits for that, and it keeps no process from ending.
 */
const monitors = new Set<number>();
let timer: NodeJS.Timeout | undefined;

/** Milliseconds. */
const INTERVAL = 500;

/** Has a monitor reaped when it has ended. */
export function reapLater(pid: number): void {
  if (pid <= 0) return;
  monitors.add(pid);
  timer ??= setInterval(reapMonitors, INTERVAL).unref();
}

/** Reaps those that have ended. */
export function reapMonitors(): void {
  for (const pid of monitors) if (reapChild(pid)) monitors.delete(pid);
  if (monitors.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
