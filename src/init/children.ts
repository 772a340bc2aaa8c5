import { reapChild } from '../sys/libc.js';

/**
 * Some children of this process live on for themselves: monitors as long as their containers, and the network holder as long as any
 * container needs it. Each leaves a zombie, which is reaped here. Nothing waits for that, and it does not keep this process alive.
 */
const children = new Set<number>();
let timer: NodeJS.Timeout | undefined;

/** Milliseconds. */
const INTERVAL = 500;

/** Reaps a child at some time after it has ended. Nothing else may wait for it from now on: its PID may be another child's by then. */
export function reapLater(pid: number): void {
  children.add(pid);
  timer ??= setInterval(reapEnded, INTERVAL).unref();
}

/** Reaps those that have ended. */
export function reapEnded(): void {
  for (const pid of children) if (reapChild(pid)) children.delete(pid);
  if (children.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
