import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { errnoOf } from '../../sys/errno.js';
import { lockFile, syncFilesystem } from '../../sys/libc.js';
import { dataFolder } from '../../sys/paths.js';
import { unseen } from '../../sys/sightings.js';
import { onInterrupt, stopIfInterrupted } from '../../worker/interrupt.js';

/**
 * The cache of unpacked root filesystems:
 *
 *     roots/NAME/rootfs   a finished tree; NAME says what it was made from
 *     roots/tmp-XXXXXX    one that is being made; its maker holds a lock on it
 *     roots/by-file/      which NAME was made from an unchanged tar file
 *     roots/locks/        a file for each tree that is being made, so that two runs at once make it once
 */
export function rootsFolder(): string {
  return join(dataFolder(), 'roots');
}

/** The finished tree of that name, if there is one. */
export function cachedTree(name: string): string | undefined {
  const path = join(rootsFolder(), name, 'rootfs');
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}

/** The files of a tree belong to ids of the host, so each set of id maps needs its own tree. */
export function mapsKey(maps: IdMaps): string {
  const text = JSON.stringify([maps.uid, maps.gid]);
  let hash = 0x811c9dc5; // FNV-1a: short, and it need not be secret
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Where finished trees of a kind are kept: `PARENT/NAME/TREE`. */
export interface TreeLocation {
  parent: string;
  tree: string;
}

/** A temporary folder in which a tree is made, on the same file system as its final location. */
export interface Workspace {
  folder: string;
  /** The directory to fill; exists and is empty. */
  tree: string;
  /** Registers a function to call at Ctrl-C, a hangup or SIGTERM, before the folder is removed. */
  onInterrupt(callback: () => void): void;
}

/**
 * Lets `make` fill a temporary tree, and gives it the name that `make` returns. Whatever happens, Ctrl-C included, in
 * the end there is either the finished tree or nothing. If another process was faster, its tree is kept.
 * @returns the path of the finished tree
 */
export async function makeTree(
  maps: IdMaps,
  make: (workspace: Workspace) => string | Promise<string>,
  home: TreeLocation = { parent: rootsFolder(), tree: 'rootfs' },
): Promise<string> {
  const { folder, lock } = await openTemporaryFolder();
  const callbacks: (() => void)[] = [];
  const stopListening = onInterrupt(async () => {
    for (const callback of callbacks) callback();
    await removeTree(folder, maps);
  });
  try {
    const tree = join(folder, home.tree);
    mkdirSync(tree);
    chmodSync(tree, 0o755); // regardless of the umask
    const name = await make({ folder, tree, onInterrupt: (callback) => callbacks.push(callback) });
    await moveInto(folder, join(home.parent, name), maps);
    return join(home.parent, name, home.tree);
  } catch (error) {
    await stopIfInterrupted();
    await removeTree(folder, maps);
    throw error;
  } finally {
    stopListening();
    closeSync(lock);
  }
}

/**
 * Gives `use` a folder that is removed afterwards, also when the caller interrupts the work; if this process is killed, the
 * next command removes it.
 * @param use may register what to do at an interrupt before that
 * @throws what `use` throws, Error of node:fs
 */
export async function withTemporaryFolder<T>(
  maps: IdMaps,
  use: (folder: string, onInterrupt: (callback: () => void) => void) => Promise<T>,
): Promise<T> {
  const { folder, lock } = await openTemporaryFolder();
  const callbacks: (() => void)[] = [];
  const stopListening = onInterrupt(async () => {
    for (const callback of callbacks) callback();
    await removeTree(folder, maps);
  });
  try {
    try {
      return await use(folder, (callback) => callbacks.push(callback));
    } finally {
      await stopIfInterrupted();
      await removeTree(folder, maps);
    }
  } finally {
    stopListening();
    closeSync(lock);
  }
}

/**
 * Gives a finished tree its final name. If another process was faster, its tree is kept.
 * @param folder the folder that has the tree, on the same file system
 */
export async function moveInto(folder: string, final: string, maps: IdMaps): Promise<void> {
  await sync(folder); // otherwise a power failure could leave an incomplete tree under the final name
  await stopIfInterrupted();
  try {
    renameSync(folder, final);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    await removeTree(folder, maps); // another process was faster
    return;
  }
  rmSync(join(final, 'lock'), { force: true }); // not earlier: a folder without a lock is a leftover
}

async function sync(folder: string): Promise<void> {
  const fd = openSync(folder, 'r');
  try {
    await syncFilesystem(fd);
  } finally {
    closeSync(fd);
  }
}

/** Its lock is held, so that no other process takes it for a leftover. */
async function openTemporaryFolder(): Promise<{ folder: string; lock: number }> {
  return await withLock('temporary', async () => {
    const folder = mkdtempSync(join(rootsFolder(), 'tmp-'));
    const lock = openSync(join(folder, 'lock'), 'wx', 0o600);
    lockFile(lock, { wait: true });
    return { folder, lock };
  });
}

/**
 * Removes the folders of killed processes. One that is in use is locked and stays.
 * @returns how many were removed
 */
export async function removeLeftovers(): Promise<number> {
  if (temporaryFolders().length === 0) return 0;
  const dead = await withLock('temporary', async () =>
    temporaryFolders().flatMap((folder) => lockLeftover(folder) ?? []),
  );
  const { defaultIdMaps } = await import('../../spec/choose-id-maps.js');
  for (const { folder, lock } of dead) {
    await removeTree(folder, defaultIdMaps());
    closeSync(lock);
  }
  return dead.length;
}

function temporaryFolders(): string[] {
  try {
    return unseen(() => readdirSync(rootsFolder()))
      .filter((name) => name.startsWith('tmp-'))
      .map((name) => join(rootsFolder(), name));
  } catch {
    return []; // nothing has been unpacked yet
  }
}

/** Undefined if a process is using it. */
function lockLeftover(folder: string): { folder: string; lock: number } | undefined {
  let lock: number;
  try {
    lock = openSync(join(folder, 'lock'), 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // it has just been completed
    throw error;
  }
  if (lockFile(lock, { wait: false })) return { folder, lock };
  closeSync(lock);
  return undefined;
}

/** Removes a tree whose files may belong to ids of a user namespace with these maps, and the cgroups of what ran in it. */
export async function removeTree(folder: string, maps: IdMaps): Promise<void> {
  const { removeNotedCgroups } = await import('../../launch/noted-cgroups.js');
  removeNotedCgroups(folder);
  const { removeTreesOfAnyOwner } = await import('../../worker/remove-trees.js');
  removeTreesOfAnyOwner([folder], maps);
}

const POLL_MS = 20;

/**
 * Waits for the lock of that name, and runs `use` while holding it.
 * @throws the signal's reason if it is aborted while waiting
 */
export async function withLock<T>(name: string, use: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const path = join(rootsFolder(), 'locks', name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    const lock = openSync(path, 'a', 0o600);
    try {
      // A blocking wait would hold up everything else that this process does, such as reacting to Ctrl-C.
      while (!lockFile(lock, { wait: false })) {
        await new Promise((done) => setTimeout(done, POLL_MS));
        signal?.throwIfAborted();
      }
      // If the previous holder has removed the file, this lock is worthless.
      if (!isSameFile(lock, path)) continue;
      const remove = () => rmSync(path, { force: true });
      const stopListening = onInterrupt(remove, { last: true });
      try {
        return await use();
      } finally {
        stopListening();
        remove();
      }
    } finally {
      closeSync(lock);
    }
  }
}

/** Removes lock files that nobody holds any more, left by processes that were killed. */
export function removeStaleLocks(): void {
  const folder = join(rootsFolder(), 'locks');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return; // nothing has been locked yet
  }
  for (const path of names.map((name) => join(folder, name))) {
    const lock = openSync(path, 'a', 0o600);
    try {
      if (lockFile(lock, { wait: false }) && isSameFile(lock, path)) rmSync(path, { force: true });
    } finally {
      closeSync(lock);
    }
  }
}

function isSameFile(fd: number, path: string): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return now !== undefined && now.ino === fstatSync(fd).ino;
}
