import type { Hook } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { helperPlan } from './background.js';
import { readCgroups } from './cgroups.js';
import type { ContainerRecord } from './record.js';
import { runHelper } from './run-helper.js';
import { hasEnded } from './signal.js';
import type { LiveRecord } from './store.js';

/**
 * Does what a container wants before it is told to end. If that fails or takes too long, there is a warning, and the container ends all
 * the same.
 * @param timeout in milliseconds; Infinity for none
 */
export async function runPreStop(
  record: ContainerRecord,
  hook: Hook,
  live: LiveRecord,
  timeout: number,
): Promise<void> {
  if (hook.sleep !== undefined) {
    await hasEnded(live, Math.min(hook.sleep, timeout));
    return;
  }
  const warn = (problem: string) =>
    surroundings().warn(`the hook preStop of container ${record.name} ${problem}`);
  try {
    const code = await runHelper(helperPlan(record, hook, readCgroups(record.id)), live.pid, timeout);
    if (code === undefined) warn('did not end in time: killed');
    else if (code !== 0) warn(`has failed with exit code ${code}`);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    warn(`has failed: ${error.message}`);
  }
}
