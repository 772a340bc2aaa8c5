import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findMapHelpers } from '../launch/id-maps.js';
import { findFuseOverlayfs } from '../launch/storage-program.js';
import { RootFiles } from '../layers/root-files.js';
import { TREE } from '../layers/tree-protocol.js';
import { buildPlan } from '../plan/build.js';
import type { CgroupPlan } from '../plan/cgroup/result.js';
import type { PlanFacts } from '../plan/facts.js';
import type { Plan } from '../plan/step.js';
import { SHM } from '../spec/shm.js';
import type { Mount } from '../spec/types.js';
import { containerFolder } from '../sys/paths.js';
import type { Attachment } from './attachment.js';
import { cgroupPlan } from './cgroups.js';
import {
  bindDirectories,
  callersAccount,
  directoriesBeneath,
  isMtabOfRoot,
  kernelPaths,
  networkFiles,
} from './host-facts.js';
import { type ContainerRecord, layersOf, subpathsOf, volumeAt, volumesOf } from './record.js';

/** Options of a plan that differ between starts of the same container. */
export interface PlanWishes {
  /** Report each orphan that is adopted or reaped. */
  verbose: boolean;
  /** A separate monitor looks after the container, and counts orphans. */
  detached: boolean;
  /** How many descriptors of the caller the program gets; none by default. */
  kept?: number;
  /** The cgroups, where others have planned them. */
  cgroup?: CgroupPlan;
}

/** The plan for this start of a container on this host. */
export interface ContainerPlan {
  plan: Plan;
  network: Attachment | undefined;
}

/**
 * The plan that starts a container.
 * @param network the result of `attachToNetworks`
 * @throws FosterError if a limit cannot be enforced
 */
export function planContainer(
  record: Omit<ContainerRecord, 'name'>,
  wishes: PlanWishes,
  network?: Attachment | undefined,
): ContainerPlan {
  // the volumes of a pod are for its other containers
  const spec = record.isInfra ? { ...record.spec, mounts: ownMounts(record.spec.mounts) } : record.spec;
  const { driver = 'overlay' } = record;
  const cgroup = wishes.cgroup ?? cgroupPlan(record);
  const folder = containerFolder(record.id);
  const isInPlace = driver === 'in-place' || driver === 'empty';
  const hasTree = driver === 'copy' && existsSync(join(folder, TREE));
  const beneath = subpathsOf(record);
  const volumes = volumesOf(record);
  const root = new RootFiles(hasTree ? [join(folder, TREE)] : layersOf(record));
  try {
    const facts: PlanFacts = {
      storage: {
        driver,
        layers: layersOf(record),
        container: folder,
        ...(record.isRootShifted && driver === 'overlay' && { isShifted: true }),
        ...(record.rm && driver === 'overlay' && { isVolatile: true }),
        ...(driver === 'fuse-overlayfs' && { program: findFuseOverlayfs() }),
      },
      canSetGroups: record.canSetGroups,
      ...(record.usesMapHelpers && network?.shares === undefined && { mapHelpers: findMapHelpers() }),
      isCallerMapped: record.isCallerMapped,
      // foster adds no files to a bundle's root directory, which belongs to the caller
      files: isInPlace ? [] : networkFiles(record.network, spec, root, network),
      linksMtab: !isInPlace && isMtabOfRoot(spec),
      accounts:
        isInPlace || record.network.without?.includes('/etc/passwd')
          ? []
          : callersAccount(spec, root, join(folder, 'upper')),
      ...(beneath.size > 0 && { beneath }),
      ...(record.asked?.idmapped && { mustShift: new Set(record.asked.idmapped) }),
      // Volumes of a container that is not created yet do not exist.
      directories: new Set([
        ...bindDirectories(spec.mounts.filter(({ destination }) => !beneath.has(destination))),
        ...volumes.filter(({ destination }) => !beneath.has(destination)).map(({ source }) => source),
        ...directoriesBeneath(beneath),
      ]),
      guarded: new Set(
        volumes.map(({ destination }) => destination).filter((destination) => isGuarded(record, destination)),
      ),
      kernelPaths: kernelPaths(spec),
      cgroup,
      ...(network?.facts && { network: network.facts }),
      ...(network?.pasta && { pasta: network.pasta }),
      ...(network?.shares && { share: network.shares }),
    };
    const plan = buildPlan(spec, facts, {
      shim: record.init,
      verbose: wishes.verbose,
      signalGroup: record.signalGroup,
      counts: wishes.detached,
      graceMs: record.stopTimeout * 1000,
      ...(wishes.kept && { kept: wishes.kept }),
      ...(record.isInfra && { isIdle: true }),
    });
    return { plan, network };
  } finally {
    root.close();
  }
}

function ownMounts(mounts: Mount[]): Mount[] {
  return mounts.filter(({ type, source }) => type === 'proc' || source === SHM);
}

/** Whether the destination of a volume was chosen by an image or another container. */
function isGuarded(record: Pick<ContainerRecord, 'volumes'>, destination: string): boolean {
  const use = volumeAt(record, destination);
  return use === undefined || use.isGuarded === true;
}
