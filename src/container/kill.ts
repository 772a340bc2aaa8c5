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
 * Sends a signal to the user's process. A signal that is meant to end the container also keeps its restart policy from starting
 * it again; SIGKILL, which ends all of its processes, returns when it has ended.
 * @throws FosterError when it does not run
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
    thaw(id); // in version 1, even SIGKILL waits for that
    faultPoint('killed');
    await awaitEnd(id, name);
    return;
  }
  // PID 1 would have to pass SIGSTOP on, but no process can see that one.
  const target = signal === SIGSTOP && record.init ? userProcess(live.pid) : undefined;
  const isSent =
    target === undefined ? signalInit(live, signal) : signalProcess(target.pid, target.start, signal);
  if (!isSent) throw notRunning(name);
}

/** The user's process: PID 1's first child, as all others came to it later. */
function userProcess(init: number): ReturnType<ProcessTable['members']>[number] | undefined {
  return new ProcessTable().members(init).find(({ parent }) => parent === init);
}
