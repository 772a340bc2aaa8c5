import type { DiskUsage } from '../container/disk-usage.js';
import type { HostInfo } from '../container/host-info.js';
import type { PrunedContainers } from './containers.js';
import type { PrunedImages } from './images.js';
import type { PrunedNetworks } from './networks.js';
import type { UnsharedCommand } from './unshare.js';
import type { DiskUsageDetails } from './views/disk-usage-details.js';
import type { InfoViews } from './views/host-info.js';
import type { PrunedVolumes } from './volumes.js';

export type { DiskUsage, DiskUsageDetails, HostInfo, InfoViews, UnsharedCommand };

/** What foster can do on this machine: plain data, with keys in the order in which they are printed. */
export async function info(): Promise<HostInfo> {
  const { hostInfo } = await import('../container/host-info.js');
  return await hostInfo();
}

/**
 * The same, with the fields of `docker info` and `podman info`.
 * @param version foster's own
 */
export async function infoViews(version: string): Promise<InfoViews> {
  const { infoViews } = await import('./views/host-info.js');
  return infoViews(await info(), version);
}

/** The disk space that images, containers, volumes and cached root filesystems use. */
export async function diskUsage(): Promise<DiskUsage[]> {
  const { diskUsage } = await import('../container/disk-usage.js');
  return diskUsage();
}

/** The same for each single image, container, volume and root filesystem. */
export async function diskUsageDetails(): Promise<DiskUsageDetails> {
  const { diskUsageDetails } = await import('./views/disk-usage-details.js');
  return diskUsageDetails(Date.now());
}

/** What containers, images, networks and volumes can all be chosen by. */
const FILTERS = { label: true, 'label!': true, until: true };

/**
 * Removes pods and containers that have ended, networks that no container uses, images without a name, and cached root filesystems of tar
 * files.
 * @param options.all also removes all images that no container uses, and root filesystems of recipes
 * @param options.volumes also removes anonymous volumes that no container uses
 * @param options.filters only what matches, `label=`, `label!=` or `until=` each; caches, which have no labels, stay then
 * @throws FosterError for another filter
 */
export async function prune({
  all,
  volumes = false,
  filters = [],
}: {
  all: boolean;
  volumes?: boolean;
  filters?: readonly string[];
}): Promise<{
  pods: { removed: string[]; failures: unknown[] };
  containers: PrunedContainers;
  volumes: PrunedVolumes;
  networks: PrunedNetworks;
  images: PrunedImages;
}> {
  const { pruneImages } = await import('../container/remove-image.js');
  const { collect } = await import('../container/collect-garbage.js');
  const { findFilter } = await import('./views/filters.js');
  const { imageMatcher, PRUNE_FILTERS } = await import('./views/image-filter.js');
  const { pruneUnused } = await import('./unused-volumes.js');
  const { volumeMatcher, PRUNE_FILTERS: VOLUME_FILTERS } = await import('./views/volume.js');
  for (const filter of filters) findFilter(filter, FILTERS);
  const isVolumeMeant = volumeMatcher(filters, VOLUME_FILTERS);
  const isImageMeant = imageMatcher(filters, PRUNE_FILTERS);
  if (filters.length === 0) (await import('../container/run-template.js')).removeTemplates();
  const isAll = filters.length === 0;
  const pods = isAll ? await (await import('./pods.js')).prune() : { removed: [], failures: [] };
  const containers = await (await import('./containers.js')).prune(filters);
  const pruned = pruneUnused((volume) => volumes && volume.isAnonymous === true && isVolumeMeant(volume));
  const networks = await (await import('./networks.js')).prune(filters);
  const removed = await pruneImages({ all, isMeant: (image) => isImageMeant(image, undefined) });
  const collected = await collect({ caches: isAll, recipes: all && isAll });
  return { pods, containers, networks, volumes: pruned, images: { removed, size: collected?.size ?? 0 } };
}

/**
 * Removes everything that foster has stored: all containers and pods, even running ones, images, networks, volumes, caches and events.
 * @throws FosterError for the first thing that could not be removed, after removing all others
 */
export async function reset(): Promise<void> {
  const { forgetState } = await import('../container/forget-state.js');
  const { removeContainer } = await import('../container/remove.js');
  const { storedIds } = await import('../container/store.js');
  const { removeAllLists } = await import('../image/store/lists.js');
  const { removePod } = await import('../pod/remove.js');
  const { listPods } = await import('../pod/store.js');
  const failures: unknown[] = [];
  for (const { record } of listPods())
    await removePod(record.id, { force: true, timeout: 0 }).catch((error: unknown) => failures.push(error));
  for (const id of storedIds())
    await removeContainer(id, { force: true }).catch((error: unknown) => failures.push(error));
  await removeAllLists();
  const { containers } = await prune({ all: true });
  const volumes = await (await import('./volumes.js')).prune({ all: true });
  failures.push(...containers.failures, ...volumes.failures);
  if (failures.length > 0) throw failures[0];
  forgetState();
  (await import('../lab/progress.js')).removeAllProgress();
}

/**
 * Starts a command with this process's standard streams, as root in a new user namespace and mount namespace. The ids of
 * the namespace are those that containers have by default, the caller's whole range; for root, all ids.
 * @throws FosterError if user namespaces are not available
 */
export async function unshare(words: string[]): Promise<UnsharedCommand> {
  const { startUnshared } = await import('./unshare.js');
  return startUnshared(words);
}
