import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { findContainer } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { openPidfd, signalPidfd } from '../sys/libc.js';
import { childrenOf } from '../sys/process.js';
import { startOwnProcess } from './own-process.js';
import { carryStreams } from './streams.js';
import type { ExecOptions, RunResult } from './types.js';

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
