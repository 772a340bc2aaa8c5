import { type ContainerRecord, layersOf, volumeAt } from '../container/record.js';
import type { Mount } from '../spec/types.js';
import type { MountInfo } from './mount-info.js';
import type { Phrase, Say } from './say.js';

/** A mount of a container. */
export interface MountFact {
  /** Absolute path in the container. */
  target: string;
  /** Of the file system: `overlay`, `proc` ... */
  type: string;
  /** Whose files they are. */
  from: 'layers' | 'volume' | 'bind' | 'kernel' | 'memory' | 'foster' | 'mask' | 'other';
  /** In words. */
  origin: string;
  readonly: boolean;
  /** Of a mask: whether nothing of it can be seen; else it can only be read. */
  isHidden?: boolean;
}

type Drafted = Pick<ContainerRecord, 'spec' | 'driver' | 'image' | 'volumes'>;
type Origin = Pick<MountFact, 'from' | 'origin' | 'isHidden'>;

/** File systems that have no files of anybody: the kernel makes what is in them. */
const KERNEL: Readonly<Record<string, Phrase>> = {
  proc: 'the kernel: the processes of the PID namespace',
  sysfs: 'the kernel: devices, and the interfaces of the network namespace',
  devpts: "the kernel: the container's own terminals",
  mqueue: 'the kernel: message queues of the IPC namespace',
  cgroup: 'the kernel: cgroups, version 1',
  cgroup2: 'the kernel: cgroups, version 2',
};

/** The mounts that a container is to have, in the order in which they are made. */
export function plannedMounts(record: Drafted, say: Say): MountFact[] {
  const { spec } = record;
  return [
    {
      target: '/',
      type: record.driver ?? 'overlay',
      readonly: spec.root.readonly,
      ...originOfRoot(record, say),
    },
    ...spec.mounts.map((mount) => ({
      target: mount.destination,
      type: mount.type,
      readonly: mount.options.includes('ro'),
      ...originOfPlanned(record, mount, say),
    })),
    ...spec.linux.maskedPaths.map(
      (target): MountFact => ({
        ...{ target, type: 'mask', readonly: true, from: 'mask' },
        ...{ origin: say('hidden'), isHidden: true },
      }),
    ),
    ...spec.linux.readonlyPaths.map(
      (target): MountFact => ({
        ...{ target, type: 'proc', readonly: true, from: 'mask' },
        origin: say(GUARDED),
      }),
    ),
  ];
}

/** The mounts that a container has, by what the kernel says; parents first, as the kernel lists them by path. */
export function seenMounts(record: Drafted, mounts: readonly MountInfo[], say: Say): MountFact[] {
  return mounts
    .map((mount) => ({
      target: mount.target,
      type: mount.type,
      readonly: mount.options.includes('ro'),
      ...originOfSeen(record, mount, say),
    }))
    .toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
}

const GUARDED: Phrase = 'read-only, because it can change the host';
const MEMORY: Phrase = 'memory: gone when the container ends';

function originOfRoot(record: Drafted, say: Say): Origin {
  const { image, driver = 'overlay' } = record;
  const layers = layersOf(record);
  if (driver === 'empty') return { from: 'memory', origin: say('an empty tmpfs') };
  if (driver === 'in-place') return { from: 'bind', origin: say('{1} of the host itself', layers[0] ?? '') };
  const below =
    image === undefined
      ? (layers[0] ?? '')
      : say(layers.length === 1 ? 'a layer of {2}' : '{1} layers of {2}', layers.length, image.name);
  const origin =
    driver === 'copy'
      ? say('a copy of {1}', below)
      : say('{1}, with a writable layer over {2}', driver, below);
  return { from: 'layers', origin };
}

function originOfPlanned(record: Drafted, { destination, type, source }: Mount, say: Say): Origin {
  const volume = volumeAt(record, destination);
  if (volume !== undefined) {
    const kind = volume.isNew ? say('an anonymous volume') : say('volume {1}', volume.name);
    return {
      from: 'volume',
      origin: volume.subpath === undefined ? kind : say('{1}, {2} in it', kind, volume.subpath),
    };
  }
  if (type === 'bind') return { from: 'bind', origin: say('{1} of the host', source) };
  if (type === 'tmpfs') return { from: 'memory', origin: say(MEMORY) };
  const kernel = KERNEL[type];
  return kernel === undefined ? { from: 'other', origin: type } : { from: 'kernel', origin: say(kernel) };
}

function originOfSeen(record: Drafted, mount: MountInfo, say: Say): Origin {
  const { target, type, source, root, options } = mount;
  const { linux, mounts } = record.spec;
  if (target === '/') return originOfRoot(record, say);
  if (linux.maskedPaths.includes(target))
    return {
      from: 'mask',
      origin: type === 'tmpfs' ? say('hidden by an empty tmpfs') : say("hidden by the host's /dev/null"),
      isHidden: true,
    };
  if (linux.readonlyPaths.includes(target) && options.includes('ro'))
    return { from: 'mask', origin: say(GUARDED) };
  const planned = mounts.find(({ destination }) => destination === target);
  if (planned !== undefined) return originOfPlanned(record, planned, say);
  if (type === 'tmpfs' && source === 'foster')
    return { from: 'foster', origin: say('a file that foster has written for the container') };
  const device = `/dev${root}`;
  if (target.startsWith('/dev/') && device === target)
    return { from: 'bind', origin: say('{1} of the host, a device', device) };
  const kernel = KERNEL[type];
  if (kernel !== undefined) return { from: 'kernel', origin: say(kernel) };
  if (type === 'tmpfs') return { from: 'memory', origin: say(MEMORY) };
  return { from: 'other', origin: say('{1} of a file system of the type {2}', root, type) };
}
