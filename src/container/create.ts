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
import { containerFolder, lockPath, makeFolder, nameLink, podFolder } from '../sys/paths.js';
import { unseen } from '../sys/sightings.js';
import { removeTrees } from '../worker/remove-trees.js';
import { withStoreLock } from './change.js';
import { attributesOf, recordEvent } from './events/recorder.js';
import { type ContainerRecord, recordJson } from './record.js';
import { mapsOf } from './remove.js';
import { idOfName, isAlive, isLocked, isNoted, lockContainer, podOfName, readContainer } from './store.js';

/** A container whose lock we hold. */
export interface HeldContainer {
  record: ContainerRecord;
  lock: number;
}

/** How to create a container. */
export interface Creation {
  /** undefined for a random name. */
  name: string | undefined;
  /** Whether the caller's ids mean something in the container. */
  isCallerMapped: boolean;
  /** Absolute path of a file to write the id to; it must not exist. */
  cidfile: string | undefined;
  restart: RestartPolicy;
  /** Puts the container's own files into its folder. */
  fill?: (folder: string) => void;
}

/**
 * Creates a container: its lock, its folder and its name. The lock comes first and the record last, so that a folder
 * that has neither is known to be a leftover.
 * @throws FosterError if the name or the cidfile is taken, or the disk is full
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
      hasLayer: draft.driver !== 'copy' && draft.driver !== 'in-place' && draft.driver !== 'empty',
    });
    name = nameFor(how.name, id, 'containers');
    faultPoint('name taken');
    if (how.cidfile !== undefined) {
      writeIdFile(how.cidfile, id);
      hasIdFile = true;
    }
    writeRestart(folder, how.restart);
    how.fill?.(folder);
    const record = { ...draft, name };
    writeFileAtomically(join(folder, 'config.json'), recordJson(record), { durable: !draft.rm });
    // Who removes a pod says so first, and then looks for its containers.
    if (draft.pod !== undefined && isPodGoing(draft.pod)) throw podIsGone();
    recordEvent('create', record, attributesOf(record));
    return { record, lock };
  } catch (error) {
    if (hasIdFile) dropIdFile(how.cidfile);
    try {
      if (name !== undefined) rmSync(nameLink(name), { force: true });
      removeFolder(folder, draft);
      rmSync(lockPath(id), { force: true });
    } catch {
      // the error that is thrown already says what is wrong with the folder
    }
    if (lock !== undefined) closeSync(lock);
    throw explained(error, folder);
  }
}

/** Whether a pod is being removed, or is gone. */
function isPodGoing(pod: string): boolean {
  const folder = podFolder(pod);
  return isNoted(join(folder, 'removing')) || !existsSync(join(folder, 'config.json'));
}

function podIsGone(): FosterError {
  return new FosterError('cannot make the container: its pod has just been removed', { kind: 'conflict' });
}

/** Removes the folder. Copied files may belong to ids that only the container's user namespace may touch. */
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
    // The container's root, a different user on the host, creates files here. The folder above is closed to other users.
    chmodSync(folder, 0o777);
  }
}

/**
 * Gives a container or a pod its name, or a random one.
 * @param folder that of all containers, or of all pods
 * @throws FosterError if the name is in use
 */
export function nameFor(wanted: string | undefined, id: string, folder: NameFolder): string {
  // who had the name before is nothing that a template depends on
  const takeFreed = () => unseen(() => takeFreedName(wanted ?? '', id, folder));
  return takeName(wanted, id, folder) ?? withStoreLock(takeFreed);
}

/** What can have a name: a container and a pod never have the same one, as in Podman. */
export type NameFolder = 'containers' | 'pods';

/** The container's `restart` file. */
export function writeRestart(folder: string, restart: RestartPolicy): void {
  writeFileAtomically(join(folder, 'restart'), encodeRestart(restart), { durable: false });
}

/**
 * Takes a name: a symbolic link to the container, because symlink(2) either succeeds or finds it taken. Returns undefined
 * if the wanted name is taken, even by a leftover of a crash, which `takeFreedName` handles.
 */
export function takeName(
  wanted: string | undefined,
  id: string,
  folder: NameFolder = 'containers',
): string | undefined {
  for (let attempt = 0; ; attempt++) {
    const name = wanted ?? (attempt < 20 ? randomName() : `${randomName()}_${id.slice(0, 6)}`);
    try {
      symlinkSync(`../${folder}/${id}`, nameLink(name));
      return name;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && attempt < 40) makeFolder(dirname(nameLink(name)));
      else if (errnoOf(error) !== 'EEXIST') throw error;
      else if (wanted !== undefined) return undefined;
    }
  }
}

/**
 * Like `takeName`, but also takes a name that an interrupted creation or removal has left behind. The caller must hold the
 * store's lock: otherwise two commands could find the same link stale, and one remove what the other has just made.
 * @throws FosterError if the name is in use
 */
export function takeFreedName(wanted: string, id: string, folder: NameFolder = 'containers'): string {
  if (!isStaleName(wanted)) throw nameTaken(wanted);
  rmSync(nameLink(wanted), { recursive: true, force: true });
  const name = takeName(wanted, id, folder);
  if (name === undefined) throw nameTaken(wanted); // another command was faster
  return name;
}

/**
 * Whether no container has this name: its container is gone or was never finished, or was renamed and the rename
 * interrupted. A container with --rm keeps its first name until it ends, because its monitor will remove that one.
 */
export function isStaleName(name: string): boolean {
  const pod = podOfName(name);
  // as for a container: it is in use while the pod is made
  if (pod !== undefined) return !isLocked(pod) && !existsSync(join(podFolder(pod), 'config.json'));
  const id = idOfName(name);
  if (id === undefined) return true;
  const container = readContainer(id);
  // read again: between the two checks its creation may have been finished and its lock released
  if (container === undefined) return !isLocked(id) && readContainer(id) === undefined;
  const { record, state } = container;
  return record.name !== name && !(record.rm && isAlive(state));
}

function nameTaken(name: string): FosterError {
  const pod = podOfName(name);
  const owner = pod ?? idOfName(name) ?? '';
  const [what, remove] = pod === undefined ? ['container', 'rm'] : ['pod', 'pod rm'];
  return new FosterError(`the name '${name}' is in use by ${what} ${owner.slice(0, 12)}`, {
    kind: 'conflict',
    advice: `remove that one (foster ${remove} ${name}) or take another name`,
  });
}

/** Writes the id to a file that must not exist. @throws FosterError */
export function writeIdFile(path: string, id: string): void {
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
    // it is already gone
  }
}
