import { helperPlan } from '../container/background.js';
import { runHelper } from '../container/run-helper.js';
import { notRunning } from '../container/signal.js';
import { findContainer } from '../container/store.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { exec } from './exec.js';

/**
 * Runs the health check of a container once, with its timeout. The container's health status does not change, because
 * the monitor keeps that.
 * @returns whether the check has succeeded
 * @throws FosterError if there is no such container, it is not running, or it has no health check
 */
export async function checkHealth(reference: string): Promise<boolean> {
  try {
    return await check(reference);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const { message, kind, advice } = error;
    // not 1, which means unhealthy
    throw new FosterError(message, { kind, cause: error, exitCode: EXIT.FOSTER, ...(advice && { advice }) });
  }
}

async function check(reference: string): Promise<boolean> {
  const container = findContainer(reference);
  const { id, name, health } = container.record;
  if (health === undefined)
    throw new FosterError(`container ${name} has no health check`, {
      kind: 'invalid',
      advice: 'give it one with foster run --health-cmd',
    });
  const { command, timeout, probe } = health;
  if (probe === undefined) {
    const { exitCode, timedOut } = await exec(id, { command, timeout });
    return exitCode === 0 && !timedOut;
  }
  const { status, pid } = container.state;
  if (status !== 'running') throw notRunning(name);
  return (await runHelper(helperPlan(container.record, health), pid, timeout)) === 0;
}
