import type { VolumeTemplate } from '../init/template.js';
import type { IdMapping, IdMaps } from '../spec/id-maps.js';
import { dataFolder } from '../sys/paths.js';
import { unseen } from '../sys/sightings.js';
import { kindOfVolume } from '../volume/record.js';
import { readVolume, volumeText } from '../volume/store.js';
import { withCaller } from '../worker/start-worker.js';
import type { FilledVolumes } from './fill.js';
import { newVolume } from './hold-volumes.js';
import { type ContainerRecord, layersOf, type VolumeUse } from './record.js';
import { mapsOf } from './remove.js';

/** What the front needs to hold and to make a container's volumes: src/init/front/volumes.c. */
export interface VolumeTemplates {
  volumes: VolumeTemplate[];
  /** Of the namespace in which a directory is given to a user of the container; undefined if none is. */
  maps: IdMaps | undefined;
}

/** Whether a named volume of a container has been removed, or cannot be read, so that nothing is known of it. */
export function isVolumeMissing({ volumes = [] }: ContainerRecord): boolean {
  return unseen(() => volumes.some(({ name, isNew }) => !isNew && readVolume(name) === undefined));
}

/**
 * Undefined if the front cannot do it: where files are copied, or are elsewhere.
 * @param filled what was copied to those that were made
 */
export function volumeTemplates(record: ContainerRecord, filled: FilledVolumes): VolumeTemplates | undefined {
  const volumes: VolumeTemplate[] = [];
  for (const use of record.volumes ?? []) {
    if (volumes.some(({ name }) => name === use.name)) continue;
    const volume = unseen(() => volumeTemplate(record, use, filled));
    if (volume === undefined) return undefined;
    volumes.push(volume);
  }
  volumes.sort((one, other) => (one.name < other.name ? -1 : 1));
  const maps = volumes.some(({ owner }) => owner?.isMapped) ? mapsOf(record) : undefined;
  return { volumes, maps: maps && withCaller(maps) };
}

function volumeTemplate(
  record: ContainerRecord,
  use: VolumeUse,
  filled: FilledVolumes,
): VolumeTemplate | undefined {
  const { name, isNew = false, subpath, chowns, isIdmapped } = use;
  // one that is new may have gone with its container by now
  const volume = isNew ? newVolume(use) : readVolume(name);
  if (subpath !== undefined || chowns || volume === undefined) return undefined;
  if (kindOfVolume(volume).kind !== 'folder' || (volume.isAnonymous === true) !== isNew) return undefined;
  const isPlain = Object.keys(volume.options).length + Object.keys(use.options ?? {}).length === 0;
  const owner = isIdmapped ? 'unknown' : ownerFor(record, use, filled);
  if (owner === 'unknown' || !isPlain)
    return isNew ? undefined : { name, definition: '', isNew, isPlain, isKept: false };
  const definition = volumeText(newVolume(use), record.created);
  return { name, definition, isNew, isPlain, isKept: filled.get(name) === 'kept', owner };
}

/** To whom the directory of a new volume was given, if it was; unknown if more than that was done, or may be the next time. */
function ownerFor(
  record: ContainerRecord,
  { name, noCopy }: VolumeUse,
  filled: FilledVolumes,
): VolumeTemplate['owner'] | 'unknown' {
  const isImage = layersOf(record).every((layer) => layer.startsWith(`${dataFolder()}/`));
  const directory = filled.get(name);
  if (directory === undefined || (!isImage && !noCopy)) return 'unknown'; // it may have files by then
  if (directory === 'kept') return undefined;
  const maps = mapsOf(record);
  if (directory === null) return owned(maps, { uid: 0, gid: 0, mode: 0o755 });
  if (!directory.isBare) return 'unknown';
  return { ...owned(maps, directory), times: [directory.atime, directory.mtime].flatMap(secondsOf) };
}

/** As Node rounds it: to microseconds. */
function secondsOf(ms: number): bigint[] {
  const us = BigInt(Math.trunc((ms / 1000) * 1e6));
  return [us / 1_000_000n, (us % 1_000_000n) * 1000n];
}

/**
 * Root can give a file to anyone, and others only what they own to themselves: else it is done in a user namespace.
 * @param directory with ids of the container
 */
function owned(
  maps: IdMaps | undefined,
  { uid, gid, mode }: { uid: number; gid: number; mode: number },
): NonNullable<VolumeTemplate['owner']> {
  const host = { uid: maps ? hostId(maps.uid, uid) : uid, gid: maps ? hostId(maps.gid, gid) : gid };
  const caller = process.getuid?.();
  const isOwn = host.uid === caller && host.gid === process.getgid?.();
  return host.uid !== undefined && host.gid !== undefined && (caller === 0 || isOwn)
    ? { uid: host.uid, gid: host.gid, mode, isMapped: false }
    : { uid, gid, mode, isMapped: true };
}

function hostId(map: readonly IdMapping[], id: number): number | undefined {
  const line = map.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return line && line.hostID + id - line.containerID;
}
