import { type ContainerRecord, layersOf, sharesOf } from '../container/record.js';
import { readContainer } from '../container/store.js';
import type { IdMapping } from '../spec/id-maps.js';
import type { NamespaceType, Resources } from '../spec/types.js';
import { containerFolder } from '../sys/paths.js';
import { type CapabilitySet, type KernelView, NAMESPACES, type Seccomp } from './kernel-view.js';
import { type MountFact, plannedMounts, seenMounts } from './mounts.js';
import type { Say } from './say.js';

/** What is explained about a container: as it was asked for or, of one that runs, as the kernel says. */
export interface ContainerFacts {
  root: RootFact;
  namespaces: NamespaceFact[];
  ids: { uid: IdMapping[]; gid: IdMapping[] };
  mounts: MountFact[];
  /** Of the user's process. */
  user: string;
  capabilities: Record<CapabilitySet, string[]>;
  noNewPrivs: boolean;
  seccomp: Seccomp;
  resources: Resources;
}

/** Where its files come from. */
export interface RootFact {
  image?: { name: string; digest: string };
  driver: string;
  /** Folders of the host that it only reads, the uppermost first. */
  layers: string[];
  /** The folder that has what it writes; undefined if that goes to the layer itself. */
  upper?: string;
  readonly: boolean;
}

export interface NamespaceFact {
  /** As in the OCI runtime-spec. */
  type: string;
  /** Of a container that runs, if the caller may see it. */
  inode?: string;
  /** `own`, `host`, or `container NAME`, or the path of the one that it joins. */
  whose: string;
}

/** What is read of a container's record or draft. */
type Drafted = Pick<
  ContainerRecord,
  'id' | 'spec' | 'driver' | 'image' | 'volumes' | 'shares' | 'joins' | 'sharesNetwork'
>;

/** What is planned for a container that does not run. */
export function plannedFacts(record: Drafted, say: Say): ContainerFacts {
  const { spec } = record;
  const { process } = spec;
  return {
    root: rootOf(record),
    namespaces: plannedNamespaces(record, say),
    ids: { uid: spec.linux.uidMappings, gid: spec.linux.gidMappings },
    mounts: plannedMounts(record, say),
    user: `${process.user.uid}:${process.user.gid}`,
    capabilities: process.capabilities,
    noNewPrivs: process.noNewPrivileges,
    seccomp: spec.linux.seccomp === undefined ? 'none' : 'filter',
    resources: spec.linux.resources ?? {},
  };
}

/**
 * What the kernel says about a container.
 * @param view of its process: the first that is not foster's
 * @param host of this process
 * @param others the namespaces of other containers, by name
 */
export function seenFacts(
  record: Drafted,
  view: KernelView,
  host: KernelView,
  others: ReadonlyMap<string, Record<string, string>>,
  say: Say,
): ContainerFacts {
  return {
    ...plannedFacts(record, say),
    namespaces: Object.entries(NAMESPACES).map(([name, type]) => {
      const inode = view.namespaces[name];
      if (inode === undefined) return { type, whose: 'unknown' };
      const other = [...others].find(([, theirs]) => theirs[name] === inode);
      const shared = other === undefined ? 'own' : say('container {1}', other[0]);
      return { type, inode, whose: host.namespaces[name] === inode ? 'host' : shared };
    }),
    ids: { uid: view.uidMap, gid: view.gidMap },
    mounts: seenMounts(record, view.mounts, say),
    user: `${insideId(view.uid, view.uidMap)}:${insideId(view.gid, view.gidMap)}`,
    capabilities: view.capabilities,
    noNewPrivs: view.noNewPrivs,
    seccomp: view.seccomp,
  };
}

/** The effective id, the second of four as the caller sees them, as the container sees it. */
function insideId(ids: string, map: readonly IdMapping[]): string {
  const id = Number(ids.split(' ')[1]);
  const line = map.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return String(line === undefined ? id : line.containerID + (id - line.hostID));
}

function rootOf(record: Drafted): RootFact {
  const { driver = 'overlay', image, spec } = record;
  const hasUpper = driver === 'overlay' || driver === 'fuse-overlayfs';
  return {
    ...(image && { image: { name: image.name, digest: image.digest } }),
    driver,
    layers: driver === 'empty' ? [] : layersOf(record),
    ...(hasUpper && { upper: `${containerFolder(record.id)}/upper` }),
    readonly: spec.root.readonly,
  };
}

function plannedNamespaces(record: Drafted, say: Say): NamespaceFact[] {
  const shares = sharesOf(record);
  const target = shares && (readContainer(shares.of)?.record.name ?? shares.of.slice(0, 12));
  const isShared = (type: NamespaceType) =>
    shares !== undefined && (type === 'user' || shares.types.includes(type));
  return (Object.values(NAMESPACES) as NamespaceType[]).map((type) => {
    if (isShared(type)) return { type, whose: say('container {1}', target ?? '') };
    const own = record.spec.linux.namespaces.find((one) => one.type === type);
    return { type, whose: own === undefined ? 'host' : (own.path ?? 'own') };
  });
}
