import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny, SystemCallError } from '../sys/ffi.js';
import { exitAtOnce, setParentDeathSignal } from '../sys/libc.js';
import { type Envelope, type Failure, type Outcome, WORKER_FD } from './protocol.js';

/** The work of a helper program. */
export interface WorkerProgram<Order, Opened, Result> {
  /**
   * Opens the files for the work while it is still the caller, who may enter folders that the container's root may not.
   */
  open: (order: Order) => Opened | Promise<Opened>;
  /** Runs as root of the user namespace, if there is one, with a umask of 0. */
  work: (opened: Opened) => Result | Promise<Result>;
  /** Explains an error that is not a FosterError; undefined for the usual explanation. */
  explain?: (error: unknown) => Failure | undefined;
}

const SIGKILL = 9;

/** The main function of a helper program: does its work, reports the result, and exits. */
export async function runWorker<Order, Opened, Result>(
  worker: WorkerProgram<Order, Opened, Result>,
): Promise<never> {
  // Ctrl-C reaches all processes of the terminal. This process ends when foster does.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});
  const envelope = JSON.parse(readFileSync(WORKER_FD.order, 'utf8')) as Envelope<Order>;
  closeSync(WORKER_FD.order);
  let outcome: Outcome<Result>;
  try {
    waitUntilMapped();
    closeSync(WORKER_FD.control);
    const opened = await worker.open(envelope.order);
    if (envelope.root !== undefined) becomeRoot(envelope.root);
    dieWithParent(envelope.parent);
    process.umask(0);
    outcome = { done: await worker.work(opened) };
  } catch (error) {
    outcome = failureOf(error, envelope.title, worker.explain?.(error));
  }
  closeSync(1); // so that its reader need not wait for the exit
  writeSync(WORKER_FD.report, JSON.stringify(outcome));
  exitAtOnce();
}

/** Waits until the parent has mapped the ids. Exits if the parent has died. */
export function waitUntilMapped(): void {
  if (readSync(WORKER_FD.control, Buffer.alloc(1)) === 0) process.exit(125);
}

/** Becomes root of the user namespace. */
export function becomeRoot({ canSetGroups }: { canSetGroups: boolean }): void {
  process.setgid?.(0);
  // Forbidden if only one id is mapped: user_namespaces(7), "setgroups".
  if (canSetGroups) process.setgroups?.([]);
  process.setuid?.(0);
}

/** Must be called after the last change of ids, which would clear the signal. The parent may have died already. */
function dieWithParent(parent: number): void {
  setParentDeathSignal(SIGKILL);
  if (process.ppid !== parent) process.exit(125);
}

/** Explains an error. @param own the explanation of one that is not a FosterError, instead of the usual one */
export function failureOf(error: unknown, title: string, own?: Failure): Failure {
  if (error instanceof FosterError) {
    const { message, advice, kind } = error;
    return { error: message, kind, ...(advice !== undefined && { advice }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return own ?? errnoFailure(error, `${title} failed`) ?? { error: `${title} failed: ${message}` };
}

/**
 * The failure of a system call with its errno in words, after `what` if given. undefined for other errors.
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

/** The end of a sentence: which call failed, on what. */
function callOf(error: unknown): string {
  if (error instanceof SystemCallError) return ` from ${error.call}`;
  const { syscall, path } = error as NodeJS.ErrnoException;
  return syscall === undefined ? '' : ` from ${syscall}${path === undefined ? '' : ` of ${path}`}`;
}
