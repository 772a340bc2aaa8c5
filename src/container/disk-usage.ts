import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootsFolder } from '../image/rootfs/cache.js';
import { imagesFolder } from '../image/store/blobs.js';
import { listImages } from '../image/store/images.js';
import { layerNames, unpackedSize } from '../image/store/layers.js';
import { TREE } from '../layers/tree-protocol.js';
import { sizeOfTree } from '../layers/tree-size.js';
import { containerFolder } from '../sys/paths.js';
import { volumeSize } from '../volume/remove.js';
import { listVolumes } from '../volume/store.js';
import { treesInUse } from './image-use.js';
import { type ContainerRecord, layersOf } from './record.js';
import { type Container, isAlive, listContainers } from './store.js';
import { usedVolumes } from './volume-users.js';

/** The disk space that all images, containers and so on use. Sizes are in bytes. */
export interface DiskUsage {
  type: string;
  total: number;
  active: number;
  size: number;
  /** The size that a prune would free. */
  reclaimable: number;
}

/**
 * The disk space that foster's data uses: images (blobs and unpacked layers), files that containers have written, volumes,
 * cached root filesystems. Files that only a container's user namespace may read are not counted.
 */
export function diskUsage(): DiskUsage[] {
  return [imagesUsage(), containersUsage(), volumesUsage(), rootsUsage()];
}

function imagesUsage(): DiskUsage {
  const images = listImages();
  const inUse = new Set(listContainers().map(({ record }) => record.image?.digest));
  const active = images.filter(({ descriptor }) => inUse.has(descriptor.digest));
  const needed = new Set<string>();
  let kept = 0;
  for (const { descriptor, manifest, config } of active) {
    for (const blob of [descriptor, manifest.config, ...manifest.layers]) {
      if (!needed.has(blob.digest)) kept += blob.size;
      needed.add(blob.digest);
    }
    for (const diffID of config.rootfs.diff_ids) {
      if (!needed.has(`diff ${diffID}`)) kept += unpackedSize(diffID) ?? 0;
      needed.add(`diff ${diffID}`);
    }
  }
  const layers = layerNames().reduce(
    (sum, name) => sum + (unpackedSize(`sha256:${name.split('-')[0]}`) ?? 0),
    0,
  );
  const size = sizeOfTree(join(imagesFolder(), 'blobs')) + layers;
  return {
    type: 'Images',
    total: images.length,
    active: active.length,
    size,
    reclaimable: Math.max(0, size - kept),
  };
}

function containersUsage(): DiskUsage {
  const containers = containerSizes();
  const sum = (some: { size: number }[]) => some.reduce((total, { size }) => total + size, 0);
  return {
    type: 'Containers',
    total: containers.length,
    active: containers.filter(({ isActive }) => isActive).length,
    size: sum(containers),
    reclaimable: sum(containers.filter(({ isActive }) => !isActive)),
  };
}

/** Each container, whether it is running, and the size of what it has written, in bytes. */
export function containerSizes(): { container: Container; isActive: boolean; size: number }[] {
  return listContainers().map((container) => ({
    container,
    isActive: isAlive(container.state),
    size: sizeOfTree(containerFolder(container.record.id)),
  }));
}

/**
 * The size in bytes of what a container has written, without its volumes, and of all its files. If its root is a directory
 * of the host, the files there are not counted.
 */
export function containerSize(record: ContainerRecord): { written: number; total: number } {
  const folder = containerFolder(record.id);
  const base = layersOf(record).reduce((sum, layer) => sum + layerSize(layer), 0);
  if (record.driver !== 'copy') {
    const written = sizeOfTree(join(folder, 'upper'));
    return { written, total: base + written };
  }
  const total = sizeOfTree(join(folder, TREE));
  return { written: Math.max(0, total - base), total };
}

/** The size in bytes of a folder that containers only read; 0 for one of the host. */
export function layerSize(path: string): number {
  const [, diffID] = /\/([0-9a-f]{64})-[^/]*\/diff$/.exec(path) ?? [];
  if (diffID !== undefined) return unpackedSize(`sha256:${diffID}`) ?? 0;
  return path.startsWith(`${rootsFolder()}/`) ? sizeOfTree(path) : 0;
}

/** The size of each volume in bytes, and how many containers use it. */
export function volumeSizes(): { name: string; users: number; size: number }[] {
  const used = usedVolumes();
  return listVolumes().map(({ name }) => ({
    name,
    users: used.get(name)?.length ?? 0,
    size: volumeSize(name),
  }));
}

function volumesUsage(): DiskUsage {
  const volumes = volumeSizes();
  const sum = (some: { size: number }[]) => some.reduce((total, { size }) => total + size, 0);
  return {
    type: 'Local Volumes',
    total: volumes.length,
    active: volumes.filter(({ users }) => users > 0).length,
    size: sum(volumes),
    reclaimable: sum(volumes.filter(({ users }) => users === 0)),
  };
}

/** The cached root filesystems, whether a container uses them, and their sizes in bytes. */
export function rootSizes(): { name: string; isActive: boolean; size: number }[] {
  const { trees } = treesInUse();
  return names(rootsFolder())
    .filter((name) => /^(sha256|recipe)-/.test(name))
    .map((name) => {
      const path = join(rootsFolder(), name);
      return { name, isActive: trees.has(join(path, 'rootfs')), size: sizeOfTree(path) };
    });
}

function rootsUsage(): DiskUsage {
  const roots = rootSizes();
  const sum = (some: { size: number }[]) => some.reduce((total, { size }) => total + size, 0);
  return {
    type: 'Root filesystems',
    total: roots.length,
    active: roots.filter(({ isActive }) => isActive).length,
    size: sum(roots),
    reclaimable: sum(roots.filter(({ isActive }) => !isActive)),
  };
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the folder does not exist
  }
}
