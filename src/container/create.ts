import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { TREE } from '../layers/tree-protocol.js';
import { randomName } from '../spec/names.js';
import { encodeRestart, type RestartPolicy } from '../spec/parse/restart.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { writeFileAtomically } from '../sys/files.js';
import { containerFolder, lockPath, makeFolder, nameLink } from '../sys/paths.js';
import { removeTrees } from '../worker/remove-trees.js';
import { withStoreLock } from './change.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import type { ContainerRecord } from './record.js';
import { mapsOf } from './remove.js';
import { idOfName, isAlive, isLocked, lockContainer, readContainer } from './store.js';

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
  /** Puts files of its own into its folder. */
  fill?: (folder: string) => void;
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
  let hasIdFile = false;
  try {
    lock = lockContainer(id, { wait: true, creates: true });
    if (lock === undefined) throw new Error('the lock of a new container is taken');
    faultPoint('lock taken');
    makeFolders(folder, {
      isCallerMapped: how.isCallerMapped,
      hasLayer: draft.driver !== 'copy' && draft.driver !== 'in-place',
    });
    name = nameFor(how.name, id);
    faultPoint('name taken');
    if (how.cidfile !== undefined) {
      writeIdFile(how.cidfile, id);
      hasIdFile = true;
    }
    writeRestart(folder, how.restart);
    how.fill?.(folder);
    const record = { ...draft, name };
    writeFileAtomically(join(folder, 'config.json'), JSON.stringify(record), { durable: !draft.rm });
    recordEvent('create', record, attributesOf(record));
    return { record, lock };
  } catch (error) {
    if (hasIdFile) dropIdFile(how.cidfile);
    try {
      if (name !== undefined) rmSync(nameLink(name), { force: true });
      removeFolder(folder, draft);
      rmSync(lockPath(id), { force: true });
    } catch {
      // a folder that cannot be removed could not be created either, and that error is reported already
    }
    if (lock !== undefined) closeSync(lock);
    throw explained(error, folder);
  }
}

/** What was copied may belong to ids that only the container's user namespace may touch. */
function removeFolder(folder: string, draft: Omit<ContainerRecord, 'name'>): void {
  const isFilled = existsSync(join(folder, TREE));
  removeTrees([folder], isFilled ? mapsOf(draft) : undefined);
}

function makeFolders(
  folder: string,
  { isCallerMapped, hasLayer }: { isCallerMapped: boolean; hasLayer: boolean },
): void {
  makeFolder(dirname(folder));
  mkdirSync(folder);
  faultPoint('folder made');
  mkdirSync(join(folder, 'root'));
  if (isCallerMapped) {
    if (!hasLayer) return;
    mkdirSync(join(folder, 'upper'));
    chmodSync(join(folder, 'upper'), 0o755); // whatever the umask: it is the root directory of the container
    mkdirSync(join(folder, 'work'));
  } else {
    // The container's root, another user here, creates them. The folder above is closed to other users.
    chmodSync(folder, 0o777);
  }
}

function nameFor(wanted: string | undefined, id: string): string {
  return takeName(wanted, id) ?? withStoreLock(() => takeFreedName(wanted ?? '', id));
}

/** The container's `restart` file. */
export function writeRestart(folder: string, restart: RestartPolicy): void {
  writeFileAtomically(join(folder, 'restart'), encodeRestart(restart), { durable: false });
}

/**
 * Takes a name: a symbolic link to its container, which making it either succeeds or finds it taken. Undefined where the
 * wanted one is taken, be it by what a crash has left: `takeFreedName` looks at that.
 */
export function takeName(wanted: string | undefined, id: string): string | undefined {
  for (let attempt = 0; ; attempt++) {
    const name = wanted ?? (attempt < 20 ? randomName() : `${randomName()}_${id.slice(0, 6)}`);
    try {
      symlinkSync(`../containers/${id}`, nameLink(name));
      return name;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && attempt < 40) makeFolder(dirname(nameLink(name)));
      else if (errnoOf(error) !== 'EEXIST') throw error;
      else if (wanted !== undefined) return undefined;
    }
  }
}

/**
 * As `takeName`, also where the one who had the name is gone, since its creation or removal was interrupted. To be
 * called with the store's lock: else two could find the same link stale, and one remove what the other has just made.
 * @throws FosterError when the name is in use
 */
export function takeFreedName(wanted: string, id: string): string {
  if (!isStaleName(wanted)) throw nameTaken(wanted, idOfName(wanted) ?? '');
  rmSync(nameLink(wanted), { recursive: true, force: true });
  const name = takeName(wanted, id);
  if (name === undefined) throw nameTaken(wanted, idOfName(wanted) ?? ''); // somebody was faster
  return name;
}

/**
 * Whether no container goes by this name: the one that it means is gone or was never finished, or a rename of it was
 * interrupted. One that is removed at its end keeps its first name till then, since that is what will be removed.
 */
export function isStaleName(name: string): boolean {
  const id = idOfName(name);
  if (id === undefined) return true;
  const container = readContainer(id);
  // looked at again: it may have been finished, and its lock let go, between the two looks
  if (container === undefined) return !isLocked(id) && readContainer(id) === undefined;
  const { record, state } = container;
  return record.name !== name && !(record.rm && isAlive(state));
}

function nameTaken(name: string, owner: string): FosterError {
  return new FosterError(`the name '${name}' is in use by container ${owner.slice(0, 12)}`, {
    kind: 'conflict',
    advice: `remove that one (foster rm ${name}) or take another name`,
  });
}

function writeIdFile(path: string, id: string): void {
  let fd: number;
  try {
    fd = openSync(path, 'wx');
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw notWritten(path, error);
    throw new FosterError(`the container id file ${path} exists already`, {
      kind: 'conflict',
      advice: 'make sure the other container is not running, or delete the file',
    });
  }
  try {
    writeFileSync(fd, id);
  } catch (error) {
    dropIdFile(path);
    throw notWritten(path, error);
  } finally {
    closeSync(fd);
  }
  faultPoint('id file written');
}

function notWritten(path: string, error: unknown): FosterError {
  return new FosterError(`cannot write the container id file ${path}: ${words(errnoOf(error))}`, {
    cause: error,
  });
}

function words(code: string | undefined): string {
  return code === undefined ? 'unknown error' : errnoWords(errnoNumber(code));
}

function explained(error: unknown, folder: string): unknown {
  const code = errnoOf(error);
  if (error instanceof FosterError || code === undefined) return error;
  return new FosterError(`cannot make the folder of the container, ${folder}: ${words(code)}`, {
    ...(code === 'ENOSPC' || code === 'EDQUOT'
      ? { advice: "free some space on that disk: 'foster prune' removes ended containers" }
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
