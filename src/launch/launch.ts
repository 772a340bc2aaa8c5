import { closeSync, openSync, readSync } from 'node:fs';
import { heldEndSignal, startProcess } from '../init/clone.js';
import { writeIdMaps } from '../init/id-maps.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { decodeReport, encodePlan, REPORT_SIZE, type Report, SAY_MAPPED } from '../init/wire.js';
import { FD } from '../plan/facts.js';
import { namespaceFlags } from '../plan/namespaces.js';
import type { Plan, Step } from '../plan/step.js';
import { visible } from '../spec/parse/flag.js';
import { errnoName, errnoOf } from '../sys/errno.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { memoryFile, openPidfd, signalPidfd, socketPair, waitForChild, waitReadable } from '../sys/libc.js';
import { sendWord } from '../sys/write.js';
import { handMounts } from './handed-mounts.js';
import { stepFailure } from './step-failure.js';
import { endStorage, type RunningStorage, startStorage, storageEnd } from './storage-program.js';
import { closeAll, openStreams, type Streams } from './streams.js';

const SIGKILL = 9;

/** PID 1, started and set up: all that is missing is the word to execute the user's program. */
export interface Launched {
  pid: number;
  pidfd: number;
  /** Our end of the control socket. */
  control: number;
  /** Our end of the socket over which the terminal's master comes; undefined without a terminal. */
  console: number | undefined;
  /** Our ends of its standard streams. */
  streams: Streams;
  /** fuse-overlayfs, where the root file system is its work. */
  storage: RunningStorage | undefined;
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
  /** A process whose namespaces are joined. */
  join?: number | undefined;
  /** Whether that pid still is the process that was meant, asked when it can no longer become another one. */
  isJoinable?: () => boolean;
  witness?: Witness | undefined;
  /** Told what is not as the person may expect it. */
  warn?: (sentence: string) => void;
}

/**
 * Clones PID 1 into its namespaces, gives it its id maps and its plan, and waits until it is ready. If anything fails,
 * nothing of it is left when the error is thrown.
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
  });
  const stdio = theirs.map((end) => end ?? nothing);
  const descriptors: (number | undefined)[] = [...stdio, theirControl, blob];
  if (theirConsole !== undefined) descriptors[FD.CONSOLE] = theirConsole;
  const join = options.join === undefined ? undefined : openPidfd(options.join);
  if (join !== undefined) descriptors[FD.JOIN] = join;
  if (options.isJoinable?.() === false)
    throw new FosterError('the container has just ended', { exitCode: 1 });

  let child: { pid: number; pidfd: number } | undefined;
  try {
    child = startProcess(
      {
        file: initProgram(),
        argv: ['foster-init'],
        env: [],
        descriptors: Array.from(descriptors),
        privileged: plan.idMaps !== undefined,
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
  let storage: RunningStorage | undefined;
  try {
    if (plan.idMaps !== undefined) {
      writeIdMaps(child.pid, plan.idMaps);
      faultPoint('ids mapped');
    }
    if (plan.storage !== undefined) {
      storage = startStorage(plan.storage, { joins: joinedBy(plan) }, child.pidfd, throwAtSignal);
      faultPoint('storage started');
    }
    if (plan.idMaps !== undefined || storage !== undefined) sendWord(control, SAY_MAPPED);
    if (plan.handed !== undefined)
      handMounts(plan.handed, control, options.join ?? child.pid, options.warn ?? (() => {}));
    awaitReady(plan, control, child, options.witness, storage);
    faultPoint('ready');
    return { ...child, control, console, streams, storage, joined: options.join };
  } catch (error) {
    abandon({ ...child, control, console, streams, storage });
    throw error;
  }
}

/** The namespaces that the program enters that makes the root file system. */
export function joinedBy(plan: Plan): 'user and mount' | 'mount' {
  return plan.namespaces.includes('user') ? 'user and mount' : 'mount';
}

/** @throws Interrupted */
export function throwAtSignal(): void {
  const signal = heldEndSignal();
  if (signal !== undefined) throw new Interrupted(signal);
}

/** Ends what `launch` has started, before the user's program runs. */
export function abandon(launched: Omit<Launched, 'joined'>): void {
  signalPidfd(launched.pidfd, SIGKILL);
  // Before PID 1, which may wait for an answer from it, and cannot be killed then. Nothing is written yet that matters.
  if (launched.storage !== undefined) endStorage(launched.storage, { patience: 0 });
  waitForChild(launched.pid);
  closeAll([launched.pidfd, launched.control, launched.console, ...launched.streams]);
}

/** Hears PID 1's reports until it is ready. `child` becomes the process that goes on in its place (`refork`). */
function awaitReady(
  plan: Plan,
  control: number,
  child: { pid: number; pidfd: number },
  witness: Witness | undefined,
  storage: RunningStorage | undefined,
): void {
  for (;;) {
    const report = nextReport(control);
    switch (report?.kind) {
      case undefined:
        throw new FosterError('the first process of the container was killed while it was set up');
      case 'ready':
        witness?.ready();
        return;
      case 'step':
        witness?.step(report.index, report.result);
        break;
      case 'reforked':
        waitForChild(child.pid);
        closeSync(child.pidfd);
        child.pid = report.pid;
        child.pidfd = openPidfd(report.pid);
        break;
      case 'failed':
        throw (
          (storage && storageEnd(report.errno, storage.said)) ??
          stepFailure(stepAt(plan, report.index), report.errno)
        );
      default:
        break;
    }
  }
}

const FORK: Step = { call: 'clone', args: [], why: "start the user's process" };

/** The step that a report's index means. */
export function stepAt(plan: Plan, index: number): Step {
  return plan.init[index] ?? plan.process[index - plan.init.length] ?? FORK;
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

/** A signal came before the user's process was started. */
export class Interrupted extends FosterError {
  constructor(signal: number) {
    super('interrupted before the container was started', { exitCode: 128 + signal });
  }
}

/** What to say, by errno, when the program cannot be executed: execve(2). The exit codes are Docker's. */
export function executionFailures(plan: Plan): { errno: string; exitCode: number; text: string }[] {
  const [program = ''] = plan.program.argv;
  // the monitor prints it as it is
  const sentence = (why: string, advice: string) =>
    `foster: cannot run ${visible(`${JSON.stringify(program)}: ${why}; ${advice}`)}\n`;
  const missing = program.includes('/')
    ? sentence(
        'there is no such file in the container (ENOENT)',
        'see that the path is right, and that its interpreter or loader is there too',
      )
    : sentence('it is in no directory of PATH in the container (ENOENT)', `PATH is ${searchPath(plan)}`);
  return [
    { errno: 'ENOENT', exitCode: EXIT.NOT_FOUND, text: missing },
    { errno: 'ENOTDIR', exitCode: EXIT.NOT_FOUND, text: missing },
    {
      errno: 'EACCES',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence('permission denied (EACCES)', 'see that it is a file with the execute bit (chmod +x)'),
    },
    {
      errno: 'ENOEXEC',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence(
        'exec format error (ENOEXEC)',
        'it is no program for this machine; a script needs a first line such as #!/bin/sh',
      ),
    },
    {
      errno: 'E2BIG',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence('argument list too long (E2BIG)', 'give it fewer or shorter arguments and variables'),
    },
    {
      errno: '*',
      exitCode: EXIT.CANNOT_EXECUTE,
      text: sentence('it cannot be executed', 'run it again with --explain to see the system calls'),
    },
  ];
}

/** The error of a program that could not be executed. */
export function executionFailure(plan: Plan, errno: number): FosterError {
  const name = errnoName(errno);
  const failure = executionFailures(plan).find((one) => one.errno === name || one.errno === '*');
  const sentence = (failure?.text ?? '').replace(/^foster: /, '').trimEnd();
  return new FosterError(sentence, failure === undefined ? {} : { exitCode: failure.exitCode });
}

function searchPath(plan: Plan): string {
  return (
    plan.program.env.findLast((variable) => variable.startsWith('PATH='))?.slice('PATH='.length) ??
    'the default'
  );
}
