import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny, SystemCallError } from '../sys/ffi.js';
import { setParentDeathSignal } from '../sys/libc.js';
import { type Envelope, type Failure, type Outcome, WORKER_FD } from './protocol.js';

/** What a helper program does. */
export interface Work<Order, Opened, Result> {
  /**
   * Runs as the caller still, who may enter folders that the container's root, maybe another user, may not: opens what
   * the work needs.
   */
  open: (order: Order) => Opened;
  /** Runs as root of the user namespace, if there is one, with a umask of 0. */
  work: (opened: Opened) => Result | Promise<Result>;
  /** What to report of an error that is no FosterError; undefined: what is reported of any. */
  explain?: (error: unknown) => Failure | undefined;
}

const SIGKILL = 9;

/** The main function of a helper program: does its work once, reports, and ends. */
export async function runWorker<Order, Opened, Result>(worker: Work<Order, Opened, Result>): Promise<never> {
  // Ctrl-C reaches all processes of the terminal. foster's own death ends us then.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  const envelope = JSON.parse(readFileSync(WORKER_FD.order, 'utf8')) as Envelope<Order>;
  closeSync(WORKER_FD.order);
  let outcome: Outcome<Result>;
  try {
    waitUntilMapped();
    closeSync(WORKER_FD.control);
    const opened = worker.open(envelope.order);
    if (envelope.root !== undefined) becomeRoot(envelope.root);
    dieWithParent(envelope.parent);
    process.umask(0);
    outcome = { done: await worker.work(opened) };
  } catch (error) {
    outcome = failureOf(error, worker.explain?.(error), envelope.title);
  }
  closeSync(1); // who reads it may not wait for us
  writeSync(WORKER_FD.report, JSON.stringify(outcome));
  process.exit(0);
}

/** Ends this process where nobody is left to map its ids. */
export function waitUntilMapped(): void {
  if (readSync(WORKER_FD.control, Buffer.alloc(1)) === 0) process.exit(125);
}

/** Of the user namespace. */
export function becomeRoot({ canSetGroups }: { canSetGroups: boolean }): void {
  process.setgid?.(0);
  // Forbidden where only one id is mapped: user_namespaces(7), "setgroups".
  if (canSetGroups) process.setgroups?.([]);
  process.setuid?.(0);
}

/** Asked for when ids no longer change, which would clear it. The parent may have died before. */
function dieWithParent(parent: number): void {
  setParentDeathSignal(SIGKILL);
  if (process.ppid !== parent) process.exit(125);
}

function failureOf(error: unknown, own: Failure | undefined, title: string): Failure {
  if (error instanceof FosterError) {
    const { message, advice, kind } = error;
    return { error: message, kind, ...(advice !== undefined && { advice }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return own ?? errnoFailure(error, `${title} failed`) ?? { error: `${title} failed: ${message}` };
}

/**
 * The failure of a system call, its errno in words, after `what` if that is given. undefined for another kind of error.
 */
export function errnoFailure(error: unknown, what?: string): Failure | undefined {
  const errno = errnoOfAny(error);
  if (errno === undefined || !(errno in constants.errno)) return undefined;
  const words = errnoWords(errnoNumber(errno));
  return {
    error: what === undefined ? words : `${what}: ${words}${callOf(error)}`,
    errno,
    ...(['ENOSPC', 'EDQUOT'].includes(errno) && { advice: 'free some space on that disk' }),
  };
}

/** The rest of a sentence: which call failed, on what. */
function callOf(error: unknown): string {
  if (error instanceof SystemCallError) return ` from ${error.call}`;
  const { syscall, path } = error as NodeJS.ErrnoException;
  return syscall === undefined ? '' : ` from ${syscall}${path === undefined ? '' : ` of ${path}`}`;
}
