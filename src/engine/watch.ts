import { setTimeout } from 'node:timers/promises';
import { surroundings } from '../sys/surroundings.js';
import type { ProcessDetails } from '../watch/details.js';
import type { Snapshot, WatchEvent } from '../watch/model.js';

export type { ProcessName, Snapshot, WatchEvent, WatchedContainer, WatchedProcess } from '../watch/model.js';
export type { ProcessDetails };

/** What there is at a moment, and what has happened since the last look. */
export interface Look {
  snapshot: Snapshot;
  events: WatchEvent[];
}

/** Milliseconds between the first two looks, so that there are CPU shares soon. */
const FIRST_INTERVAL = 250;

/**
 * Yields at an interval the processes of containers, and what has happened to them since the look before. What begins and ends
 * between two looks is not seen.
 * @param request.containers names or ids; all that run by default
 * @param request.interval milliseconds, 1000 by default
 * @param request.pause waits until the next look; by default for a time, in milliseconds
 * @throws FosterError if one of `containers` does not exist
 */
export async function* watch({
  containers,
  interval = 1000,
  pause = pauseFor,
}: {
  containers?: readonly string[] | undefined;
  interval?: number;
  pause?: (milliseconds: number) => Promise<void>;
}): AsyncGenerator<Look> {
  const { Watcher } = await import('../watch/watcher.js');
  const watcher = new Watcher(containers);
  for (let wait = Math.min(FIRST_INTERVAL, interval); ; wait = interval) {
    yield watcher.look();
    await pause(wait);
  }
}

/** Timers go on, unlike with `waitFor` of sys/poll.ts: who watches also reads keys. */
export async function pauseFor(milliseconds: number): Promise<void> {
  const { signal } = surroundings();
  await setTimeout(milliseconds, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
}

/** The namespaces, the cgroups and the pids of a process; undefined if it is gone. @param start as in a snapshot */
export async function details(hostPid: number, start: string): Promise<ProcessDetails | undefined> {
  const { processDetails } = await import('../watch/details.js');
  return processDetails(hostPid, start);
}

/**
 * Sends a signal to a single process of a container, never to a later one with the same pid.
 * @param signal its number
 * @returns false if the process is gone
 * @throws FosterError if the caller may not
 */
export async function signalProcess(hostPid: number, start: string, signal: number): Promise<boolean> {
  const { signalOne } = await import('../watch/signal.js');
  return signalOne(hostPid, start, signal);
}
