import { readFileSync } from 'node:fs';
import { FosterError } from '../../sys/errors.js';
import { withAbortController } from '../../worker/interrupt.js';
import { blobPath, digestOf, readDocument } from '../store/blobs.js';
import { indexOf, type ListEntry } from '../store/lists.js';
import { formatOf, type ManifestFormat, manifestIn } from '../store/manifest-format.js';
import { type Descriptor, type Manifest, MEDIA } from '../store/oci.js';
import { formatReference, type Reference } from '../store/reference.js';
import { putManifest, uploadAll } from './push.js';
import { openRegistry, type RegistryAccess } from './registry.js';
import type { ProgressOutput } from './transfer-display.js';

export interface PushListOptions extends RegistryAccess {
  /** The format of all manifests in the registry; their own by default. */
  format?: ManifestFormat | undefined;
  progress?: ProgressOutput | undefined;
}

/** A manifest as it is pushed. */
interface Prepared {
  entry: ListEntry;
  manifest: Manifest;
  bytes: Buffer;
}

/**
 * Uploads the images of a list, and then the list: the registry never has one whose images are missing.
 * @returns the descriptor of the list's manifest
 * @throws FosterError
 */
export async function pushList(
  reference: Reference,
  entries: readonly ListEntry[],
  { format, progress, ...access }: PushListOptions,
): Promise<Descriptor> {
  const name = formatReference(reference);
  const all = entries.map((entry) => prepare(entry, format, name));
  const isDocker = all.length > 0 && all.every(({ entry }) => formatOf(entry.mediaType) === 'docker');
  const mediaType = isDocker ? MEDIA.dockerList : MEDIA.index;
  const list = indexOf(
    all.map(({ entry }) => entry),
    mediaType,
  );
  const bytes = Buffer.from(JSON.stringify(list));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return await withAbortController(async (abort) => {
    const registry = await openRegistry(reference, access, { signal: abort.signal, actions: 'pull,push' });
    try {
      progress?.printLine(`The push refers to repository [${reference.registry}/${reference.repository}]`);
      for (const { entry, manifest, bytes: own } of all) {
        await uploadAll(registry, [manifest.config, ...manifest.layers], progress, abort);
        await putManifest(registry, { ...reference, tag: undefined, digest: entry.digest }, entry, own);
      }
      await putManifest(registry, reference, descriptor, bytes);
    } finally {
      await registry.close();
    }
    return descriptor;
  });
}

function prepare(entry: ListEntry, format: ManifestFormat | undefined, name: string): Prepared {
  const manifest = readEntry(entry, name);
  if (format === undefined || format === formatOf(entry.mediaType))
    return { entry, manifest, bytes: readFileSync(blobPath(entry.digest)) };
  const bytes = Buffer.from(JSON.stringify(manifestIn(format, manifest, name)));
  const mediaType = format === 'docker' ? MEDIA.dockerManifest : MEDIA.manifest;
  return { entry: { ...entry, mediaType, digest: digestOf(bytes), size: bytes.length }, manifest, bytes };
}

function readEntry(entry: ListEntry, name: string): Manifest {
  try {
    return readDocument<Manifest>(entry);
  } catch (cause) {
    throw new FosterError(`cannot push ${name}: its image ${entry.digest} is not in the store any more`, {
      cause,
      exitCode: 1,
      advice: 'take it from the list: foster manifest remove',
    });
  }
}
