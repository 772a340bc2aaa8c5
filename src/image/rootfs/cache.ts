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
import { onInterrupt, stopIfInterrupted } from '../../worker/interrupt.js';

/**
 * The cache of unpacked root filesystems:
 *
 *     roots/NAME/rootfs   a finished tree; NAME says what it was made from
 *     roots/tmp-XXXXXX    one that is being made; whoever makes it holds a lock on it
 *     roots/by-file/      which NAME an unchanged tar file has become
 *     roots/locks/        a file for each thing that is being made, so that two runs at once make it once
 */
export function rootsFolder(): string {
  return join(dataFolder(), 'roots');
}

/** The finished tree of that name, if there is one. */
export function cachedTree(name: string): string | undefined {
  const path = join(rootsFolder(), name, 'rootfs');
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}

/** Files of a tree belong to ids of the host, so that each choice of id maps needs a tree of its own. */
export function mapsKey(maps: IdMaps): string {
  const text = JSON.stringify([maps.uid, maps.gid]);
  let hash = 0x811c9dc5; // FNV-1a: no secret, only short
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Where finished trees of a kind stay: `PARENT/NAME/TREE`. */
export interface TreeHome {
  parent: string;
  tree: string;
}

/** A folder that a tree is made in, beside the place where it will stay. */
export interface Workplace {
  folder: string;
  /** Where the tree goes: an existing, empty directory. */
  tree: string;
  /** Called at Ctrl-C, a hangup or SIGTERM, before the folder is removed. */
  onInterrupt(callback: () => void): void;
}

/**
 * Has `make` fill a temporary tree, and gives it the name that `make` returns. Whatever happens, Ctrl-C included,
 * either the finished tree stands there in the end, or nothing. Another process may have been faster: then its tree
 * stays.
 * @returns the path of the finished tree
 */
export async function makeTree(
  maps: IdMaps,
  make: (place: Workplace) => string | Promise<string>,
  home: TreeHome = { parent: rootsFolder(), tree: 'rootfs' },
): Promise<string> {
  const { folder, lock } = await openTemporaryFolder();
  const callbacks: (() => void)[] = [];
  const takeBack = onInterrupt(async () => {
    for (const callback of callbacks) callback();
    await remove(folder, maps);
  });
  try {
    const tree = join(folder, home.tree);
    mkdirSync(tree);
    chmodSync(tree, 0o755); // whatever the umask
    const name = await make({ folder, tree, onInterrupt: (callback) => callbacks.push(callback) });
    await stopIfInterrupted();
    await moveInto(folder, join(home.parent, name), maps);
    return join(home.parent, name, home.tree);
  } catch (error) {
    await stopIfInterrupted();
    await remove(folder, maps);
    throw error;
  } finally {
    takeBack();
    closeSync(lock);
  }
}

/**
 * Lends `use` a folder that is removed afterwards, or, where this process is killed meanwhile, by the next command.
 * @throws what `use` throws, Error of node:fs
 */
export async function withTemporaryFolder<T>(maps: IdMaps, use: (folder: string) => Promise<T>): Promise<T> {
  const { folder, lock } = await openTemporaryFolder();
  try {
    return await use(folder);
  } finally {
    await remove(folder, maps);
    closeSync(lock);
  }
}

async function moveInto(folder: string, final: string, maps: IdMaps): Promise<void> {
  sync(folder); // else, after a power failure, the name would stand for a tree with holes
  try {
    renameSync(folder, final);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    await remove(folder, maps); // somebody else was faster
    return;
  }
  rmSync(join(final, 'lock'), { force: true }); // not before: a folder without one is a leftover
}

function sync(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    syncFilesystem(fd);
  } finally {
    closeSync(fd);
  }
}

/** The folder's lock is held, so that nobody takes it for a leftover. */
async function openTemporaryFolder(): Promise<{ folder: string; lock: number }> {
  return await withLock('temporary', async () => {
    const folder = mkdtempSync(join(rootsFolder(), 'tmp-'));
    const lock = openSync(join(folder, 'lock'), 'wx', 0o600);
    lockFile(lock, { wait: true });
    return { folder, lock };
  });
}

/**
 * Removes what unpackings that were killed have left. One that is going on holds its lock and is not touched.
 * @returns how many there were
 */
export async function removeLeftovers(): Promise<number> {
  if (temporaryFolders().length === 0) return 0;
  const dead = await withLock('temporary', async () =>
    temporaryFolders().flatMap((folder) => lockLeftover(folder) ?? []),
  );
  const { defaultIdMaps } = await import('../../spec/choose-id-maps.js');
  for (const { folder, lock } of dead) {
    await remove(folder, defaultIdMaps());
    closeSync(lock);
  }
  return dead.length;
}

function temporaryFolders(): string[] {
  try {
    return readdirSync(rootsFolder())
      .filter((name) => name.startsWith('tmp-'))
      .map((name) => join(rootsFolder(), name));
  } catch {
    return []; // nothing was ever unpacked
  }
}

/** Undefined where somebody is at work in it. */
function lockLeftover(folder: string): { folder: string; lock: number } | undefined {
  let lock: number;
  try {
    lock = openSync(join(folder, 'lock'), 'a', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined; // it has just been finished
    throw error;
  }
  if (lockFile(lock, { wait: false })) return { folder, lock };
  closeSync(lock);
  return undefined;
}

/** Removes a tree of which not all may be ours: its files may belong to ids of a user namespace with these maps. */
async function remove(folder: string, maps: IdMaps): Promise<void> {
  const { clearAway } = await import('../../worker/remove-trees.js');
  clearAway([folder], maps);
}

const POLL_MS = 20;

/**
 * Runs `use` while holding the lock of that name; waits for whoever holds it.
 * @throws the signal's reason, where it is aborted while waiting
 */
export async function withLock<T>(name: string, use: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const path = join(rootsFolder(), 'locks', name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    const lock = openSync(path, 'a', 0o600);
    try {
      // Not by blocking, which would hold up all else that this process does, such as dying of Ctrl-C.
      while (!lockFile(lock, { wait: false })) {
        await new Promise((done) => setTimeout(done, POLL_MS));
        signal?.throwIfAborted();
      }
      // Whoever held it before has removed the file: the lock is worth nothing then.
      if (!isSameFile(lock, path)) continue;
      const remove = () => rmSync(path, { force: true });
      const takeBack = onInterrupt(remove, { last: true });
      try {
        return await use();
      } finally {
        takeBack();
        remove();
      }
    } finally {
      closeSync(lock);
    }
  }
}

/** Removes the files of locks that nobody holds: those of processes that were killed. */
export function removeStaleLocks(): void {
  const folder = join(rootsFolder(), 'locks');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return; // nothing was ever locked
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
