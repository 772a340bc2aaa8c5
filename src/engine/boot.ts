import type { RestartUnit } from '../container/restart-unit.js';

export type { RestartUnit };

/** What a boot and a shutdown mean for containers whose restart policy is always or unless-stopped. */

/** The ids of containers that are to be started after a boot, the oldest first. */
export async function wantedAtBoot(): Promise<string[]> {
  const { wantedAtBoot } = await import('../container/boot.js');
  return wantedAtBoot().map(({ record }) => record.id);
}

/** The ids of containers that are stopped before a shutdown. */
export async function runningUntilShutdown(): Promise<string[]> {
  const { runningUntilShutdown } = await import('../container/boot.js');
  return runningUntilShutdown().map(({ record }) => record.id);
}

/** Stops a container as `stop` does, but it is started after the next boot all the same. @throws FosterError */
export async function stopForShutdown(reference: string): Promise<void> {
  const { findContainer } = await import('../container/store.js');
  const { stopContainer } = await import('../container/stop.js');
  await stopContainer(findContainer(reference), { timeout: undefined, signal: undefined, isShutdown: true });
}

/**
 * Installs a unit of systemd that starts and stops containers with the machine: of the system for root, else of the user.
 * @param program the words that run foster
 * @throws FosterError if there is no such systemd
 */
export async function enableRestart(program: readonly string[]): Promise<RestartUnit> {
  const { enableRestart } = await import('../container/restart-unit.js');
  return await enableRestart(program);
}

/** Removes it. @returns its file; undefined if it was not there */
export async function disableRestart(): Promise<string | undefined> {
  const { disableRestart } = await import('../container/restart-unit.js');
  return await disableRestart();
}
