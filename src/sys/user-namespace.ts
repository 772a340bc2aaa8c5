import { closeSync, openSync, writeSync } from 'node:fs';
import { encodeMonitor, SAY_MAPPED } from '../init/wire.js';
import { CLONE_FLAGS, startProcess } from './clone.js';
import { type IdMaps, writeIdMaps } from './id-maps.js';
import { initProgram } from './init-program.js';
import { memoryFile, socketPair, waitForChild } from './libc.js';
import { cloneFailure } from './namespace-failure.js';

/**
 * Removes trees whose files belong to ids that only exist in the container's user namespace, by foster-init in one
 * with the same maps. Returns whether all are gone.
 */
export function removeTrees(paths: string[], maps: IdMaps): boolean {
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
  const descriptors = [nothing, nothing, 2, theirs, blob];
  try {
    const child = startProcess(
      { file: initProgram(), argv, env: [], descriptors, privileged: true },
      CLONE_FLAGS.user,
    );
    closeSync(child.pidfd);
    try {
      writeIdMaps(child.pid, maps);
      writeSync(ours, SAY_MAPPED);
    } finally {
      closeSync(theirs);
      closeSync(ours);
    }
    return waitForChild(child.pid).code === 0;
  } catch (error) {
    throw cloneFailure(error);
  } finally {
    closeSync(nothing);
    closeSync(blob);
  }
}
