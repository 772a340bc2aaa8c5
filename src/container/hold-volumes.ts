import { closeSync, mkdirSync, statSync } from 'node:fs';
import { throwIfSignaled } from '../launch/interrupt.js';
import { LayerStack } from '../layers/stack.js';
import { chownFolders } from '../layers/tree-program.js';
import type { IdMapping } from '../spec/id-maps.js';
import { FosterError } from '../sys/errors.js';
import { volumeData, volumeFolder } from '../sys/paths.js';
import { ANONYMOUS_LABEL, kindOfVolume } from '../volume/record.js';
import { adoptStaged, clearStaged, removeHeldVolume, stagedData } from '../volume/remove.js';
import {
  createVolume,
  isEmptyVolume,
  lockVolume,
  type NewVolume,
  readVolume,
  shareVolume,
} from '../volume/store.js';
import type { Draft } from './draft.js';
import { recordVolumeEvent } from './events/recorder.js';
import { layersOf, type VolumeUse } from './record.js';
import { mapsOf } from './remove.js';
import { usersOfVolume } from './volume-users.js';

/** Volumes whose locks we hold until they are released. */
export interface HeldVolumes {
  /** By absolute path of a folder: the directory in the image whose files must be copied to it. */
  fills: Record<string, string>;
  /** The names of those that are empty and stay so. */
  kept: string[];
  /** Makes the copied files the content of the volumes, and with the option U gives files to the container's user. */
  adopt(): void;
  /** Removes the volumes that were created. */
  undo(): void;
  release(): void;
}

/**
 * Creates missing volumes of a container, and takes the locks of all its volumes. It does so in the order of their names,
 * so that two commands cannot wait for each other.
 * @throws FosterError; nothing is left behind then
 */
export async function holdVolumes(draft: Draft): Promise<HeldVolumes> {
  const { volumes = [] } = draft;
  const locks = new Map<string, number>();
  const created = new Set<string>();
  const fills = new Map<string, VolumeUse>();
  const held: HeldVolumes = {
    fills: {},
    kept: [],
    adopt() {
      for (const name of fills.keys()) adoptStaged(name);
      chown(draft);
    },
    undo() {
      for (const name of created) {
        const lock = locks.get(name);
        locks.delete(name);
        if (lock !== undefined) removeHeldVolume(name, lock);
      }
      for (const name of locks.keys()) clearStaged(name);
    },
    release() {
      for (const lock of locks.values()) closeSync(lock);
      locks.clear();
    },
  };
  try {
    for (const use of volumes.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const { name } = use;
      if (locks.has(name)) continue;
      locks.set(name, await hold(use, created));
      checkKind(draft, use);
      clearStaged(name);
      if (wantsFill(use) && isUnused(name, draft.id)) fills.set(name, use);
    }
    for (const [name, use] of fills) {
      const files = use.noCopy ? '' : use.destination;
      if (!needsFill(draft, name, files)) {
        fills.delete(name);
        held.kept.push(name);
        continue;
      }
      mkdirSync(stagedData(name));
      held.fills[stagedData(name)] = files;
    }
    return held;
  } catch (error) {
    held.undo();
    held.release();
    throw error;
  }
}

/**
 * Checks that the volume is still the one in the draft, which was made before the lock was taken. Meanwhile it may have been
 * removed, and another volume of the same name created whose files are elsewhere.
 * @throws FosterError of the kind `conflict`
 */
function checkKind({ spec }: Draft, { name, destination }: VolumeUse): void {
  const what = kindOfVolume(readVolume(name) ?? { options: {} });
  const mount = spec.mounts.find((one) => one.destination === destination);
  const isIn = (path: string) => mount?.source === path || mount?.source.startsWith(`${path}/`);
  const isSame =
    what.kind === 'tmpfs'
      ? mount?.type === 'tmpfs'
      : isIn(what.kind === 'bind' ? what.device : volumeData(name));
  if (isSame) return;
  throw new FosterError(`volume ${name} has just been created anew by another command`, {
    kind: 'conflict',
    advice: 'try it again',
  });
}

/** @throws FosterError for a volume whose files are elsewhere */
function chown(draft: Draft): void {
  const names = (draft.volumes ?? []).filter(({ chowns }) => chowns).map(({ name }) => name);
  if (names.length === 0) return;
  for (const name of names) {
    if (kindOfVolume(readVolume(name) ?? { options: {} }).kind === 'folder') continue;
    throw new FosterError(
      `the files of volume ${name} are not in a folder of foster's: U cannot be used with it`,
      {
        kind: 'unsupported',
      },
    );
  }
  const [first = ''] = names;
  const where = { folder: volumeFolder(first), maps: mapsOf(draft) };
  chownFolders(names.map(volumeData), draft.spec.process.user, where, throwIfSignaled);
}

/** A volume that is made for a container. */
export function newVolume({ name, isNew, labels = {}, options = {} }: VolumeUse): NewVolume {
  const volume = { name, options, labels: isNew ? { [ANONYMOUS_LABEL]: '', ...labels } : labels };
  return isNew ? { ...volume, isAnonymous: true } : volume;
}

async function hold(use: VolumeUse, created: Set<string>): Promise<number> {
  const { name, isNew = false } = use;
  for (;;) {
    const lock = isNew ? undefined : await lockVolume(name, { check: throwIfSignaled });
    if (lock !== undefined) {
      if (shareVolume(name)) return lock;
      closeSync(lock);
      throw new FosterError(`volume ${name} is being removed by another command`, { kind: 'conflict' });
    }
    const fresh = createVolume(newVolume(use), { isSolo: isNew });
    if (fresh === undefined) continue; // another command has just created it
    created.add(name);
    recordVolumeEvent('create', name);
    return fresh;
  }
}

/** An empty volume gets the image's files, and with them their owner. */
function wantsFill({ name, subpath }: VolumeUse): boolean {
  if (subpath !== undefined) return false;
  const record = readVolume(name);
  return record !== undefined && kindOfVolume(record).kind === 'folder' && isEmptyVolume(name);
}

/**
 * Whether the empty folder of a volume is wrong for the container: the image has a directory there, or it does not belong to the
 * container's root.
 * @param destination '' to ignore the files of the image
 */
function needsFill(draft: Draft, name: string, destination: string): boolean {
  const maps = mapsOf(draft);
  if (maps !== undefined && rootOf(maps.uid) !== statSync(volumeData(name)).uid) return true;
  if (destination === '') return false;
  try {
    const stack = new LayerStack(layersOf(draft));
    return stack.findDirectories(Buffer.from(destination).toString('latin1')).length > 0;
  } catch {
    return true; // the helper may read more, and will find out
  }
}

function rootOf(map: readonly IdMapping[]): number | undefined {
  return map.find(({ containerID }) => containerID === 0)?.hostID;
}

function isUnused(name: string, id: string): boolean {
  return usersOfVolume(name).every((record) => record.id === id);
}
