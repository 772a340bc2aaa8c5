import { closeSync, openSync, readSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { decodeReport, encodePlan, REPORT_SIZE, type Report } from '../init/wire.js';
import { FD } from '../plan/facts.js';
import { shiftWarning } from '../plan/handed-mounts.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { memoryFile, openPidfd, signalPidfd, socketPair, waitForChild, waitReadable } from '../sys/libc.js';
import { launchFailure } from './failure.js';
import { type HostTarget, type HostWork, hostResults, runHostSteps, undoHostSteps } from './host-steps.js';
import { throwAtSignal } from './interrupt.js';
import { closeAll, openStreams, type Streams } from './streams.js';

const SIGKILL = 9;

/** PID 1, started and set up: it waits until it is told to execute the user's program. */
export interface Launched {
  pid: number;
  pidfd: number;
  /** Our end of the control socket. */
  control: number;
  /** Our end of the socket over which the terminal's master comes; undefined without a terminal. */
  console: number | undefined;
  /** Our ends of its standard streams. */
  streams: Streams;
  /** The plan's host steps. */
  work: HostWork;
  /** It is in the user and PID namespaces of the container whose PID 1 this is. */
  joined: number | undefined;
}

/** Told about each step as it is done, for --explain. */
export interface Witness {
  started(pid: number): void;
  step(index: number, result: number): void;
  ready(): void;
}

export interface LaunchOptions {
  /** PID 1's stdin is a pipe; /dev/null if false. Without meaning for a container with a terminal. */
  stdin: boolean;
  /** stdout and stderr are /dev/null. */
  isSilent?: boolean;
  /** What it says goes to a log too, wherever else it goes. */
  isLogged?: boolean;
  /** Its streams are carried to those of a program, and not to our descriptors 0, 1 and 2. */
  isProgram?: boolean;
  /** A process whose namespaces are joined. */
  join?: number | undefined;
  /** Whether that pid still is the process that was meant, asked when it can no longer become another one. */
  isJoinable?: () => boolean;
  witness?: Witness | undefined;
  /** Told what is not as the person may expect it. */
  warn?: (sentence: string) => void;
}

/**
 * Clones PID 1 into its namespaces, does the plan's host steps, and waits until it is ready. If anything fails, nothing of it
 * is left when the error is thrown.
 * @throws FosterError with the sentence of the step that failed
 */
export function launch(plan: Plan, options: LaunchOptions): Launched {
  const [control, theirControl] = socketPair();
  const [console, theirConsole] = plan.terminal ? socketPair() : [];
  const blob = memoryFile('foster-plan', encodePlan(plan, { trace: options.witness !== undefined }));
  const nothing = openSync('/dev/null', 'r+');
  const { theirs, ours: streams } = openStreams({
    input: options.stdin && !plan.terminal,
    output: !plan.terminal && !options.isSilent,
    isLogged: options.isLogged ?? false,
    isProgram: options.isProgram ?? false,
  });
  const stdio = theirs.map((end) => end ?? nothing);
  const descriptors: (number | undefined)[] = [...stdio, theirControl, blob];
  if (theirConsole !== undefined) descriptors[FD.CONSOLE] = theirConsole;
  const join = options.join === undefined ? undefined : openPidfd(options.join);
  if (join !== undefined) descriptors[FD.JOIN] = join;
  let child: { pid: number; pidfd: number } | undefined;
  try {
    if (options.isJoinable?.() === false)
      throw new FosterError('the container has just ended', { exitCode: 1 });
    child = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init'],
        env: [],
        descriptors: Array.from(descriptors),
        privileged: plan.namespaces.includes('user'),
      },
      namespaceFlags(plan.namespaces),
    );
    options.witness?.started(child.pid);
    faultPoint('PID 1 started');
  } catch (error) {
    closeAll([control, console, ...streams]);
    throw cloneFailure(error);
  } finally {
    closeAll([theirControl, theirConsole, blob, nothing, join, ...theirs]);
  }
  let work: HostWork | undefined;
  try {
    work = doHostSteps(plan, { ...child, control }, options.join ?? child.pid);
    faultPoint('host steps done');
    const { witness, warn } = options;
    const { output } = work;
    waitUntilReady(plan, control, { child, witness, warn, output, outcomes: hostResults(work) });
    faultPoint('ready');
    return { ...child, control, console, streams, work, joined: options.join };
  } catch (error) {
    abandon({ ...child, control, console, streams, work });
    throw error;
  }
}

/** @param inside a process of the user namespace by whose ids mounts are shifted */
function doHostSteps(plan: Plan, target: HostTarget, inside: number): HostWork {
  const isHanded = plan.host.some(({ kind }) => kind === 'hand');
  const users = isHanded ? openUserNamespace(inside) : undefined;
  try {
    return runHostSteps(plan.host, { ...target, users, endsAtSignal: true });
  } finally {
    closeAll([users]);
  }
}

/** Undefined where the process has ended: PID 1 has failed then, and says at what. */
function openUserNamespace(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch {
    return undefined;
  }
}

/** Ends what `launch` has started, before the user's program runs. */
export function abandon(launched: Omit<Launched, 'joined' | 'work'> & { work: HostWork | undefined }): void {
  signalPidfd(launched.pidfd, SIGKILL);
  // Before PID 1, which may wait for an answer from there, and cannot be killed then. Nothing is written yet that matters.
  if (launched.work !== undefined) undoHostSteps(launched.work, { isPatient: false });
  waitForChild(launched.pid);
  closeAll([launched.pidfd, launched.control, launched.console, ...launched.streams]);
}

/** What `waitUntilReady` is told, and whom it tells. */
export interface Waiter {
  /** Becomes the process that goes on in its place (`refork`); undefined where PID 1 is another process's child. */
  child?: { pid: number; pidfd: number };
  witness?: Witness | undefined;
  /** Told what is not as the person may expect it. */
  warn?: ((sentence: string) => void) | undefined;
  /** What the programs of host steps say: a descriptor. */
  output: number | undefined;
  /** What became of host steps, as far as it is known already. */
  outcomes: number[];
}

/**
 * Takes PID 1's reports, and those of whoever starts it, until it is ready.
 * @throws FosterError with the sentence of the step that failed
 */
export function waitUntilReady(
  plan: Plan,
  socket: number,
  { child, witness, warn, output, outcomes }: Waiter,
): void {
  for (;;) {
    const report = nextReport(socket);
    switch (report?.kind) {
      case undefined:
        throw new FosterError('the first process of the container was killed while it was set up');
      case 'ready': {
        const warning = shiftWarning(plan.host, outcomes);
        if (warning !== undefined) warn?.(warning);
        witness?.ready();
        return;
      }
      case 'started':
        witness?.started(report.pid);
        faultPoint('PID 1 started');
        break;
      case 'handed':
        outcomes[report.index] = report.outcome;
        break;
      case 'step':
        witness?.step(report.index, report.result);
        break;
      case 'reforked':
        if (child !== undefined) followTo(report.pid, child);
        break;
      case 'failed':
        throw launchFailure(plan, report, output);
      default:
        break;
    }
  }
}

function followTo(pid: number, child: { pid: number; pidfd: number }): void {
  waitForChild(child.pid);
  closeSync(child.pidfd);
  child.pid = pid;
  child.pidfd = openPidfd(pid);
}

/** The next report; undefined when PID 1 is gone. A signal that asks foster to end does so. */
export function nextReport(control: number): Report | undefined {
  for (;;) {
    throwAtSignal();
    // A signal may come just before the wait, or be taken by another of Node's threads: look again now and then.
    if (waitReadable(control, 100) !== 'ready') continue;
    const buffer = Buffer.alloc(REPORT_SIZE);
    return readOrEnd(control, buffer) === REPORT_SIZE ? decodeReport(buffer) : undefined;
  }
}

/** As read(2); 0 also where the other side was killed before it had read all that was said to it: unix(7). */
function readOrEnd(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (errnoOf(error) === 'ECONNRESET') return 0;
    throw error;
  }
}
