import type { RestartUnit } from '../container/restart-unit.js';

export type { RestartUnit };

/** What a boot and a shutdown mean for containers whose restart policy is always or unless-stopped. */

/** The ids of the containers that a boot starts, the oldest first. */
export async function wantedAtBoot(): Promise<string[]> {
  const { wantedAtBoot } = await import('../container/boot.js');
  return wantedAtBoot().map(({ record }) => record.id);
}

/** The ids of the containers that a shutdown stops and the next boot starts. */
export async function runningUntilShutdown(): Promise<string[]> {
  const { runningUntilShutdown } = await import('../container/boot.js');
  return runningUntilShutdown().map(({ record }) => record.id);
}

/** Stops a container as `stop` does; the next boot starts it again. @throws FosterError */
export async function stopForShutdown(reference: string): Promise<void> {
  const { findContainer } = await import('../container/store.js');
  const { stopContainer } = await import('../container/stop.js');
  await stopContainer(findContainer(reference), { timeout: undefined, signal: undefined, isShutdown: true });
}

/**
 * Installs a systemd unit that starts and stops containers with the machine: a system unit for root, else a user unit.
 * @param program the words that run foster
 * @throws FosterError if the machine or the user has no systemd
 */
export async function enableRestart(program: readonly string[]): Promise<RestartUnit> {
  const { enableRestart } = await import('../container/restart-unit.js');
  return await enableRestart(program);
}

/** Removes the unit. @returns its file; undefined if there was none */
export async function disableRestart(): Promise<string | undefined> {
  const { disableRestart } = await import('../container/restart-unit.js');
  return await disableRestart();
}
