import { closeSync } from 'node:fs';
import { openProcess } from '../container/processes/table.js';
import { signalName } from '../spec/parse/signals.js';
import { errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';
import { signalPidfd } from '../sys/libc.js';

/** Sends a signal to the process with that pid and start. @returns false if it is gone @throws FosterError */
export function signalOne(pid: number, start: string, signal: number): boolean {
  let pidfd: number | undefined;
  try {
    pidfd = openProcess(pid, start);
    return pidfd !== undefined && signalPidfd(pidfd, signal);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new FosterError(`cannot send ${signalName(signal)} to process ${pid}: ${errnoWords(error.errno)}`, {
      kind: 'denied',
      cause: error,
    });
  } finally {
    if (pidfd !== undefined) closeSync(pidfd);
  }
}
