import { closeSync, openSync } from 'node:fs';
import { encodeMonitor, SAY_MAPPED } from '../init/wire.js';
import { CLONE_FLAGS, startProcess } from './clone.js';
import { type IdMaps, writeIdMaps } from './id-maps.js';
import { initProgram } from './init-program.js';
import { memoryFile, socketPair, waitForChild } from './libc.js';
import { cloneFailure } from './namespace-failure.js';
import { say } from './write.js';

export interface Removal {
  /** A descriptor that stays open until the work is done, even if we are killed meanwhile: that of a lock. */
  hold?: number;
  /** Called when the work is under way. */
  begun?: () => void;
}

/**
 * Removes trees whose files belong to ids that only exist in the container's user namespace, by foster-init in one
 * with the same maps. Returns whether all are gone.
 */
export function removeTrees(paths: string[], maps: IdMaps, { hold, begun }: Removal = {}): boolean {
  const blob = memoryFile(
    'foster-remove',
    encodeMonitor({
      pid: 0,
      terminal: false,
      interactive: false,
      verbose: false,
      shim: false,
      userNamespace: true,
      stateless: true,
      remove: paths,
      failures: [],
    }),
  );
  const [ours, theirs] = socketPair();
  const nothing = openSync('/dev/null', 'r+');
  const argv = ['foster-init', 'remove'];
  const descriptors = [nothing, nothing, 2, theirs, blob, hold];
  let child: { pid: number; pidfd: number };
  try {
    child = startProcess(
      { file: initProgram(), argv, env: [], descriptors, privileged: true },
      CLONE_FLAGS.user,
    );
  } catch (error) {
    closeSync(ours);
    throw cloneFailure(error);
  } finally {
    for (const fd of [nothing, blob, theirs]) closeSync(fd);
  }
  closeSync(child.pidfd);
  let isMapped = false;
  try {
    writeIdMaps(child.pid, maps);
    isMapped = true;
  } catch (error) {
    throw cloneFailure(error);
  } finally {
    if (isMapped) say(ours, SAY_MAPPED);
    closeSync(ours); // without the word it ends
    if (!isMapped) waitForChild(child.pid);
  }
  begun?.();
  return waitForChild(child.pid).code === 0;
}
