import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { baseFolder } from './base-folders.js';
import { errnoOf } from './errno.js';
import { FosterError } from './errors.js';
import { surroundings } from './surroundings.js';

/** Paths of foster's files: XDG base directory specification, and docs/state.md. */

/** The last data folder that was checked, and what it was found by: a list of containers asks for it thousands of times. */
let trusted: { folder: string; by: readonly (string | undefined)[] } | undefined;

/**
 * Images, root filesystems and containers: `$XDG_DATA_HOME/foster`, or the folder of --root.
 * @throws FosterError if other users can write to it, who could then make foster run or remove anything
 */
export function dataFolder(): string {
  const { dataRoot, env } = surroundings();
  const by = [dataRoot, env.XDG_DATA_HOME, env.HOME];
  if (trusted !== undefined && by.every((one, index) => one === trusted?.by[index])) return trusted.folder;
  const folder = dataFolderPath();
  if (isOwn(folder)) trusted = { folder, by };
  return folder;
}

/** Where the data folder is, without a look at it. @throws FosterError if the home directory is unknown */
export function dataFolderPath(): string {
  return surroundings().dataRoot ?? join(baseFolder('XDG_DATA_HOME', '.local/share'), 'foster');
}

/**
 * Whether a folder exists, and belongs to the caller.
 * @throws FosterError if it belongs to another user, or others can write to it
 */
function isOwn(folder: string): boolean {
  const info = statSync(folder, { throwIfNoEntry: false });
  if (info === undefined) return false;
  const fault = dataFolderFault(folder, info, process.geteuid?.() ?? 0);
  if (fault === undefined) return true;
  throw new FosterError(`cannot use ${folder}: ${fault.because}`, { kind: 'denied', advice: fault.advice });
}

/** Why a data folder cannot be used. */
export interface FolderFault {
  /** A clause. */
  because: string;
  advice: string;
  /** The bits of its mode that have to be cleared. */
  clears?: number;
}

/** @param info of stat(2) @param user who wants to use it */
export function dataFolderFault(
  folder: string,
  info: { uid: number; mode: number },
  user: number,
): FolderFault | undefined {
  if (info.uid !== user)
    return {
      because: `it belongs to user ${info.uid}, and you are user ${user}`,
      advice: 'set HOME or XDG_DATA_HOME to a folder of your own, or choose one with --root',
    };
  if ((info.mode & 0o022) === 0) return undefined;
  return {
    because: 'other users can write to it',
    advice: `make it private: chmod go-w ${folder}`,
    clears: 0o022,
  };
}

/**
 * Creates a folder, by default a private one, and its missing parents. Node's own function for that never returns on a file system without
 * new names, such as proc(5).
 * @throws Error of node:fs
 */
export function makeFolder(path: string, mode = 0o700): void {
  for (let isSecond = false; ; isSecond = true) {
    try {
      mkdirSync(path, mode);
      return;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return;
      if (code !== 'ENOENT' || isSecond) throw error;
      makeFolder(dirname(path), mode);
    }
  }
}

/** Compiled code and other files that can be recreated at any time: `$XDG_CACHE_HOME/foster`. */
export function cacheFolder(): string {
  return join(baseFolder('XDG_CACHE_HOME', '.cache'), 'foster');
}

export function containerFolder(id: string): string {
  return `${dataFolder()}/containers/${id}`; // for each container of a list, and join() takes longer than to read it
}

/** A pod: what is known about it. */
export function podFolder(id: string): string {
  return join(podsFolder(), id);
}

/** The file that counts the failures of the containers of a Job, a byte for each. @param job the id of its first pod */
export function jobFailures(job: string): string {
  return join(podFolder(job), 'failures');
}

export function podsFolder(): string {
  return join(dataFolder(), 'pods');
}

/** The volumes. */
export function volumesFolder(): string {
  return join(dataFolder(), 'volumes');
}

/** A volume: what is known about it, and its files. */
export function volumeFolder(name: string): string {
  return join(volumesFolder(), name);
}

/** The files of a volume: what is mounted in containers. */
export function volumeData(name: string): string {
  return join(volumeFolder(name), '_data');
}

/** The file whose lock is held while a container runs or a command changes it. */
export function lockPath(id: string): string {
  return join(dataFolder(), 'locks', id);
}

export function nameLink(name: string): string {
  return join(dataFolder(), 'names', name);
}
