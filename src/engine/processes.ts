import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { findContainer } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { openPidfd, signalPidfd } from '../sys/libc.js';
import { childrenOf } from '../sys/process.js';
import { onInterrupt } from '../worker/interrupt.js';
import { type OwnProcessOrder, startOwnProcess } from './own-process.js';
import { carryStreams } from './streams.js';
import type { CopyOptions, ExecOptions, RunResult } from './types.js';

const SIGKILL = 9;

/** Runs one more process in a container, until it has ended. */
export async function exec(reference: string, options: ExecOptions): Promise<RunResult> {
  const { command, env = {}, workdir, user, tty = false, privileged = false, stdin, inherit } = options;
  if (command.length === 0) throw new FosterError('exec needs a command', { kind: 'invalid' });
  if (workdir !== undefined && !workdir.startsWith('/'))
    throw new FosterError(`workdir '${workdir}': expected an absolute path in the container`, {
      kind: 'invalid',
    });
  const interactive = inherit === true || stdin !== undefined;
  const request = {
    command: [...command],
    detach: false,
    interactive,
    tty,
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    workdir,
    user,
    privileged,
  };
  const { record } = findContainer(reference);
  const { child, failure } = startOwnProcess(
    { kind: 'exec', container: record.id, request },
    inherit ? 'inherit' : [interactive ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  );
  const result = await carryStreams(child, options, async () => killProcess(child));
  const error = await failure;
  if (error !== undefined) throw error;
  return result;
}

/**
 * Kills the process in the container, whose monitor then ends. Not the monitor: what it has started would be a zombie
 * until somebody reaps it, and keep the container from ending.
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

/** undefined where the number belongs to another process by now. */
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

/** Copies a file or directory between a container and the host. */
export async function copy(
  direction: 'copy-in' | 'copy-out',
  reference: string,
  source: string,
  destination: string,
  { archive = false, followLink = false }: CopyOptions,
): Promise<void> {
  const host = direction === 'copy-in' ? source : destination;
  if (host === '-')
    throw new FosterError('cannot copy from or to the standard streams of a program', { kind: 'invalid' });
  const { record } = findContainer(reference);
  const order: OwnProcessOrder = {
    kind: direction,
    container: record.id,
    source: direction === 'copy-in' ? absolute(source) : source,
    destination: direction === 'copy-out' ? absolute(destination) : destination,
    options: { archive, followLink },
  };
  const { child, failure } = startOwnProcess(order, ['ignore', 'ignore', 'ignore']);
  const stopListening = onInterrupt(() => void child.kill('SIGKILL'));
  try {
    const [[code, how], error] = await Promise.all([once(child, 'close'), failure]);
    if (error !== undefined) throw error;
    if (code !== 0) throw new FosterError(`the program that copies has ended: ${code ?? how}`);
  } finally {
    stopListening();
  }
}

/** What the path ends with says what is meant: `DIRECTORY/.` is what is in it. */
function absolute(path: string): string {
  const end = /(\/\.?)?$/.exec(path)?.[0] ?? '';
  const whole = resolve(path);
  return whole === '/' ? whole : `${whole}${end}`;
}
