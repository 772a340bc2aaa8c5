import { closeSync, openSync, readSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { CONTROL_RESUME, decodeReport, encodePlan, REPORT_SIZE, type Report } from '../init/wire.js';
import { FD } from '../plan/facts.js';
import { shiftWarning } from '../plan/handed-mounts.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/step.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import {
  duplicate,
  memoryFile,
  openPidfd,
  signalPidfd,
  socketPair,
  waitForChild,
  waitReadable,
} from '../sys/libc.js';
import { sendWord } from '../sys/write.js';
import { launchFailure } from './failure.js';
import { type HostTarget, type HostWork, hostResults, runHostSteps, undoHostSteps } from './host-steps.js';
import { throwIfSignaled } from './interrupt.js';
import { closeAll, openStreams, type Streams } from './streams.js';

const SIGKILL = 9;

/** After the standard streams. */
const FIRST_KEPT = 3;

/** PID 1, started and set up: it waits for CONTROL_START, and then executes the user's program. */
export interface Launched {
  pid: number;
  pidfd: number;
  /** Our end of the control socket. */
  control: number;
  /** Our end of the socket over which PID 1 sends the terminal's master; undefined without a terminal. */
  console: number | undefined;
  /** Our ends of its standard streams. */
  streams: Streams;
  /** The plan's host steps. */
  work: HostWork;
  /** A PID in its user namespace, where we may not access its own process: one that was executed outside of that. */
  inside: number;
}

/** Called when a step is done, for --explain. */
export interface LaunchObserver {
  started(pid: number): void;
  /** If it is there, PID 1 waits for the end of this call: its first step is `await`. */
  attach?(pid: number): void;
  step(index: number, result: number): void;
  ready(): void;
}

export interface LaunchOptions {
  /** PID 1's stdin is a pipe; /dev/null if false. Ignored for a container with a terminal. */
  stdin: boolean;
  /** stdout and stderr are /dev/null. */
  isSilent?: boolean;
  /** Whether its output also goes to a log. */
  isLogged?: boolean;
  /** Whether its streams are carried to streams of the calling program, instead of our descriptors 0, 1 and 2. */
  isProgram?: boolean;
  /** PID of a process whose namespaces PID 1 enters: of another container, or the network holder. */
  join?: number | undefined;
  /** PID of the network holder. */
  holder?: number | undefined;
  /** In place of it, the descriptor of a user namespace, for a plan that joins nothing else with it. */
  joinNamespace?: number | undefined;
  /** Whether the PID still belongs to the intended process; called when its pidfd is open. */
  isJoinable?: () => boolean;
  observer?: LaunchObserver | undefined;
  /** Is called with a warning for the user. */
  warn?: (sentence: string) => void;
  /** Called while PID 1 makes its mounts, which takes milliseconds. PID 1 may yet continue as another process. */
  meanwhile?: (launched: Launched) => void;
}

/**
 * Clones PID 1 into its namespaces, does the plan's host steps, and waits until PID 1 is ready. If anything fails, all of it
 * is undone before the error is thrown.
 * @throws FosterError of the step that failed
 */
export function launch(plan: Plan, options: LaunchOptions): Launched {
  const [control, theirControl] = socketPair();
  const [console, theirConsole] = plan.terminal ? socketPair() : [];
  const blob = memoryFile('foster-plan', encodePlan(plan, { trace: options.observer !== undefined }));
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
  const join = openJoined(options);
  if (join !== undefined) descriptors[FD.JOIN] = join;
  keepDescriptors(descriptors, FD.KEPT, plan);
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
    options.observer?.started(child.pid);
    if (options.observer?.attach !== undefined) {
      options.observer.attach(child.pid);
      sendWord(control, CONTROL_RESUME);
    }
    faultPoint('PID 1 started');
  } catch (error) {
    closeAll([control, console, join, ...streams]);
    throw cloneFailure(error);
  } finally {
    closeAll([theirControl, theirConsole, blob, nothing, ...theirs]);
  }
  let work: HostWork | undefined;
  const { observer, warn } = options;
  const isSeen = plan.joinsPids === true || !plan.isNested;
  const holder = options.holder === undefined ? undefined : openPidfd(options.holder);
  try {
    if (plan.isNested) {
      waitForRefork(plan, control, child, observer);
      faultPoint('PID 1 in its namespaces');
    }
    const inside = (isSeen ? options.join : undefined) ?? child.pid;
    work = doHostSteps(plan, { ...child, control, holder }, inside);
    faultPoint('host steps done');
    options.meanwhile?.({ ...child, control, console, streams, work, inside });
    const { output } = work;
    waitUntilReady(plan, control, { child, observer, warn, output, outcomes: hostResults(work) });
    faultPoint('ready');
    return { ...child, control, console, streams, work, inside };
  } catch (error) {
    abandon({ ...child, control, console, streams, work });
    throw error;
  } finally {
    closeAll([join, holder]);
  }
}

function openJoined({ join, joinNamespace }: LaunchOptions): number | undefined {
  if (joinNamespace !== undefined) return duplicate(joinNamespace);
  return join === undefined ? undefined : openPidfd(join);
}

/** Adds those of this process that are for the container's program, at `first` and following. */
export function keepDescriptors(
  descriptors: (number | undefined)[],
  first: number,
  { kept = 0 }: Pick<Plan, 'kept'>,
): void {
  for (let index = 0; index < kept; index++) descriptors[first + index] = FIRST_KEPT + index;
}

/** Waits until a nested PID 1 has made its namespaces and continues in a child, the actual PID 1. @throws FosterError */
function waitForRefork(
  plan: Plan,
  control: number,
  child: { pid: number; pidfd: number },
  observer: LaunchObserver | undefined,
): void {
  for (;;) {
    const report = receiveReport(control);
    if (report === undefined)
      throw new FosterError('the first process of the container was killed while it was set up');
    if (report.kind === 'failed') throw launchFailure(plan, report, undefined);
    if (report.kind === 'step') observer?.step(report.index, report.result);
    if (report.kind !== 'reforked') continue;
    switchToProcess(report.pid, child);
    return;
  }
}

/** @param inside PID of a process in the user namespace by which the ids of mounts are shifted */
function doHostSteps(plan: Plan, target: HostTarget, inside: number): HostWork {
  const isHanded = plan.host.some(({ kind }) => kind === 'hand');
  const userNamespace = isHanded ? openUserNamespace(inside) : undefined;
  try {
    return runHostSteps(plan.host, { ...target, userNamespace, endsAtSignal: true });
  } finally {
    closeAll([userNamespace]);
  }
}

/** Undefined if the process has ended. Then PID 1 has failed, and has reported at which step. */
function openUserNamespace(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } catch {
    return undefined;
  }
}

/** Kills and cleans up what `launch` has started, before the user's program runs. */
export function abandon(launched: Omit<Launched, 'inside' | 'work'> & { work: HostWork | undefined }): void {
  signalPidfd(launched.pidfd, SIGKILL);
  // Comes first: PID 1 cannot be killed while it waits for a FUSE program. No data of the user is written yet.
  if (launched.work !== undefined) undoHostSteps(launched.work, { isGraceful: false });
  waitForChild(launched.pid);
  closeAll([launched.pidfd, launched.control, launched.console, ...launched.streams]);
}

/** Options of `waitUntilReady`. */
export interface ReadinessOptions {
  /** PID 1; updated when it continues as another process (`refork`). Undefined if it is a child of another process. */
  child?: { pid: number; pidfd: number };
  observer?: LaunchObserver | undefined;
  /** Is called with a warning for the user. */
  warn?: ((sentence: string) => void) | undefined;
  /** Descriptor of the file with the stderr of the host steps' programs. */
  output: number | undefined;
  /** Known results of host steps: `hostResults`. */
  outcomes: number[];
}

/**
 * Handles the reports of PID 1, and of the monitor if it starts PID 1, until PID 1 is ready.
 * @throws FosterError of the step that failed
 */
export function waitUntilReady(
  plan: Plan,
  socket: number,
  { child, observer, warn, output, outcomes }: ReadinessOptions,
): void {
  for (;;) {
    const report = receiveReport(socket);
    switch (report?.kind) {
      case undefined:
        throw new FosterError('the first process of the container was killed while it was set up');
      case 'ready': {
        const warning = shiftWarning(plan.host, outcomes);
        if (warning !== undefined) warn?.(warning);
        observer?.ready();
        return;
      }
      case 'started':
        observer?.started(report.pid);
        faultPoint('PID 1 started');
        break;
      case 'handed':
        outcomes[report.index] = report.outcome;
        break;
      case 'step':
        observer?.step(report.index, report.result);
        break;
      case 'reforked':
        if (child !== undefined) switchToProcess(report.pid, child);
        break;
      case 'failed':
        throw launchFailure(plan, report, output);
      default:
        break;
    }
  }
}

/** A child that joins namespaces continues as another one, which is reported. */
export function switchToProcess(pid: number, child: { pid: number; pidfd: number }): void {
  waitForChild(child.pid);
  closeSync(child.pidfd);
  child.pid = pid;
  child.pidfd = openPidfd(pid);
}

/** The next report; undefined if PID 1 is gone. @throws Interrupted after SIGINT, SIGTERM and so on */
export function receiveReport(control: number): Report | undefined {
  for (;;) {
    throwIfSignaled();
    // A signal may come just before the wait, or be received by another of Node's threads: check every 100 ms.
    if (waitReadable(control, 100) !== 'ready') continue;
    const buffer = Buffer.alloc(REPORT_SIZE);
    return readReport(control, buffer) === REPORT_SIZE ? decodeReport(buffer) : undefined;
  }
}

/**
 * As read(2). If the other side was closed before it had read all that we sent, the kernel tells that once, before it gives the
 * reports that came from there: `receive_message` in src/init/sockets.h.
 */
function readReport(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (errnoOf(error) !== 'ECONNRESET') throw error;
    return readSync(fd, buffer);
  }
}
