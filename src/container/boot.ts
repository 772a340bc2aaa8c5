import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { containerFolder } from '../sys/paths.js';
import { type Container, isAlive, listContainers, readLive, readRestart } from './store.js';

/**
 * What a boot means for containers. There is no daemon that would notice it. Instead a systemd unit calls foster when the
 * machine, or the user's session, starts and ends (restart-unit.ts).
 */

/** Whether a restart policy applies after a reboot. `on-failure` does not: the run was cut off without an exit code. */
function outlivesReboot({ record: { id } }: Container): boolean {
  const { policy } = readRestart(id);
  return policy === 'always' || policy === 'unless-stopped';
}

/**
 * The containers to start after a boot, the oldest first: those that have run before and are not running, with the policy
 * `always`, or with `unless-stopped` if they ran until the shutdown.
 */
export function wantedAtBoot(): Container[] {
  return inOrder().filter(
    (container) =>
      outlivesReboot(container) &&
      !isAlive(container.state) &&
      readLive(container.record.id) !== undefined &&
      !staysStopped(container),
  );
}

/** The containers to stop before a shutdown; the next boot starts them. */
export function runningUntilShutdown(): Container[] {
  return inOrder().filter((container) => outlivesReboot(container) && isAlive(container.state));
}

function inOrder(): Container[] {
  return listContainers().toSorted((a, b) => Date.parse(a.record.created) - Date.parse(b.record.created));
}

function staysStopped({ record: { id } }: Container): boolean {
  const has = (name: string) => existsSync(join(containerFolder(id), name));
  return readRestart(id).policy === 'unless-stopped' && has('stopped') && !has('shutdown');
}
