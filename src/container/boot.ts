import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { containerFolder } from '../sys/paths.js';
import { type Container, isAlive, listContainers, readLive, readRestart } from './store.js';

/**
 * What a boot means for containers. There is no daemon that would know of it: a unit of systemd calls foster when the
 * machine, or the user's session, starts and ends (restart-unit.ts).
 */

/** Whether a restart policy holds beyond a reboot. That of on-failure needs the exit code of a run that was cut off. */
function outlivesReboot({ record: { id } }: Container): boolean {
  const { policy } = readRestart(id);
  return policy === 'always' || policy === 'unless-stopped';
}

/**
 * Containers that are to be started after a boot: those that have run before and do not run now, with the policy always, or
 * with unless-stopped if they ran until the shutdown. The oldest first.
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

/** Containers that are stopped before a shutdown, and started by the next boot. */
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
