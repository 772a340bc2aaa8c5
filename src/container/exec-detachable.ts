import { openSync, writeSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { ATTACH_OWNER, encodeMonitor, encodePlan, type MonitorOptions } from '../init/wire.js';
import { executionFailures } from '../launch/execution-failure.js';
import { hostOutput } from '../launch/host-steps.js';
import { keepDescriptors, waitUntilReady } from '../launch/launch.js';
import { closeAll } from '../launch/streams.js';
import type { Plan } from '../plan/step.js';
import { FosterError } from '../sys/errors.js';
import { memoryFile, openPidfd, socketPair } from '../sys/libc.js';
import { wire } from '../sys/wire-constants.js';
import { becomeClient, sendWindowSize } from './attach.js';
import { giveUp, startProgram, type Waiting } from './background.js';

/** A process with a terminal that the person may leave running. */
export interface DetachableExec {
  plan: Plan;
  /** PID of the process whose namespaces it joins. */
  join: number;
  /** Whether that PID still is the intended process. */
  isJoinable: () => boolean;
  detachKeys: Buffer;
  /** Is called when it is set up. */
  onReady: () => void;
}

/**
 * Runs a process with a terminal in a container. As it may be left running, its monitor is a process of its own, and this
 * process becomes the monitor's client, as with `foster run -it`. Returns only by throwing.
 * @throws FosterError, also if the program cannot be executed
 */
export function execDetachable({ plan, join, isJoinable, detachKeys, onReady }: DetachableExec): never {
  const [client, theirs] = socketPair();
  writeSync(client, ATTACH_OWNER);
  sendWindowSize(client);
  const waiting = startMonitor(plan, { join, isJoinable, client: theirs });
  onReady();
  startProgram(waiting);
  becomeClient('tisop', detachKeys, [0, 1, 2, client, waiting.monitor.pidfd]);
}

function startMonitor(
  plan: Plan,
  { join, isJoinable, client }: Pick<DetachableExec, 'join' | 'isJoinable'> & { client: number },
): Waiting {
  const [session, theirs] = socketPair();
  const nothing = openSync('/dev/null', 'r+');
  const blob = memoryFile('foster-monitor', encodeMonitor(detachableMonitor(plan)));
  const planFile = memoryFile('foster-plan', encodePlan(plan, { trace: false }));
  const output = hostOutput(plan.host);
  const joined = openPidfd(join);
  const descriptors: (number | undefined)[] = [nothing, nothing, nothing, theirs, blob];
  descriptors[wire.FD_PLAN] = planFile;
  descriptors[wire.FD_JOINED] = joined;
  descriptors[wire.FD_HOST_OUTPUT] = output;
  descriptors[wire.FD_CLIENT] = client;
  keepDescriptors(descriptors, wire.FD_SUPERVISOR_END, plan);
  try {
    if (!isJoinable()) throw new FosterError('the container has just ended', { exitCode: 1 });
    const program = { file: initProgram(), argv: ['foster-init', 'monitor'], env: [] };
    const monitor = startProcess({ ...program, descriptors: Array.from(descriptors) }, 0);
    const waiting = { monitor, session, plan };
    try {
      waitUntilReady(plan, session, { output, outcomes: [] });
      return waiting;
    } catch (error) {
      giveUp(waiting); // which closes the session
      throw error;
    }
  } finally {
    closeAll([theirs, client, nothing, blob, planFile, output, joined]);
  }
}

/** The monitor of such a process. */
export function detachableMonitor(plan: Plan): MonitorOptions {
  return {
    pid: 0,
    host: { steps: plan.host },
    terminal: plan.terminal,
    interactive: true,
    verbose: false,
    shim: plan.shim,
    userNamespace: false,
    stateless: true,
    remove: [],
    failures: executionFailures(plan),
    log: 'none',
    supervise: { cloneFlags: 0, joins: true, isNested: false, kept: plan.kept },
  };
}
