import { closeSync, openSync } from 'node:fs';
import { CLONE_FLAGS, startProcess } from '../init/clone.js';
import { initProgram } from '../init/init-program.js';
import { cloneFailure } from '../init/namespace-failure.js';
import { encodeMonitor, WORD_RESUME } from '../init/wire.js';
import { writeIdMaps } from '../launch/id-maps.js';
import { allIds } from '../spec/choose-id-maps.js';
import type { IdMaps } from '../spec/id-maps.js';
import { memoryFile, socketPair, waitForChild } from '../sys/libc.js';
import { sendWord } from '../sys/write.js';

export interface Removal {
  /** A descriptor that stays open until the work is done, even if we are killed meanwhile: that of a lock. */
  hold?: number;
  /** Called when all that the work needs is there, before anything is removed. What it throws ends it. */
  ready?: () => void;
  /** Called when the work is under way. */
  begun?: () => void;
}

/**
 * Removes trees by foster-init, which goes from directory to directory by descriptors: whoever changes a tree meanwhile
 * cannot have it remove something elsewhere. Their files may belong to ids that only exist in a container's user
 * namespace: then in one with the same maps; as the caller, where there are no maps. Returns whether all are gone.
 * @throws FosterError where there are no user namespaces to be had; nothing is removed then
 */
export function removeTrees(
  paths: string[],
  maps: IdMaps | undefined,
  { hold, ready, begun }: Removal = {},
): boolean {
  // Root may remove whatever there is, also what belongs to ids of other maps than the trees that are made now.
  const remover = startRemover(paths, maps && process.getuid?.() === 0 ? allIds() : maps, hold);
  let isReady = false;
  try {
    ready?.();
    isReady = true;
  } finally {
    if (isReady) sendWord(remover.control, WORD_RESUME);
    closeSync(remover.control); // without the word it ends
    if (!isReady) waitForChild(remover.pid);
  }
  begun?.();
  return waitForChild(remover.pid).code === 0;
}

/**
 * Removes trees that may be all ours, which takes no user namespace, or not: `removeTrees`. Returns whether all are gone.
 * @throws FosterError where one is needed and cannot be had
 */
export function clearAway(paths: string[], maps: IdMaps | undefined): boolean {
  return removeTrees(paths, undefined) || (maps !== undefined && removeTrees(paths, maps));
}

/** A user namespace with these maps, in which nobody is. A descriptor, to be closed. */
export function openUserNamespace(maps: IdMaps): number {
  const { pid, control } = startRemover([], maps);
  try {
    return openSync(`/proc/${pid}/ns/user`, 'r');
  } finally {
    closeSync(control); // without the word it ends
    waitForChild(pid);
  }
}

/**
 * foster-init in a user namespace with these maps, or in ours: it begins when it is told so on `control`, and ends when
 * that is closed.
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
