import { closeSync, openSync } from 'node:fs';
import { CLONE_FLAGS, startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { CONTROL_RESUME, encodeMonitor } from '../init/wire.js';
import { writeIdMaps } from '../launch/id-maps.js';
import { allIds } from '../spec/choose-id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { memoryFile, socketPair, waitForChild } from '../sys/libc.js';
import { sendWord } from '../sys/write.js';

export interface RemoveOptions {
  /** A descriptor that stays open until the work is done, even if this process is killed: that of a lock. */
  hold?: number;
  /** Called when everything is prepared, before anything is removed. If it throws, nothing is removed. */
  ready?: () => void;
  /** Called when removing has started. */
  started?: () => void;
}

/**
 * Removes trees with foster-init, which walks them by descriptors: a process that changes a tree meanwhile cannot make
 * it remove anything elsewhere. Files may belong to ids that exist only in a container's user namespace: `maps` are
 * those of the namespace to use; without them it runs as the caller. Returns whether all are gone.
 * @throws FosterError if no user namespace can be created; nothing is removed then
 */
export function removeTrees(
  paths: string[],
  maps: IdMaps | undefined,
  { hold, ready, started }: RemoveOptions = {},
): boolean {
  // Root can remove everything, also files that belong to ids of other maps.
  const remover = startRemover(paths, maps && process.getuid?.() === 0 ? allIds() : maps, hold);
  let isReady = false;
  try {
    ready?.();
    isReady = true;
  } finally {
    if (isReady) sendWord(remover.control, CONTROL_RESUME);
    closeSync(remover.control); // without a byte, it exits
    if (!isReady) waitForChild(remover.pid);
  }
  started?.();
  return waitForChild(remover.pid).code === 0;
}

/**
 * Removes trees without a user namespace if the caller owns all their files, else with `removeTrees`. Returns whether
 * all are gone.
 * @throws FosterError if a user namespace is needed and cannot be created
 */
export function removeTreesOfAnyOwner(paths: string[], maps: IdMaps | undefined): boolean {
  return removeTrees(paths, undefined) || (maps !== undefined && removeTrees(paths, maps));
}

/**
 * Creates a user namespace with these maps and without processes. Returns a descriptor, which the caller must close.
 */
export function openUserNamespace(maps: IdMaps): number {
  const { pid, control } = startRemover([], maps);
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } finally {
    closeSync(control); // without a byte, it exits
    waitForChild(pid);
  }
}

/**
 * Starts foster-init in a user namespace with these maps, or in the current one. It starts removing when it receives a
 * byte on `control`, and exits when that is closed.
 */
function startRemover(
  paths: string[],
  maps: IdMaps | undefined,
  hold?: number,
): { pid: number; control: number } {
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
  let child: { pid: number; pidfd: number } | undefined;
  try {
    child = startProcess(
      { file: initProgram(), argv, env: [], descriptors, privileged: maps !== undefined },
      maps === undefined ? 0 : CLONE_FLAGS.user,
    );
    closeSync(child.pidfd);
    if (maps !== undefined) writeIdMaps(child.pid, maps);
    return { pid: child.pid, control: ours };
  } catch (error) {
    closeSync(ours);
    if (child !== undefined) waitForChild(child.pid);
    throw cloneFailure(error);
  } finally {
    for (const fd of [nothing, blob, theirs]) closeSync(fd);
  }
}
