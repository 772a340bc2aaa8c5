import { usedVolumes } from '../../container/volume-users.js';
import type { VolumeRecord } from '../../volume/record.js';
import type { VolumeInfo } from '../types.js';
import { mountpointOf } from './volume.js';

/** A volume as the library shows it. */
export function volumeInfo(volume: VolumeRecord): VolumeInfo {
  const { name, created, labels, options, isAnonymous = false } = volume;
  const users = usedVolumes().get(name) ?? [];
  return {
    name,
    created: new Date(created),
    labels,
    options,
    anonymous: isAnonymous,
    mountpoint: mountpointOf(volume),
    containers: users.map((record) => record.name),
  };
}
