import { closeSync, openSync } from 'node:fs';
import { startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { CONTROL_START, encodePlan } from '../init/wire.js';
import { executionFailure } from '../launch/execution-failure.js';
import { launchFailure } from '../launch/failure.js';
import { receiveReport, switchToProcess } from '../launch/launch.js';
import { closeAll } from '../launch/streams.js';
import { FD } from '../plan/facts.js';
import type { Plan } from '../plan/step.js';
import { memoryFile, openPidfd, signalPidfd, socketPair, waitForChild } from '../sys/libc.js';
import { waitUntilReadable } from '../sys/poll.js';
import { sendWord } from '../sys/write.js';
import { SIGKILL } from './signal.js';

/**
 * Runs a health check or a hook: a plan of helperPlan(), which joins a container, as a child of this process.
 * @param join the host's PID of the container's PID 1
 * @param timeout in milliseconds; Infinity for none
 * @returns its exit code; undefined if it took longer than `timeout`, and was killed
 * @throws FosterError if it could not be started
 */
export async function runHelper(plan: Plan, join: number, timeout: number): Promise<number | undefined> {
  const deadline = performance.now() + timeout;
  const { control, child } = start(plan, join);
  let code: number | undefined;
  try {
    sendWord(control, CONTROL_START);
    while (await waitUntilReadable(control, deadline - performance.now())) {
      const report = receiveReport(control);
      // the socket closes when its program is executed
      if (report === undefined) break;
      if (report.kind === 'failed') throw launchFailure(plan, report, undefined);
      if (report.kind === 'exec-failed') throw executionFailure(plan, report.errno);
      if (report.kind === 'reforked') switchToProcess(report.pid, child);
    }
    const isOver = await waitUntilReadable(child.pidfd, deadline - performance.now());
    if (isOver) code = waitForChild(child.pid).code;
    return code;
  } finally {
    if (code === undefined) {
      signalPidfd(child.pidfd, SIGKILL);
      waitForChild(child.pid);
    }
    closeAll([control, child.pidfd]);
  }
}

function start(plan: Plan, join: number): { control: number; child: { pid: number; pidfd: number } } {
  const [control, theirs] = socketPair();
  const nothing = openSync('/dev/null', 'r+');
  const blob = memoryFile('foster-helper', encodePlan(plan, { trace: false }));
  const joined = openPidfd(join);
  const descriptors = [nothing, nothing, nothing, theirs, blob];
  descriptors[FD.JOIN] = joined;
  try {
    const child = startProcess(
      { file: initProgram(), argv: ['foster-init'], env: [], descriptors: Array.from(descriptors) },
      0,
    );
    return { control, child };
  } catch (error) {
    closeSync(control);
    throw error;
  } finally {
    closeAll([theirs, nothing, blob, joined]);
  }
}
