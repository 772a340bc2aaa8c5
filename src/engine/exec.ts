import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type ExecProcess, type ExecRequest, execAsChild, execDetached } from '../container/exec.js';
import { type Container, findContainer } from '../container/store.js';
import { FosterError, isExecutionFailure } from '../sys/errors.js';
import { endOfChild, openPidfd, signalPidfd } from '../sys/libc.js';
import { childrenOf } from '../sys/process.js';
import { checkOptions, EXEC_OPTIONS } from './check-options.js';
import { startOwnProcess } from './own-process.js';
import { carryStreams, programOf, type RunningProgram } from './streams.js';
import type { ExecOptions, RunResult } from './types.js';

const SIGKILL = 9;

/** Runs one more process in a container, and waits until it has ended; with `detach`, in the background. */
export async function exec(reference: string, options: ExecOptions): Promise<RunResult> {
  checkOptions(options, EXEC_OPTIONS);
  const { command, env = {}, workdir, user, tty = false, privileged = false, stdin, inherit } = options;
  const { detach = false } = options;
  if (command.length === 0) throw new FosterError('exec needs a command', { kind: 'invalid' });
  if (workdir !== undefined && !workdir.startsWith('/'))
    throw new FosterError(`workdir '${workdir}': expected an absolute path in the container`, {
      kind: 'invalid',
    });
  if (detach) refuseStreams(options);
  const interactive = inherit === true || stdin !== undefined;
  const request = {
    command: [...command],
    detach,
    interactive,
    tty,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    workdir,
    user,
    privileged,
  };
  const container = findContainer(reference);
  if (detach) return await start(container, request, options);
  if (tty || inherit) return await execElsewhere(container.record.id, request, options);
  return await execHere(container, request, options);
}

/** Options that make sense only if the call waits for the program. */
const ONLY_ATTACHED = ['stdin', 'stdout', 'stderr', 'inherit', 'tty', 'timeout', 'maxOutput'] as const;

/** @throws FosterError for options that mean nothing in the background */
function refuseStreams(options: ExecOptions): void {
  const name = ONLY_ATTACHED.find((one) => options[one] !== undefined && options[one] !== false);
  if (name === undefined) return;
  throw new FosterError(`${name} makes no sense with detach: the call does not wait for the program`, {
    kind: 'invalid',
    advice: 'leave one of them out',
  });
}

async function start(container: Container, request: ExecRequest, options: ExecOptions): Promise<RunResult> {
  try {
    execDetached(container, request);
  } catch (error) {
    return await resultOfFailure(error, options);
  }
  return { exitCode: 0, stdout: '', stderr: '', timedOut: false, outputExceeded: false };
}

async function execHere(
  container: Container,
  request: ExecRequest,
  options: ExecOptions,
): Promise<RunResult> {
  let child: ExecProcess;
  try {
    child = execAsChild(container, request);
  } catch (error) {
    return await resultOfFailure(error, options);
  }
  const { pid, pidfd, streams } = child;
  const [stdin = null, stdout = null, stderr = null] = streams.map((fd, index) =>
    fd === undefined ? null : new Socket({ fd, readable: index > 0, writable: index === 0 }),
  );
  for (const output of [stdout, stderr]) output?.on('error', () => {});
  const exitCode = endOf(pid, [stdout, stderr]).finally(() => stdin?.destroy());
  const kill = async () => void signalPidfd(pidfd, SIGKILL);
  return await carryStreams({ stdin, stdout, stderr, exitCode }, options, kill).finally(() => {
    closeSync(pidfd);
  });
}

/** Milliseconds between two checks of a process. */
const SHORTEST_NAP = 1;
const LONGEST_NAP = 10;

/** The exit code of a child, once its output is read. Other processes of the container may still hold its streams. */
async function endOf(pid: number, outputs: (Socket | null)[]): Promise<number> {
  let status = endOfChild(pid);
  for (let nap = SHORTEST_NAP; status === undefined; nap = Math.min(nap * 1.5, LONGEST_NAP)) {
    await setTimeout(nap);
    status = endOfChild(pid);
  }
  await Promise.all(outputs.map((output) => output && drain(output)));
  return status.code;
}

/** Reads what is in a pipe at the moment, and closes it. */
async function drain(output: Socket): Promise<void> {
  let isNew = true;
  output.on('data', () => {
    isNew = true;
  });
  while (!output.closed) {
    if (output.isPaused()) await nextOf(output, 'resume', 'close');
    else if (!isNew) break;
    isNew = false;
    // Each turn of the event loop reads what is there.
    await setImmediate();
    await setImmediate();
  }
  output.destroy();
}

function nextOf(emitter: Socket, ...events: string[]): Promise<void> {
  return new Promise((done) => {
    for (const event of events) emitter.once(event, () => done());
  });
}

/** @throws the error, unless the program could not be executed */
async function resultOfFailure(error: unknown, options: ExecOptions): Promise<RunResult> {
  if (!isExecutionFailure(error)) throw error;
  return await carryStreams(failedProgram(error), options, async () => {});
}

/** A program that could not be executed, reported as a monitor does: with the reason on standard error. */
function failedProgram({ sentence, exitCode }: FosterError): RunningProgram {
  const stderr = Readable.from([Buffer.from(`foster: ${sentence}\n`)]);
  return { stdin: null, stdout: null, stderr, exitCode: once(stderr, 'close').then(() => exitCode) };
}

/** Starts a separate process for it, which can become the monitor of a process with a terminal. */
async function execElsewhere(id: string, request: ExecRequest, options: ExecOptions): Promise<RunResult> {
  const { child, failure } = startOwnProcess(
    { kind: 'exec', container: id, request },
    options.inherit ? 'inherit' : [request.interactive ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  );
  const result = await carryStreams(programOf(child), options, async () => killProcess(child));
  const error = await failure;
  if (error !== undefined) throw error;
  return result;
}

/**
 * Kills the process in the container; its monitor then ends by itself. If the monitor were killed instead, nobody would
 * reap the process, and its zombie would keep the container from ending.
 */
function killProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const pidfds = childrenOf(pid).flatMap((one) => openChild(one, pid) ?? []);
  if (pidfds.length === 0) child.kill('SIGKILL');
  for (const pidfd of pidfds) {
    signalPidfd(pidfd, SIGKILL);
    closeSync(pidfd);
  }
}

/** Opens a pidfd; undefined if the PID belongs to another process by now. */
function openChild(pid: number, parent: number): number | undefined {
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch {
    return undefined;
  }
  if (childrenOf(parent).includes(pid)) return pidfd;
  closeSync(pidfd);
  return undefined;
}
