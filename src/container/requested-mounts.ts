import type { RequestedMount, VolumesFrom } from '../spec/request.js';
import type { Mount } from '../spec/types.js';
import { type ContainerRecord, volumeAt } from './record.js';
import { findContainer } from './store.js';

/** Mounts that every container has. */
const OWN_MOUNTS = /^\/(proc|sys|dev|dev\/(pts|shm|mqueue)|etc\/(hosts|hostname|resolv\.conf))(\/|$)/;

/** The mounts of a container that the user or the image requested, without devices. */
export function requestedMounts({ asked, spec }: Pick<ContainerRecord, 'asked' | 'spec'>): Mount[] {
  const others = new Set(asked?.devices.map(({ destination }) => destination));
  if (asked?.timezone !== undefined) others.add('/etc/localtime');
  return spec.mounts.filter(({ destination }) => !OWN_MOUNTS.test(destination) && !others.has(destination));
}

/**
 * The bind mounts and volumes of other containers, for `--volumes-from`. If two have a mount at the same destination, the
 * last one counts.
 * @throws FosterError if a container does not exist
 */
export function borrowedMounts(from: readonly VolumesFrom[]): RequestedMount[] {
  const found = new Map<string, RequestedMount>();
  for (const { reference, isReadOnly } of from) {
    const { record } = findContainer(reference, { exitCode: 125 });
    for (const mount of requestedMounts(record)) {
      const borrowed = borrow(record, mount, isReadOnly);
      if (borrowed !== undefined) found.set(mount.destination, borrowed);
    }
  }
  return [...found.values()];
}

function borrow(record: ContainerRecord, mount: Mount, isReadOnly: boolean): RequestedMount | undefined {
  const { destination } = mount;
  // whether ids are shifted depends on the container that gets the mount
  const kept = mount.options.filter((option) => option !== 'idmap' && option !== 'ridmap');
  const options = isReadOnly ? [...kept.filter((option) => option !== 'rw'), 'ro'] : kept;
  const use = volumeAt(record, destination);
  const isIdmapped = record.asked?.idmapped?.includes(destination) && ({ isIdmapped: true } as const);
  if (use !== undefined) {
    const { name, subpath } = use;
    const volume = { ...isIdmapped, ...(subpath !== undefined && { subpath }) };
    return {
      destination,
      type: 'volume',
      source: name,
      options: [...new Set(options)],
      isBorrowed: true,
      ...(Object.keys(volume).length > 0 && { volume }),
    };
  }
  if (mount.type !== 'bind') return undefined;
  const part = record.asked?.beneath?.find((one) => one.destination === destination);
  const beneath = part && { beneath: { top: part.top, path: part.path } };
  return { ...mount, options: [...new Set(options)], isBorrowed: true, ...isIdmapped, ...beneath };
}
