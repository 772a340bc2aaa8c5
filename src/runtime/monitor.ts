import { openSync } from 'node:fs';
import { encodeMonitor } from '../init/wire.js';
import { containerFolder } from '../paths.js';
import type { Plan } from '../plan/step.js';
import { becomeProgram } from '../sys/clone.js';
import { initProgram } from '../sys/init-program.js';
import { memoryFile } from '../sys/libc.js';
import { executionFailures, type Launched } from './launch.js';

/** What the monitor of a container in the foreground needs to know. */
export interface Foreground {
  plan: Plan;
  id: string;
  /** The terminal's input goes to the container. */
  interactive: boolean;
  /** Removed when all is over. */
  remove: string[];
  /** The container's lock, held for as long as the monitor lives. */
  lock: number;
}

/**
 * Replaces this process by foster-init as the container's monitor, which lets the user's program start, forwards
 * signals, carries the terminal, and exits with the container's exit code. Returns only by throwing.
 */
export function becomeMonitor(launched: Launched, foreground: Foreground): never {
  const { plan, id, interactive, remove, lock } = foreground;
  const hasUserNamespace = plan.idMaps !== undefined || launched.hasJoined;
  const blob = memoryFile(
    'foster-monitor',
    encodeMonitor({
      pid: launched.pid,
      terminal: plan.terminal,
      interactive,
      verbose: plan.verbose,
      shim: plan.shim,
      userNamespace: hasUserNamespace,
      remove,
      failures: executionFailures(plan),
    }),
  );
  const folder = openSync(containerFolder(id), 'r');
  const userNamespace = hasUserNamespace ? openSync(`/proc/${launched.pid}/ns/user`, 'r') : undefined;
  const nothing = interactive || plan.terminal ? undefined : openSync('/dev/null', 'r');
  const descriptors = [
    nothing ?? 0,
    1,
    2,
    launched.control,
    blob,
    launched.pidfd,
    launched.console,
    folder,
    userNamespace,
    lock,
  ];
  becomeProgram({ file: initProgram(), argv: ['foster-init', 'monitor'], env: [], descriptors });
}
