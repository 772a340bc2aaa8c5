import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { isVolumeName, randomId } from '../spec/names.js';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { writeFileAtomically } from '../sys/files.js';
import { lockFile } from '../sys/libc.js';
import { dataFolder, makeFolder, volumeData, volumeFolder, volumesFolder } from '../sys/paths.js';
import { parseVolumeRecord, type VolumeRecord } from './record.js';

/**
 * Volumes on the disk: docs/state.md. A volume appears and disappears with a rename of its folder. A process that changes a
 * volume, or is about to use it, holds its lock. So no volume is removed while a container that will use it is being created.
 */

/** A new volume's properties. */
export type NewVolume = Omit<VolumeRecord, 'version' | 'created'>;

/** Files in the folder of an anonymous volume: `solo` if only one container has used it, else `shared`. */
const SOLO = 'solo';
const SHARED = 'shared';

/**
 * Creates a volume, with its lock taken.
 * @param isSolo whether it is anonymous, and removed with the container that it is created for
 * @returns the descriptor of the lock, which the caller must close; undefined if the name is in use
 * @throws FosterError if the disk is full
 */
export function createVolume(volume: NewVolume, { isSolo = false } = {}): number | undefined {
  const folder = volumeFolder(volume.name);
  if (existsSync(folder)) return undefined;
  makeFolder(volumesFolder());
  const creating = openLockOfCreation();
  const fresh = join(volumesFolder(), `.new-${randomId().slice(0, 16)}`);
  let lock: number | undefined;
  try {
    lockFile(creating, { wait: true, shared: true });
    mkdirSync(fresh, { mode: 0o700 });
    faultPoint('folder of the volume made');
    mkdirSync(join(fresh, '_data'));
    chmodSync(join(fresh, '_data'), 0o755); // whatever the umask
    lock = openSync(join(fresh, 'lock'), 'a+', 0o600);
    lockFile(lock, { wait: true });
    // one that nobody has made for a container may be used by any
    const mark = isSolo ? SOLO : volume.isAnonymous === true ? SHARED : undefined;
    if (mark !== undefined) closeSync(openSync(join(fresh, mark), 'w', 0o600));
    const text = volumeText(volume, new Date().toISOString());
    writeFileAtomically(join(fresh, 'config.json'), text, { durable: !isSolo });
    renameSync(fresh, folder);
    faultPoint('volume created');
    return lock;
  } catch (error) {
    if (lock !== undefined) closeSync(lock);
    rmSync(fresh, { recursive: true, force: true });
    const code = errnoOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return undefined; // another command was faster
    throw cannotCreate(volume.name, error);
  } finally {
    closeSync(creating);
  }
}

/** The `config.json` of a new volume. @param created ISO 8601 */
export function volumeText(volume: NewVolume, created: string): string {
  const record: VolumeRecord = { version: 1, ...volume, created };
  return JSON.stringify(record);
}

function cannotCreate(name: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (error instanceof FosterError || code === undefined) return error;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new FosterError(`cannot create volume ${name}: ${errnoWords(errnoNumber(code))}`, {
    exitCode: 1,
    cause: error,
    ...(isFull && { advice: "free some space on that disk: 'foster volume prune' removes unused volumes" }),
  });
}

/** A command that creates a volume holds this lock (shared), so that its unfinished folder does not look like a leftover. */
function openLockOfCreation(): number {
  return openSync(join(dataFolder(), 'volumes.lock'), 'a+', 0o600);
}

/**
 * Takes the lock of a volume if nobody holds it.
 * @returns a descriptor, which the caller must close; `busy` if another process holds the lock; undefined if there is no volume
 */
export function tryLockVolume(name: string): number | 'busy' | undefined {
  if (!isVolumeName(name)) return undefined;
  const path = join(volumeFolder(name), 'lock');
  let fd: number;
  try {
    fd = openSync(path, existsSync(volumeFolder(name)) ? 'a+' : 'r+', 0o600);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!lockFile(fd, { wait: false })) {
    closeSync(fd);
    return 'busy';
  }
  // the volume may have been removed, and created again, before we had the lock
  const [ours, now] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  if (now?.ino === ours.ino && now.dev === ours.dev) return fd;
  closeSync(fd);
  return now === undefined ? undefined : 'busy';
}

/**
 * Takes the lock of a volume; waits while another process holds it.
 * @param check called now and then; if it throws, the wait ends
 * @param patience in milliseconds; Infinity by default
 * @returns a descriptor, which the caller must close; undefined if there is no volume
 * @throws FosterError of the kind `conflict` after `patience`
 */
export async function lockVolume(
  name: string,
  { check, patience = Number.POSITIVE_INFINITY }: { check?: () => void; patience?: number } = {},
): Promise<number | undefined> {
  const deadline = performance.now() + patience;
  for (;;) {
    const lock = tryLockVolume(name);
    if (lock !== 'busy') return lock;
    check?.();
    if (performance.now() > deadline) {
      throw new FosterError(`volume ${name} is in use by another command`, {
        kind: 'conflict',
        advice: 'try it again',
        exitCode: 1,
      });
    }
    const { waitFor } = await import('../sys/poll.js');
    await waitFor(20);
  }
}

/** The record of a volume; undefined if there is none, or if it is damaged. */
export function readVolume(name: string): VolumeRecord | undefined {
  if (!isVolumeName(name)) return undefined;
  let text: string;
  try {
    text = readFileSync(join(volumeFolder(name), 'config.json'), 'utf8');
  } catch {
    return undefined;
  }
  const record = parseVolumeRecord(text);
  return record?.name === name ? record : undefined;
}

/** All volumes, sorted by name. If a record is damaged, the volume has only a name, because its files still exist. */
export function listVolumes(): VolumeRecord[] {
  return storedNames().map((name) => readVolume(name) ?? nameless(name));
}

function nameless(name: string): VolumeRecord {
  return { version: 1, name, created: new Date(0).toISOString(), labels: {}, options: {} };
}

function storedNames(): string[] {
  try {
    return readdirSync(volumesFolder()).filter(isVolumeName).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Finds a volume by its name, or an anonymous one by an unambiguous prefix of its name.
 * @throws FosterError of the kind `not-found`, or `conflict` if several names begin so
 */
export function findVolume(reference: string): VolumeRecord {
  const exact = readVolume(reference);
  if (exact !== undefined) return exact;
  const names = storedNames();
  const matches = names.includes(reference)
    ? [reference]
    : names.filter((name) => /^[0-9a-f]{64}$/.test(name) && reference !== '' && name.startsWith(reference));
  if (matches.length > 1) {
    throw new FosterError(`${reference} is the start of ${matches.length} names of volumes`, {
      kind: 'conflict',
      advice: 'give more characters of it',
      exitCode: 1,
    });
  }
  const [name] = matches;
  if (name !== undefined) return readVolume(name) ?? nameless(name);
  throw noSuchVolume(reference);
}

export function noSuchVolume(reference: string): FosterError {
  return new FosterError(`no such volume: ${reference}`, {
    kind: 'not-found',
    advice: "'foster volume ls' lists them",
    exitCode: 1,
  });
}

/** Whether a volume has no files. One that only its owner in a container may read counts as not empty. */
export function isEmptyVolume(name: string): boolean {
  try {
    return readdirSync(volumeData(name)).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
}

/** The file that disappears when an anonymous volume is shared, or removed with its container. Whoever removes it decides. */
export function soloMark(name: string): string {
  return join(volumeFolder(name), SOLO);
}

/** Whether only the container that it was created for has ever used a volume. */
export function isSolo(name: string): boolean {
  return existsSync(soloMark(name));
}

/**
 * Keeps the monitor of its container, which does not know about other containers, from removing an anonymous volume. The
 * caller must hold the volume's lock.
 * @returns false if the monitor is removing it already
 */
export function shareVolume(name: string): boolean {
  try {
    renameSync(soloMark(name), join(volumeFolder(name), SHARED));
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return existsSync(join(volumeFolder(name), SHARED)) || readVolume(name)?.isAnonymous === undefined;
  }
}

/** Runs `use` with the folders that killed commands have left, unless a volume is being created. */
export function withLeftovers(use: (folders: string[]) => void): void {
  if (!existsSync(volumesFolder())) return;
  const creating = openLockOfCreation();
  try {
    if (!lockFile(creating, { wait: false })) return;
    const names = readdirSync(volumesFolder()).filter((name) => /^\.(new|removed)-/.test(name));
    if (names.length > 0) use(names.map((name) => join(volumesFolder(), name)));
  } finally {
    closeSync(creating);
  }
}
