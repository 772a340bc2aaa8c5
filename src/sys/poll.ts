import { call, SystemCallError } from './ffi.js';
import { surroundings } from './surroundings.js';

/**
 * poll(2) shared by all who wait in this process: each awaits its own descriptor, and when there is nothing else to do
 * one call waits for all. That is for commands, which do nothing but wait (Surroundings.ownsProcess): Node's timers stand
 * still meanwhile, and a signal such as that of Ctrl-C ends them as it should. Where other things happen in the process
 * each looks by itself from time to time, and stops at the call's AbortSignal.
 */

interface Waiter {
  /** -1 for one that waits for the time only, as poll(2) has it. */
  fd: number;
  /** In milliseconds of performance.now(). */
  deadline: number;
  settle(isReadable: boolean): void;
}

const waiters = new Set<Waiter>();
let isScheduled = false;

/**
 * Whether `fd` becomes readable within `timeout`. A pidfd does when its process has ended: pidfd_open(2).
 * @param timeout in milliseconds; Infinity for none
 */
export function readable(fd: number, timeout: number): Promise<boolean> {
  const { ownsProcess, signal } = surroundings();
  if (!ownsProcess) return looked(fd, timeout, signal);
  return new Promise((settle) => {
    waiters.add({ fd, deadline: performance.now() + timeout, settle });
    schedule();
  });
}

/** Waits for a time, in milliseconds, while others may wait for descriptors. */
export async function pause(milliseconds: number): Promise<void> {
  await readable(-1, milliseconds);
}

/** Milliseconds between two looks, where nothing may block. */
const SHORTEST_NAP = 1;
const LONGEST_NAP = 10;

/** @throws the signal's reason, where it is aborted */
async function looked(fd: number, timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
  const deadline = performance.now() + timeout;
  for (let nap = SHORTEST_NAP; ; nap = Math.min(nap * 1.5, LONGEST_NAP)) {
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
  setImmediate(round);
}

const ENTRY_SIZE = 8; // struct pollfd
const POLLIN = 1;

function round(): void {
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
