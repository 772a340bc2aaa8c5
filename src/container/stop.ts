import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalName } from '../spec/parse/signals.js';
import { faultPoint } from '../sys/fault.js';
import { containerFolder } from '../sys/paths.js';
import { processStart } from '../sys/process.js';
import { surroundings } from '../sys/surroundings.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import type { ContainerRecord } from './record.js';
import { awaitEnd, hasEnded, isRunning, killAll, markStaying, markStopped, signalInit } from './signal.js';
import { type Container, isAlive, type LiveRecord, readContainer, readLive } from './store.js';

export interface StopOptions {
  /** Seconds between the signal and SIGKILL; negative for no limit; undefined for the container's own timeout. */
  timeout: number | undefined;
  /** undefined for the container's own stop signal. */
  signal: number | undefined;
  /** It ends because of a shutdown, and the next boot starts it again. */
  isShutdown?: true;
  /** It is started again at once, so `--rm` does not remove it. */
  isRestart?: true;
}

/**
 * Tells a container to end, kills it after a timeout, and returns when it has ended: when its monitor is gone, and with
 * `--rm` its files, unless it is a restart. Does nothing if it is not running. A paused container is resumed first. If SIGKILL was necessary, there
 * is a warning.
 * @throws FosterError if it does not end, or would be removed before it can be started again
 */
export async function stopContainer({ record, state }: Container, options: StopOptions): Promise<void> {
  const { id, name } = record;
  if (!isAlive(state)) return;
  if (options.isRestart && record.rm) {
    markStaying(record);
    faultPoint('marked as staying');
  }
  markStopped(id, options);
  faultPoint('marked as stopped');
  const live = readLive(id);
  if (isRunning(live)) {
    if (readContainer(id)?.state.status === 'paused') (await import('./pause.js')).resume(id, live);
    const signal = options.signal ?? record.stopSignal;
    const seconds = options.timeout ?? record.stopTimeout;
    const takeBack = noteStopping(id);
    try {
      // with no time to end, the signal is not sent: how far its handler gets would be random
      const left = await prepare(record, live, seconds < 0 ? Infinity : seconds * 1000);
      if (seconds !== 0) signalInit(live, signal);
      faultPoint('asked to end');
      if (seconds === 0) killAll(live);
      else if (!(await hasEnded(live, left))) {
        killAll(live);
        surroundings().warn(didNotEnd(name, signal, seconds));
      }
    } finally {
      takeBack();
    }
  }
  await awaitEnd(id, name);
  faultPoint('ended');
  recordEvent('stop', record, attributesOf(record));
}

/** Kubernetes's, in milliseconds: where a hook has taken all of the time, there is still this for the signal. */
const LEAST_TIME = 2000;

/** Runs the hook of a container that is told to end. @returns how much of the time to end is left, in milliseconds */
async function prepare(
  { preStop, ...record }: ContainerRecord,
  live: LiveRecord,
  time: number,
): Promise<number> {
  if (preStop === undefined || time === 0) return time;
  const began = performance.now();
  await (await import('./pre-stop.js')).runPreStop(record, preStop, live, time);
  faultPoint('hook before the stop done');
  return Math.max(time - (performance.now() - began), LEAST_TIME);
}

function didNotEnd(name: string, signal: number, seconds: number): string {
  const time = seconds === 1 ? 'a second' : `${seconds} seconds`;
  return `container ${name} did not end within ${time} of ${signalName(signal)}: killed`;
}

/** Records that this process waits for the container to end, so that others see that status. */
const noteStopping = (id: string) => noteOwn(join(containerFolder(id), 'stopping'));

/**
 * Notes this process in a file, for as long as it is at work: `isNoted`. If that fails, on a full disk for example, the work is done
 * all the same.
 * @returns a function that removes the file
 */
export function noteOwn(file: string): () => void {
  const own = `${process.pid} ${processStart(process.pid)}\n`;
  try {
    writeFileSync(file, own, { mode: 0o600 });
  } catch {
    return () => {};
  }
  return () => {
    try {
      if (readFileSync(file, 'latin1') === own) rmSync(file, { force: true });
    } catch {
      // it is removed with the container, or by the next start
    }
  };
}
