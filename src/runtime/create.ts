import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FosterError } from '../errors.js';
import { containerFolder, liveFolder, nameLink } from '../paths.js';
import { randomName } from '../spec/names.js';
import { encodeRestart, type RestartPolicy } from '../spec/restart.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { attributesOf, recordEvent } from './events.js';
import { writeWhole } from './files.js';
import { type ContainerRecord, idOfName, isLocked, lockContainer } from './store.js';

/** A container whose lock we hold. */
export interface HeldContainer {
  record: ContainerRecord;
  lock: number;
}

/** How a container is to come into being. */
export interface Creation {
  /** undefined for any name. */
  name: string | undefined;
  /** Whether the caller's ids mean something in the container. */
  isCallerMapped: boolean;
  /** Absolute path of a file that shall hold the id; it must not exist. */
  cidfile: string | undefined;
  restart: RestartPolicy;
}

/**
 * Gives a container its folder, its name and its lock. The lock comes first and the record last, so that a folder
 * without a lock and without a record is known to be nobody's.
 * @throws FosterError when the name or the cidfile is taken, or the disk is full
 */
export function createContainer(draft: Omit<ContainerRecord, 'name'>, how: Creation): HeldContainer {
  const { id } = draft;
  const folder = containerFolder(id);
  let lock: number | undefined;
  let name: string | undefined;
  try {
    mkdirSync(liveFolder(id), { recursive: true, mode: 0o700 }); // an attempt that fails costs more than this
    lock = lockContainer(id, { wait: true });
    if (lock === undefined) throw new Error('the lock of a new container is taken');
    makeFolders(folder, how.isCallerMapped);
    name = takeName(how.name, id);
    if (how.cidfile !== undefined) writeIdFile(how.cidfile, id);
    writeRestart(folder, how.restart);
    const record = { ...draft, name };
    writeWhole(join(folder, 'config.json'), JSON.stringify(record), { durable: !draft.rm });
    recordEvent('create', record, attributesOf(record));
    return { record, lock };
  } catch (error) {
    if (name !== undefined) rmSync(nameLink(name), { force: true });
    rmSync(folder, { recursive: true, force: true });
    rmSync(liveFolder(id), { recursive: true, force: true });
    if (lock !== undefined) closeSync(lock);
    throw explained(error, folder);
  }
}

function makeFolders(folder: string, isCallerMapped: boolean): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  mkdirSync(folder);
  mkdirSync(join(folder, 'root'));
  if (isCallerMapped) {
    mkdirSync(join(folder, 'upper'));
    mkdirSync(join(folder, 'work'));
  } else {
    // The container's root, who is somebody else here, makes them. The folder above lets no stranger in.
    chmodSync(folder, 0o777);
  }
}

/** The container's `restart` file. */
export function writeRestart(folder: string, restart: RestartPolicy): void {
  writeWhole(join(folder, 'restart'), encodeRestart(restart), { durable: false });
}

/** A name is a symbolic link to its container: making one either succeeds or finds it taken. */
export function takeName(wanted: string | undefined, id: string): string {
  for (let attempt = 0; ; attempt++) {
    const name = wanted ?? (attempt < 20 ? randomName() : `${randomName()}_${id.slice(0, 6)}`);
    try {
      symlinkSync(`../containers/${id}`, nameLink(name));
      return name;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') mkdirSync(dirname(nameLink(name)), { recursive: true, mode: 0o700 });
      else if (errnoOf(error) !== 'EEXIST') throw error;
      else if (!dropStaleName(name) && wanted !== undefined) throw nameTaken(name);
    }
  }
}

function nameTaken(name: string): FosterError {
  return new FosterError(`the name '${name}' is in use by container ${idOfName(name)?.slice(0, 12)}`, {
    advice: `remove that one (foster rm ${name}) or take another name`,
  });
}

/** A name whose container is gone, since a removal was interrupted, is free. */
function dropStaleName(name: string): boolean {
  const id = idOfName(name);
  if (id !== undefined && (existsSync(containerFolder(id)) || isLocked(id))) return false;
  rmSync(nameLink(name), { force: true });
  return true;
}

function writeIdFile(path: string, id: string): void {
  try {
    writeFileSync(path, id, { flag: 'wx' });
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') {
      throw new FosterError(`the container id file ${path} exists already`, {
        advice: 'make sure the other container is not running, or delete the file',
      });
    }
    throw new FosterError(`cannot write the container id file ${path}: ${words(code)}`, { cause: error });
  }
}

function words(code: string | undefined): string {
  return code === undefined ? 'unknown error' : errnoWords(errnoNumber(code));
}

function explained(error: unknown, folder: string): unknown {
  const code = errnoOf(error);
  if (error instanceof FosterError || code === undefined) return error;
  return new FosterError(`cannot make the folder of the container, ${folder}: ${words(code)}`, {
    ...(code === 'ENOSPC' || code === 'EDQUOT'
      ? { advice: "make room on that disk: 'foster prune' removes ended containers" }
      : {}),
    cause: error,
  });
}

/** Removes the cidfile of a container that did not start. */
export function dropIdFile(path: string | undefined): void {
  try {
    if (path !== undefined) unlinkSync(path);
  } catch {
    // it is gone already
  }
}
