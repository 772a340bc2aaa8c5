import { createReadStream } from 'node:fs';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError, kindOf } from '../../sys/errors.js';
import { type ArchiveCompression, archiveCompressionOf } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';
import { undoUnlessDone } from '../../worker/interrupt.js';
import { refuseImageArchive } from '../rootfs/image-archive.js';
import { changeDefaults } from '../store/change-defaults.js';
import { lockStore, unlockStore } from '../store/lock.js';
import { makeImage } from '../store/new-image.js';
import { type Descriptor, MEDIA } from '../store/oci.js';
import { parsePlatform } from '../store/platform.js';
import { type Staged, Staging, stagedStart } from '../store/staging.js';
import { unpackNew } from '../store/unpack-layers.js';
import { withInputFile, withStream } from './input.js';

export interface ImportOptions {
  /** Instructions of a Dockerfile. */
  changes: string[];
  message: string | undefined;
  /** Full name. */
  name: string | undefined;
  /** `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform: string | undefined;
}

/**
 * Creates an image with one layer from a root filesystem in a tar archive, compressed or not.
 * @param path undefined for standard input
 * @returns the image's ID
 * @throws FosterError
 */
export async function importImage(path: string | undefined, options: ImportOptions): Promise<string> {
  const title = path ?? 'standard input';
  if (path !== undefined && /^https?:\/\//.test(path)) {
    throw new FosterError(`cannot import ${path}: foster imports only files`, {
      advice: `download it: curl -L ${path} | foster import - NAME`,
    });
  }
  const defaults = options.changes.reduce<ImageDefaults>(changeDefaults, {});
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  await lockStore();
  try {
    const descriptor = await stageLayer(path);
    const { diffID, tree } = await unpackNew(descriptor, { maps: defaultIdMaps(), title });
    refuseImageArchive(tree, path, '');
    return await makeImage({
      base: undefined,
      platform,
      layer: { descriptor, diffID },
      defaults,
      history: {
        created: new Date().toISOString(),
        comment: options.message ?? `Imported from ${path ?? '-'}`,
      },
      name: options.name,
    });
  } catch (error) {
    const code = errnoOf(error);
    if (!(error instanceof FosterError) && code === undefined) throw error;
    const why = error instanceof FosterError ? error.message : errnoWords(errnoNumber(code ?? ''));
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const advice =
      error instanceof FosterError ? error.advice : isFull ? 'free some space on that disk' : undefined;
    throw new FosterError(`cannot import ${title}: ${why}`, {
      kind: kindOf(error),
      ...(advice !== undefined && { advice }),
      cause: error,
    });
  } finally {
    unlockStore();
  }
}

/** The compression formats that a layer may have. */
const LAYER_TYPES: Readonly<Partial<Record<ArchiveCompression, string>>> = {
  none: MEDIA.layer,
  gzip: MEDIA.layerGzip,
  zstd: MEDIA.layerZstd,
};

async function stageLayer(path: string | undefined): Promise<Descriptor> {
  const staging = new Staging();
  const layer = await undoUnlessDone(
    async () => {
      const staged = await withInputFile(path, (fd) => withStream(fd, (input) => staging.copy(input)));
      if (staged.size === 0) throw new FosterError('it is empty');
      const type = LAYER_TYPES[archiveCompressionOf(stagedStart(staged))];
      if (type !== undefined) return staging.keep(staged, type);
      return staging.keep(await staging.copy(contentOf(staged)), MEDIA.layer);
    },
    () => staging.discard(),
  );
  staging.discard();
  return layer;
}

/** Uncompressed. */
function contentOf({ path }: Staged): AsyncIterable<Buffer> {
  return decompress(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}
