import type { DiskUsage } from '../container/disk-usage.js';
import type { HostInfo } from '../container/host-info.js';
import type { PrunedContainers } from './containers.js';
import type { PrunedImages } from './images.js';
import type { PrunedNetworks } from './networks.js';
import type { UnsharedCommand } from './unshare.js';
import type { DiskUsageDetails } from './views/disk-usage-details.js';
import type { InfoViews } from './views/host-info.js';

export type { DiskUsage, DiskUsageDetails, HostInfo, InfoViews, UnsharedCommand };

/** What foster can do on this machine: plain data, keys in the order in which they are printed. */
export async function info(): Promise<HostInfo> {
  const { hostInfo } = await import('../container/host-info.js');
  return await hostInfo();
}

/**
 * The same, and the fields of `docker info` and `podman info`.
 * @param version foster's own
 */
export async function infoViews(version: string): Promise<InfoViews> {
  const { infoViews } = await import('./views/host-info.js');
  return infoViews(await info(), version);
}

/** What images, containers and cached root filesystems take on the disk. */
export async function diskUsage(): Promise<DiskUsage[]> {
  const { diskUsage } = await import('../container/disk-usage.js');
  return diskUsage();
}

/** The same for each image, container and root filesystem. */
export async function diskUsageDetails(): Promise<DiskUsageDetails> {
  const { diskUsageDetails } = await import('./views/disk-usage-details.js');
  return diskUsageDetails(Date.now());
}

/**
 * Removes stopped containers, networks that no container uses, images without a name, and cached root filesystems of tar
 * files.
 * @param options.all also all images that no container uses, and root filesystems of recipes
 */
export async function prune({ all }: { all: boolean }): Promise<{
  containers: PrunedContainers;
  networks: PrunedNetworks;
  images: PrunedImages;
}> {
  const { pruneContainers } = await import('../container/prune.js');
  const { pruneImages } = await import('../container/remove-image.js');
  const { collect } = await import('../container/image-use.js');
  const containers = await pruneContainers();
  const networks = await (await import('./networks.js')).prune();
  const removed = await pruneImages({ all, isMeant: () => true });
  const collected = await collect({ caches: true, recipes: all });
  return { containers, networks, images: { removed, size: collected?.size ?? 0 } };
}

/**
 * Starts a command, with this process's standard streams, as root of a user namespace with the caller's whole range of
 * ids, as containers have it by default (of root: with all ids), and of a mount namespace.
 * @throws FosterError where there are no user namespaces to be had
 */
export async function unshare(words: string[]): Promise<UnsharedCommand> {
  const { startUnshared } = await import('./unshare.js');
  return startUnshared(words);
}
