import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { dataFolder } from '../paths.js';
import type { IdMaps } from '../sys/id-maps.js';
import { blobPath } from './blobs.js';
import { makeTree, mapsKey, type Workplace, withLock } from './cache.js';
import { compressionOf, MAGIC_SIZE } from './compression.js';
import type { Descriptor, ImageConfig, Manifest } from './oci.js';
import { startProgress } from './progress.js';
import type { Written } from './tree-writer.js';

/**
 * Unpacked layers: `layers/HEX-MAPS/diff`, HEX being the digest of the uncompressed layer, MAPS the id maps that its
 * files are owned by. One whose folder has a file `opaque` hides all layers below.
 */
export function layersFolder(): string {
  return join(dataFolder(), 'layers');
}

const TREE = 'diff';

/** What of an image says how it is unpacked. */
export interface LayeredImage {
  manifest: Pick<Manifest, 'layers'>;
  config: Pick<ImageConfig, 'rootfs'>;
}

export interface UnpackLayersOptions {
  /** Of the container: files are owned by its ids. */
  maps: IdMaps;
  /** Of each layer, uncompressed, in bytes. No limit by default. */
  maxUnpackedSize?: number;
  /** What the progress bar is called. */
  title?: string;
}

/** So many are unpacked at a time. */
const AT_ONCE = 2;

/**
 * The image's unpacked layers, those that are missing being unpacked. Their blobs must be in the store.
 * @returns absolute paths, the uppermost first
 * @throws FosterError; layers that were finished stay, of the others nothing does
 */
export async function unpackLayers(image: LayeredImage, options: UnpackLayersOptions): Promise<string[]> {
  const { layers } = image.manifest;
  const diffIDs = diffIDsOf(image);
  const jobs = [...new Map(diffIDs.map((diffID, index) => [diffID, layers[index] as Descriptor]))];
  const waiting = jobs.filter(([diffID]) => !existsSync(layerPath(diffID, options.maps)));
  const counter = new Counter();
  const total = waiting.reduce((sum, [, { size }]) => sum + size, 0);
  const progress =
    waiting.length === 0
      ? undefined
      : await startProgress(options.title ?? 'unpacking', total, () => counter.position());
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      await unpackLayer(job[1], job[0], { ...options, counter, stop: () => progress?.stop() });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, work));
  progress?.stop();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  progress?.summarize(counter.written);
  return stackOf(diffIDs, options.maps) ?? [];
}

/** Adds up how far all layers are, and what became of them. */
class Counter {
  readonly written: Written = {
    members: 0,
    skippedDevices: 0,
    lostAttributes: 0,
    lostOwners: 0,
    isOpaque: false,
  };
  #done = 0;
  readonly #open = new Set<number>();

  begin(fd: number): void {
    this.#open.add(fd);
  }

  end(fd: number): void {
    this.#open.delete(fd);
    this.#done += fstatSync(fd).size;
  }

  position(): number {
    return [...this.#open].reduce((sum, fd) => sum + positionOf(fd), this.#done);
  }

  add(written: Written): void {
    this.written.members += written.members;
    this.written.skippedDevices += written.skippedDevices;
    this.written.lostAttributes += written.lostAttributes;
    this.written.lostOwners += written.lostOwners;
  }
}

interface Job extends UnpackLayersOptions {
  counter: Counter;
  /** Takes the progress bar away. */
  stop(): void;
}

/**
 * The layers of an image that is unpacked already, the uppermost first; undefined where one is missing. A layer that
 * occurs several times is there once, since the kernel takes none twice: what the lower one has, the upper one has too.
 */
export function stackOf(diffIDs: string[], maps: IdMaps): string[] | undefined {
  const stack: string[] = [];
  for (const diffID of [...new Set(diffIDs.toReversed())]) {
    const path = layerPath(diffID, maps);
    if (!existsSync(path)) return undefined;
    stack.push(path);
    if (existsSync(opaqueMark(path))) break;
  }
  return stack.length === 0 ? [emptyLayer()] : stack;
}

/** Of an image without layers. */
function emptyLayer(): string {
  const path = join(layersFolder(), 'empty', TREE);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

function opaqueMark(path: string): string {
  return join(path, '..', 'opaque');
}

/** Where the unpacked layer is, or would be. */
export function layerPath(diffID: string, maps: IdMaps): string {
  return join(layersFolder(), layerName(diffID, maps), TREE);
}

function layerName(diffID: string, maps: IdMaps): string {
  return `${diffID.slice('sha256:'.length)}-${mapsKey(maps)}`;
}

/**
 * The digests of the image's uncompressed layers, the lowest first.
 * @throws FosterError where they are none, or do not fit the manifest
 */
export function diffIDsOf({ manifest, config }: LayeredImage): string[] {
  const ids: unknown = config.rootfs?.diff_ids ?? [];
  const isList = Array.isArray(ids) && ids.every((id) => /^sha256:[0-9a-f]{64}$/.test(String(id)));
  if (!isList) throw new FosterError('the config of the image has no proper digests of its layers');
  if (ids.length !== manifest.layers.length) {
    throw new FosterError(
      `the image is broken: its config tells of ${ids.length} layers, its manifest of ${manifest.layers.length}`,
    );
  }
  return ids as string[];
}

async function unpackLayer(layer: Descriptor, diffID: string, options: Job): Promise<void> {
  const name = layerName(diffID, options.maps);
  await withLock(`layer-${name}`, async () => {
    if (existsSync(layerPath(diffID, options.maps))) return; // somebody was faster
    mkdirSync(layersFolder(), { recursive: true, mode: 0o700 });
    await makeTree(
      options.maps,
      async (place) => {
        await unpackBlob(place, layer, diffID, options);
        return name;
      },
      { parent: layersFolder(), tree: TREE },
    );
  });
}

async function unpackBlob(
  place: Workplace,
  { digest, mediaType }: Descriptor,
  diffID: string,
  options: Job,
): Promise<void> {
  const { startUnpacker } = await import('./unpack.js');
  const what = `layer ${shortDigest(digest)}`;
  const { counter } = options;
  const fd = openBlob(digest, what);
  counter.begin(fd);
  try {
    const start = Buffer.alloc(MAGIC_SIZE);
    const compression = compressionOf(start.subarray(0, readSync(fd, start, 0, MAGIC_SIZE, 0)));
    const unpacking = startUnpacker(place.tree, compression, { ...options, isLayer: true }, fd);
    place.onInterrupt(unpacking.kill);
    place.onInterrupt(options.stop);
    const report = await unpacking.report;
    if ('error' in report) {
      const advice = report.advice === undefined ? {} : { advice: report.advice };
      throw new FosterError(`cannot unpack ${what}: ${report.error}`, advice);
    }
    if (report.digest !== diffID) {
      throw new FosterError(
        `cannot unpack ${what} (${mediaType}): its content is ${report.digest}, the image says ${diffID}`,
        { advice: 'nothing of it was kept; do not trust this image' },
      );
    }
    if (report.written.isOpaque) writeFileSync(join(place.folder, 'opaque'), '');
    writeFileSync(join(place.folder, 'size'), String(report.size));
    counter.add(report.written);
  } catch (error) {
    if (error instanceof FosterError && !error.message.startsWith('cannot unpack')) {
      throw new FosterError(`cannot unpack ${what}: ${error.message}`, {
        ...(error.advice !== undefined && { advice: error.advice }),
        cause: error,
      });
    }
    throw error;
  } finally {
    counter.end(fd);
    closeSync(fd);
  }
}

function openBlob(digest: string, what: string): number {
  try {
    return openSync(blobPath(digest), 'r');
  } catch (error) {
    throw new FosterError(`the image store lacks ${what}`, { advice: 'pull the image again', cause: error });
  }
}

/** How far a file is read by whoever shares our open file description: proc_pid_fdinfo(5). */
function positionOf(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number(/^pos:\s*(\d+)/m.exec(info)?.[1] ?? 0);
}

/** Bytes of the uncompressed layer, if it is unpacked for whatever maps. */
export function unpackedSize(diffID: string): number | undefined {
  const name = layerNames().find((each) => each.startsWith(`${diffID.slice('sha256:'.length)}-`));
  if (name === undefined) return undefined;
  try {
    return Number(readFileSync(join(layersFolder(), name, 'size'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Folders of all unpacked layers, whatever their maps. */
export function layerNames(): string[] {
  try {
    return readdirSync(layersFolder());
  } catch {
    return []; // none was ever unpacked
  }
}

/** The 12 digits that people see. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
