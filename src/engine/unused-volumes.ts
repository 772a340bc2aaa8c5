import { podOfName } from '../container/store.js';
import { pruneVolumes } from '../container/volume-users.js';
import { LABEL } from '../kube/labels.js';
import { readPodRecord } from '../pod/store.js';
import type { VolumeRecord } from '../volume/record.js';

/** Removes the volumes that are meant, except those that are in use. */
export function pruneUnused(isMeant: (volume: VolumeRecord) => boolean): ReturnType<typeof pruneVolumes> {
  return pruneVolumes((volume) => isMeant(volume) && !goesWithPod(volume));
}

/** Whether its pod is there: `kube play` makes and fills its volumes before it creates the containers that use them. */
function goesWithPod({ labels }: VolumeRecord): boolean {
  const name = labels[LABEL.pod];
  const id = name === undefined ? undefined : podOfName(name);
  return id !== undefined && readPodRecord(id) !== undefined;
}
