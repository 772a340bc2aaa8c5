import type { Stats } from 'node:fs';
import { containerSize, layerSize } from '../container/disk-usage.js';
import { type ContainerRecord, layersOf } from '../container/record.js';
import type { Container } from '../container/store.js';
import { containerChanges } from '../container/tree.js';
import { findImage, type StoredImage } from '../image/store/images.js';
import { treeChanges } from '../layers/changes.js';
import { LayerStack } from '../layers/stack.js';
import { unlessGone } from '../layers/unless-gone.js';
import { UpperDirectory } from '../layers/writable-layer.js';
import { FosterError } from '../sys/errors.js';
import type { LayerRow, StackRow } from './scene.js';

/** Of more changes than these, the page gets only their number. */
const MOST_CHANGES = 200;
/** A layer with more files than these is not read to its end. */
const MOST_FILES = 2000;

/** The layers of a container that it only reads, the uppermost first. They do not change. */
export function lowerLayers(record: ContainerRecord): LayerRow[] {
  if (record.driver === 'empty') return [];
  const image = imageOf(record);
  const paths = layersOf(record);
  const titles = image === undefined ? [] : titlesOf(image).reverse();
  return paths.map((path, index) => {
    const size = layerSize(path);
    return {
      title: titles[index] || record.root,
      ...(size > 0 && { size }),
      // the whole root filesystem is no change
      ...(index === paths.length - 1 ? { changes: [] } : changesOf(path, paths.slice(index + 1))),
    };
  });
}

function imageOf({ image }: ContainerRecord): StoredImage | undefined {
  return image && findImage(image.digest);
}

/** The instructions that have made the layers, the lowest first. */
function titlesOf({ config }: StoredImage): string[] {
  return (config.history ?? [])
    .filter(({ empty_layer: isEmpty }) => !isEmpty)
    .map(({ created_by: command, comment }) => command || comment || '');
}

/**
 * What a layer has added, changed and deleted, compared with those below. That a directory's content has changed is not said of the
 * directory.
 */
function changesOf(path: string, below: readonly string[]): Pick<LayerRow, 'changes' | 'more'> {
  const layer = new ReadableDirectory(path);
  const changes: string[] = [];
  let count = 0;
  for (const { kind, path: name } of treeChanges(layer, new ReadableStack(below), new Set())) {
    if (kind === 'C' && layer.lstat(name.slice(1))?.isDirectory()) continue;
    if (count++ < MOST_CHANGES) changes.push(`${kind} ${utf8(name)}`);
    if (count === MOST_FILES) break;
  }
  return { changes, ...(count > changes.length && { more: count - changes.length }) };
}

/** A folder that the caller may not read, because it belongs to a user of the container, counts as empty. */
class ReadableDirectory extends UpperDirectory {
  override names(directory: string): string[] {
    return unlessForbidden(() => super.names(directory)) ?? [];
  }
}

class ReadableStack extends LayerStack {
  override lstat(name: string): Stats | undefined {
    return unlessForbidden(() => super.lstat(name));
  }

  override names(directory: string): string[] {
    return unlessForbidden(() => super.names(directory)) ?? [];
  }
}

function unlessForbidden<T>(look: () => T): T | undefined {
  return unlessGone(look, ['EACCES']);
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}

/** The layer that a container writes to, as it is now; undefined if it has none. */
export async function ownLayer(container: Container): Promise<LayerRow | undefined> {
  const { driver = 'overlay' } = container.record;
  if (driver === 'in-place' || driver === 'empty') return undefined;
  try {
    const all = await containerChanges(container);
    const changes = all.slice(0, MOST_CHANGES);
    const more = all.length - changes.length;
    const { written: size } = containerSize(container.record);
    return { title: '', size, changes, ...(more > 0 && { more }), isOwn: true };
  } catch (error) {
    if (error instanceof FosterError) return { title: '', changes: [], isOwn: true }; // it has just been removed
    throw error;
  }
}

export function stackRow({ driver = 'overlay' }: ContainerRecord, layers: LayerRow[]): StackRow {
  return { driver, layers };
}
