import { withImageVolumes, withShiftedIds } from '../spec/from-request.js';
import type { ImageDefaults } from '../spec/image-defaults.js';
import { randomId } from '../spec/names.js';
import { mountOfVolume, type VolumeKind, volumeKind } from '../spec/parse/volume-driver.js';
import type { RequestedMount, RunRequest } from '../spec/request.js';
import type { Mount } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { volumeData } from '../sys/paths.js';
import { kindOfVolume } from '../volume/record.js';
import { readVolume } from '../volume/store.js';
import type { VolumeUse } from './record.js';

/** The volumes that a container gets. Anonymous volumes get a random name. */
export function chooseVolumes(
  request: Pick<RunRequest, 'mounts' | 'imageVolumes'>,
  image: ImageDefaults | undefined,
): VolumeUse[] {
  return withImageVolumes(request, image).flatMap((mount): VolumeUse[] => {
    if (mount.type !== 'volume') return [];
    const { source, destination, volume = {}, isBorrowed = false } = mount;
    const isNew = source === '';
    return [
      {
        ...volume,
        name: isNew ? randomId() : source,
        destination,
        ...(isNew && { isNew: true }),
        ...((isNew || isBorrowed) && { isGuarded: true }),
      },
    ];
  });
}

/** How a container mounts its volumes, by destination. @param mounts the requested mounts */
export function mountsOfVolumes(
  uses: readonly VolumeUse[],
  mounts: readonly RequestedMount[],
  { shiftsIds }: { shiftsIds: boolean },
): Map<string, Mount> {
  const options = new Map(mounts.map((mount) => [mount.destination, mount.options]));
  return new Map(
    uses.map((use) => {
      const what = kindFor(use);
      if (use.subpath !== undefined && what.kind !== 'folder') {
        throw new FosterError(
          `volume ${use.name} has its files elsewhere: volume-subpath cannot be used with it`,
          {
            kind: 'unsupported',
            advice: 'mount the directory itself: --mount type=bind',
          },
        );
      }
      const folder =
        use.subpath === undefined ? volumeData(use.name) : `${volumeData(use.name)}/${use.subpath}`;
      const own = options.get(use.destination) ?? ['rbind', 'rprivate'];
      const mount = mountOfVolume(what, folder, use.destination, own);
      // the files in foster's own folders have the containers' ids already
      const isShifted = use.isIdmapped || (shiftsIds && what.kind === 'bind');
      return [use.destination, isShifted ? withShiftedIds(mount) : mount];
    }),
  );
}

/** @throws FosterError for options that a new volume cannot have */
function kindFor({ name, options = {} }: VolumeUse): VolumeKind {
  const record = readVolume(name);
  return record === undefined ? volumeKind(options) : kindOfVolume(record);
}
