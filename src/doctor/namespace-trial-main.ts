import { spawnSync } from 'node:child_process';
import { errnoName } from '../sys/errno.js';
import { call, SystemCallError } from '../sys/ffi.js';
import { makeMountsPrivate, mountTmpfs } from '../sys/mount.js';
import { findProgram } from '../sys/programs.js';
import { runWorker } from '../worker/run-worker.js';
import type { NamespaceTrial } from './namespace-trial.js';

/** clone(2) */
const CLONE = { ipc: 0x08000000, pid: 0x20000000, network: 0x40000000 } as const;

/** Tries as root of a user namespace, in a mount namespace, what PID 1 of a container does: namespace-trial.ts. */
function run(): NamespaceTrial {
  return {
    'PID namespaces': errnoOfTrying(() => unshare(CLONE.pid)),
    'a new /proc': tryProc(),
    mounts: errnoOfTrying(() => {
      makeMountsPrivate();
      mountTmpfs('/proc');
    }),
    'network namespaces': errnoOfTrying(() => unshare(CLONE.network)),
    'IPC namespaces': errnoOfTrying(() => unshare(CLONE.ipc)),
  };
}

/** The next child is PID 1 of the new PID namespace, and may mount a /proc for it. */
function tryProc(): string {
  const program = findProgram('mount');
  if (program === undefined) return '';
  return spawnSync(program, ['-t', 'proc', 'proc', '/proc'], { stdio: 'ignore' }).status === 0 ? '' : 'EPERM';
}

function unshare(flags: number): void {
  call('int unshare(int flags)', flags);
}

function errnoOfTrying(action: () => void): string {
  try {
    action();
    return '';
  } catch (error) {
    if (error instanceof SystemCallError) return errnoName(error.errno);
    throw error;
  }
}

runWorker({ open: () => null, work: run });
