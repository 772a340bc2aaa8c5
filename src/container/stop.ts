import { faultPoint } from '../sys/fault.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { awaitEnd, hasEnded, isRunning, killAll, markStopped, signalInit } from './signal.js';
import { type Container, isAlive, readContainer, readLive } from './store.js';

export interface StopOptions {
  /** Seconds between the signal and SIGKILL, negative for no end; undefined for the container's own. */
  timeout: number | undefined;
  /** undefined for the container's own. */
  signal: number | undefined;
}

/**
 * Asks a container to end, makes it end where it has not after some time, and returns when it has: also its monitor,
 * and with `--rm` its files. One that does not run is left alone; one that is paused goes on first.
 * @throws FosterError when it cannot be ended
 */
export async function stopContainer({ record, state }: Container, options: StopOptions): Promise<void> {
  const { id, name } = record;
  if (!isAlive(state)) return;
  markStopped(id);
  faultPoint('marked as stopped');
  const live = readLive(id);
  if (isRunning(live)) {
    if (readContainer(id)?.state.status === 'paused') (await import('./pause.js')).resume(id, live);
    signalInit(live, options.signal ?? record.stopSignal);
    faultPoint('asked to end');
    const seconds = options.timeout ?? record.stopTimeout;
    if (!(await hasEnded(live, seconds < 0 ? Infinity : seconds * 1000))) killAll(live);
  }
  await awaitEnd(id, name);
  faultPoint('ended');
  recordEvent('stop', record, attributesOf(record));
}
