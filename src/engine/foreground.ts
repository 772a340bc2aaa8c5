import type { AttachOptions } from '../container/attach.js';
import type { ExecRequest } from '../container/exec.js';
import type { RunObserver, RunWish } from '../container/run-observer.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { inPod } from './in-pod.js';

/**
 * Operations for commands only: this process becomes a container's monitor, or a client of it, with its own standard
 * streams and exit code. On success these functions do not return.
 */

export type { AttachOptions, ExecRequest, RunObserver, RunWish };

/**
 * Runs a container. Returns only in the background and in a dry run.
 * @returns the exit code
 * @throws FosterError; nothing is left behind then
 */
export async function run(request: RunRequest, observer: RunObserver): Promise<number> {
  const { runContainer } = await import('../container/run.js');
  return await inPod(request, (wanted) => runContainer(wanted, observer));
}

/** Runs a command in a container. Returns only in the background. @throws FosterError */
export async function exec(reference: string, request: ExecRequest): Promise<void> {
  const { findContainer } = await import('../container/store.js');
  const { execInContainer } = await import('../container/exec.js');
  execInContainer(findContainer(reference), request);
}

/** Starts a container and attaches this process to it. Returns if it is running already. */
export async function startAttached(reference: string, options: AttachOptions): Promise<void> {
  const { findContainer } = await import('../container/store.js');
  const { startContainer } = await import('../container/start.js');
  await startContainer(findContainer(reference), options);
}

/** Attaches this process to a running container. @throws FosterError if it is not running */
export async function attach(reference: string, options: AttachOptions): Promise<never> {
  const { findContainer } = await import('../container/store.js');
  const { attachTo, connectMonitor } = await import('../container/attach.js');
  const { record, state } = findContainer(reference);
  requireRunning(reference, state.status);
  return attachTo(record, connectMonitor(record.id, { wantsAll: false }), options);
}

/** @throws FosterError of the kind `conflict` unless the status is `running` */
export function requireRunning(reference: string, status: string): void {
  if (status === 'running' || status === 'restarting') return;
  const [what, advice] = status === 'paused' ? ['is paused', 'unpause'] : ['is not running', 'start'];
  throw new FosterError(`cannot attach to container ${reference}: it ${what}`, {
    kind: 'conflict',
    advice: `first: foster ${advice} ${reference}`,
    exitCode: 1,
  });
}
