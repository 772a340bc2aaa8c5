import { faultPoint } from '../sys/fault.js';
import { thaw } from './cgroups.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { ProcessTable } from './processes/table.js';
import {
  awaitEnd,
  killAll,
  markStopped,
  notRunning,
  SIGKILL,
  SIGSTOP,
  signalInit,
  signalProcess,
} from './signal.js';
import { type Container, readLive } from './store.js';

/**
 * Sends a signal to the user's process. SIGKILL and the container's stop signal also keep its restart policy from starting
 * it again. SIGKILL ends all its processes, and the function returns when the container has ended.
 * @throws FosterError if it is not running
 */
export async function killContainer({ record, state }: Container, signal: number): Promise<void> {
  const { id, name } = record;
  const isEnd = signal === SIGKILL || signal === record.stopSignal;
  const live = readLive(id);
  if (state.status === 'restarting' && isEnd) {
    markStopped(id);
    await awaitEnd(id, name);
    return;
  }
  if (live === undefined || (state.status !== 'running' && state.status !== 'paused')) throw notRunning(name);
  if (isEnd) markStopped(id);
  faultPoint('marked as stopped');
  recordEvent('kill', record, { ...attributesOf(record), signal: String(signal) });
  if (signal === SIGKILL) {
    killAll(live);
    thaw(id); // in version 1, a frozen process does not even notice SIGKILL
    faultPoint('killed');
    await awaitEnd(id, name);
    return;
  }
  // PID 1 cannot pass SIGSTOP on, because no process can catch it.
  const target = signal === SIGSTOP && record.init ? userProcess(live.pid) : undefined;
  const isSent =
    target === undefined ? signalInit(live, signal) : signalProcess(target.pid, target.start, signal);
  if (!isSent) throw notRunning(name);
}

/** The user's process: the first child of PID 1, because all others were adopted later. */
function userProcess(init: number): ReturnType<ProcessTable['members']>[number] | undefined {
  return new ProcessTable().members(init).find(({ parent }) => parent === init);
}
