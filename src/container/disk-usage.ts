import { constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootsFolder } from '../image/rootfs/cache.js';
import { imagesFolder } from '../image/store/blobs.js';
import { listImages } from '../image/store/images.js';
import { layerNames, unpackedSize } from '../image/store/layers.js';
import { OpenTree } from '../layers/open-tree.js';
import { unlessGone } from '../layers/unless-gone.js';
import { listNames } from '../layers/writable-layer.js';
import { containerFolder } from '../sys/paths.js';
import { treesInUse } from './image-use.js';
import { type Container, isAlive, listContainers } from './store.js';

/** A kind of thing that takes room on the disk. Sizes are in bytes. */
export interface DiskUsage {
  type: string;
  total: number;
  active: number;
  size: number;
  /** What a prune would free. */
  reclaimable: number;
}

/**
 * What foster's data takes: images (blobs and unpacked layers), what containers have written, cached root filesystems.
 * Files that only a container's user namespace may look at are not counted.
 */
export function diskUsage(): DiskUsage[] {
  return [imagesUsage(), containersUsage(), rootsUsage()];
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

/** What each container has written, and what is known about it, in bytes. */
export function containerSizes(): { container: Container; isActive: boolean; size: number }[] {
  return listContainers().map((container) => ({
    container,
    isActive: isAlive(container.state),
    size: sizeOfTree(containerFolder(container.record.id)),
  }));
}

/** Cached root filesystems, and whether a container uses them; sizes in bytes. */
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

/** Blocks of a tree, each file once. A container may be changing it: no link is followed. */
function sizeOfTree(top: string): number {
  const O_PATH = 0o10000000;
  const fd = unlessGone(() => openSync(top, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  if (fd === undefined) return 0;
  const tree = new OpenTree(fd);
  let size = 0;
  const seen = new Set<number>();
  const waiting = [''];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const base of orNothing(() => listNames(tree.path(directory ?? ''))) ?? []) {
      const name = `${directory}${base}`;
      const info = orNothing(() => lstatSync(tree.path(name)));
      if (info === undefined) continue;
      if (info.isDirectory()) waiting.push(`${name}/`);
      if (info.nlink > 1 && !info.isDirectory()) {
        if (seen.has(info.ino)) continue;
        seen.add(info.ino);
      }
      size += info.blocks * 512;
    }
  }
  tree.close();
  return size;
}

/** Not of what is gone, too deep, or what only its user namespace may look into. */
function orNothing<T>(look: () => T): T | undefined {
  return unlessGone(look, ['EACCES', 'ENAMETOOLONG']);
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there is none
  }
}
