import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError, kindOf } from '../../sys/errors.js';
import { type ArchiveCompression, archiveCompressionOf } from '../../tar/compression.js';
import { decompress } from '../../tar/decompress.js';
import { undoUnlessDone } from '../../worker/interrupt.js';
import { changeDefaults } from '../store/change-defaults.js';
import { lockStore, unlockStore } from '../store/lock.js';
import { makeImage } from '../store/new-image.js';
import { type Descriptor, MEDIA } from '../store/oci.js';
import { type Staged, Staging, stagedStart } from '../store/staging.js';
import { withInput } from './input.js';

export interface ImportOptions {
  /** Instructions of a Dockerfile. */
  changes: string[];
  message: string | undefined;
  /** Full name. */
  name: string | undefined;
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
  await lockStore();
  try {
    const layer = await stageLayer(path);
    return await makeImage({
      base: undefined,
      layer,
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

async function stageLayer(path: string | undefined): Promise<{ descriptor: Descriptor; diffID: string }> {
  const staging = new Staging();
  const layer = await undoUnlessDone(
    async () => {
      const staged = await withInput(path, async (input) => {
        staging.begin();
        for await (const piece of input) staging.write(piece as Buffer);
        return staging.finish();
      });
      if (staged.size === 0) throw new FosterError('it is empty');
      const type = LAYER_TYPES[archiveCompressionOf(stagedStart(staged))];
      if (type !== undefined) {
        const diffID = await uncompressedDigest(staged);
        return { descriptor: staging.keep(staged, type), diffID };
      }
      staging.begin();
      for await (const piece of contentOf(staged)) staging.write(piece);
      const plain = staging.finish();
      return { descriptor: staging.keep(plain, MEDIA.layer), diffID: plain.digest };
    },
    () => staging.discard(),
  );
  staging.discard();
  return layer;
}

async function uncompressedDigest(staged: Staged): Promise<string> {
  if (archiveCompressionOf(stagedStart(staged)) === 'none') return staged.digest;
  const hash = createHash('sha256');
  for await (const piece of contentOf(staged)) hash.update(piece);
  return `sha256:${hash.digest('hex')}`;
}

/** Uncompressed. */
function contentOf({ path }: Staged): AsyncIterable<Buffer> {
  return decompress(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}
