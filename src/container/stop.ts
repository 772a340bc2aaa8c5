import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalName } from '../spec/parse/signals.js';
import { faultPoint } from '../sys/fault.js';
import { containerFolder } from '../sys/paths.js';
import { processStart } from '../sys/process.js';
import { surroundings } from '../sys/surroundings.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { awaitEnd, hasEnded, isRunning, killAll, markStopped, signalInit } from './signal.js';
import { type Container, isAlive, readContainer, readLive } from './store.js';

export interface StopOptions {
  /** Seconds between the signal and SIGKILL, negative for no end; undefined for the container's own. */
  timeout: number | undefined;
  /** undefined for the container's own. */
  signal: number | undefined;
  /** It ends with the machine, and the next boot starts it again. */
  isShutdown?: true;
}

/**
 * Asks a container to end, kills it if it has not ended after some time, and returns when it has: also its monitor,
 * and with `--rm` its files. One that does not run is left alone; one that is paused goes on first. Where SIGKILL was
 * needed, the caller is warned.
 * @throws FosterError when it cannot be ended
 */
export async function stopContainer({ record, state }: Container, options: StopOptions): Promise<void> {
  const { id, name } = record;
  if (!isAlive(state)) return;
  markStopped(id, options);
  faultPoint('marked as stopped');
  const live = readLive(id);
  if (isRunning(live)) {
    if (readContainer(id)?.state.status === 'paused') (await import('./pause.js')).resume(id, live);
    const signal = options.signal ?? record.stopSignal;
    const seconds = options.timeout ?? record.stopTimeout;
    const takeBack = noteStopping(id);
    try {
      // without time to end there is no use in asking: what a signal handler does in between would be chance
      if (seconds !== 0) signalInit(live, signal);
      faultPoint('asked to end');
      if (seconds === 0) killAll(live);
      else if (!(await hasEnded(live, seconds < 0 ? Infinity : seconds * 1000))) {
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

function didNotEnd(name: string, signal: number, seconds: number): string {
  const time = seconds === 1 ? 'a second' : `${seconds} seconds`;
  return `container ${name} did not end within ${time} of ${signalName(signal)}: killed`;
}

/**
 * Notes that this process waits for the container to end: the status that others see. The container ends without it,
 * too, on a full disk for example.
 * @returns what takes it back
 */
function noteStopping(id: string): () => void {
  const file = join(containerFolder(id), 'stopping');
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
      // removed with the container, or by its next start
    }
  };
}
