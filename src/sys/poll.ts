import { call, SystemCallError } from './ffi.js';
import { surroundings } from './surroundings.js';

/**
 * poll(2) for all waits in this process: each awaits its own descriptor, and when there is nothing else to do, one call
 * waits for all of them. That is for commands, which do nothing else while they wait (Surroundings.ownsProcess): Node's
 * timers stop meanwhile, and signals such as that of Ctrl-C end the process as usual. In a process that does other
 * things, each wait polls periodically, and stops at the call's AbortSignal.
 */

interface Waiter {
  /** -1 to wait only for the timeout, as in poll(2). */
  fd: number;
  /** In milliseconds of performance.now(). */
  deadline: number;
  settle(isReadable: boolean): void;
}

const waiters = new Set<Waiter>();
let isScheduled = false;

/**
 * Waits until `fd` is readable.
 * @returns whether that was within `timeout`; a pidfd is readable when its process has ended: pidfd_open(2)
 * @param timeout in milliseconds; Infinity for none
 */
export function waitUntilReadable(fd: number, timeout: number): Promise<boolean> {
  const { ownsProcess, signal } = surroundings();
  if (!ownsProcess) return pollPeriodically(fd, timeout, signal);
  return new Promise((settle) => {
    waiters.add({ fd, deadline: performance.now() + timeout, settle });
    schedule();
  });
}

/** Waits for a time in milliseconds, without holding up other waits. */
export async function waitFor(milliseconds: number): Promise<void> {
  await waitUntilReadable(-1, milliseconds);
}

/** Milliseconds between two polls, if the process must not block. */
const MIN_DELAY = 1;
const MAX_DELAY = 10;

/** @throws the signal's reason if it is aborted */
async function pollPeriodically(
  fd: number,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const deadline = performance.now() + timeout;
  for (let nap = MIN_DELAY; ; nap = Math.min(nap * 1.5, MAX_DELAY)) {
    signal?.throwIfAborted();
    if (fd >= 0 && isReadable(fd)) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await new Promise((done) => setTimeout(done, Math.min(nap, left)));
  }
}

function isReadable(fd: number): boolean {
  const entry = Buffer.alloc(ENTRY_SIZE);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLLIN, 4);
  poll(entry, 1, 0);
  return entry.readInt16LE(6) !== 0;
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(pollAll);
}

const ENTRY_SIZE = 8; // struct pollfd
const POLLIN = 1;

function pollAll(): void {
  isScheduled = false;
  const waiting = [...waiters];
  const entries = Buffer.alloc(waiting.length * ENTRY_SIZE);
  for (const [index, { fd }] of waiting.entries()) {
    entries.writeInt32LE(fd, index * ENTRY_SIZE);
    entries.writeInt16LE(POLLIN, index * ENTRY_SIZE + 4);
  }
  poll(entries, waiting.length, Math.min(...waiting.map(({ deadline }) => deadline)) - performance.now());
  const now = performance.now();
  for (const [index, waiter] of waiting.entries()) {
    const isReadable = entries.readInt16LE(index * ENTRY_SIZE + 6) !== 0;
    if (!isReadable && waiter.deadline > now) continue;
    waiters.delete(waiter);
    waiter.settle(isReadable);
  }
  if (waiters.size > 0) schedule();
}

function poll(entries: Buffer, count: number, timeout: number): void {
  const LONGEST = 2 ** 31 - 1;
  const milliseconds = Math.min(Math.max(Math.ceil(timeout), 0), LONGEST);
  try {
    call('int poll(void *fds, unsigned long count, int timeout)', entries, count, milliseconds);
  } catch (error) {
    const EINTR = 4;
    if (!(error instanceof SystemCallError) || error.errno !== EINTR) throw error;
  }
}
