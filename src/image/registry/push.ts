import { readFileSync } from 'node:fs';
import { FosterError } from '../../sys/errors.js';
import { withAbortController } from '../../worker/interrupt.js';
import { forEachParallel } from '../../worker/parallel.js';
import { blobPath, digestOf } from '../store/blobs.js';
import { getImage, listImages, type StoredImage } from '../store/images.js';
import { formatOf, type ManifestFormat, manifestIn } from '../store/manifest-format.js';
import { type Descriptor, MEDIA } from '../store/oci.js';
import { noSuchPlatform, parsePlatform, satisfiesPlatform } from '../store/platform.js';
import { formatReference, parseReference, type Reference } from '../store/reference.js';
import { drain } from './http.js';
import { openRegistry, type Registry, type RegistryAccess, responseError } from './registry.js';
import { type ProgressOutput, startTransferDisplay } from './transfer-display.js';
import { type Upload, uploadBlob } from './upload.js';

export interface PushOptions extends RegistryAccess {
  /** `OS/ARCHITECTURE[/VARIANT]` that the image must be for. */
  platform?: string | undefined;
  /** The format of the manifest in the registry; the image's own by default. */
  format?: ManifestFormat | undefined;
  /** Where to print progress; nowhere by default. */
  progress?: ProgressOutput | undefined;
}

const PARALLEL_UPLOADS = 3;

/**
 * Uploads an image of the store to a registry, byte for byte: its digests do not change, unless another format is wanted.
 * @returns the descriptor of its manifest
 * @param source the image's name in the store, if it is different
 * @throws FosterError; the manifest is uploaded last, so the registry never has an incomplete image
 */
export async function pushImage(
  reference: Reference,
  options: PushOptions,
  source = formatReference(reference),
): Promise<Descriptor> {
  const name = formatReference(reference);
  const image = getImage(source);
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  if (wanted !== undefined && !satisfiesPlatform(image.config, wanted)) {
    throw noSuchPlatform(name, wanted, [image.config]);
  }
  return await withAbortController((abort) => push(reference, image, options, abort));
}

async function push(
  reference: Reference,
  image: StoredImage,
  options: PushOptions,
  abort: AbortController,
): Promise<Descriptor> {
  const own = formatOf(image.descriptor.mediaType);
  const { format = own } = options;
  const bytes =
    format === own
      ? readFileSync(blobPath(image.descriptor.digest))
      : Buffer.from(JSON.stringify(manifestIn(format, image.manifest, formatReference(reference))));
  const mediaType = format === 'docker' ? MEDIA.dockerManifest : MEDIA.manifest;
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const registry = await openRegistry(reference, options, { signal: abort.signal, actions: 'pull,push' });
  try {
    options.progress?.printLine(
      `The push refers to repository [${reference.registry}/${reference.repository}]`,
    );
    const { config, layers } = image.manifest;
    await uploadAll(registry, [config, ...layers], options.progress, abort);
    await putManifest(registry, reference, descriptor, bytes);
  } finally {
    await registry.close();
  }
  return descriptor;
}

/** Uploads blobs, a few at a time. @throws FosterError */
export async function uploadAll(
  registry: Registry,
  [config, ...layers]: Descriptor[],
  progress: ProgressOutput | undefined,
  abort: AbortController,
): Promise<void> {
  const unique = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  const display = await startTransferDisplay(progress, unique.length, {
    start: 'Preparing',
    active: 'Pushing',
  });
  const sources = otherRepositories(registry);
  try {
    const transfers = unique.map((blob) => ({ blob, transfer: display.add(blob.digest, blob.size) }));
    await forEachParallel(
      [...transfers, ...(config === undefined ? [] : [{ blob: config, transfer: undefined }])],
      PARALLEL_UPLOADS,
      async ({ blob, transfer }) => {
        const upload = await uploadBlob(registry, blob, sources.get(blob.digest), (bytes) =>
          transfer?.update(bytes),
        );
        transfer?.end(outcome(upload));
      },
      abort,
    );
  } finally {
    display.stop();
  }
}

/** In Docker's words. */
function outcome(upload: Upload): string {
  if (upload.kind === 'mounted') return `Mounted from ${upload.from}`;
  return upload.kind === 'sent' ? 'Pushed' : 'Layer already exists';
}

/** For each blob, another repository of this registry that contains it, as far as the names of local images show. */
function otherRepositories({ registry, repository }: Registry): Map<string, string> {
  const found = new Map<string, string>();
  for (const { names, manifest } of listImages()) {
    const other = names.map(parseReference).find((one) => {
      return one.registry === registry && one.repository !== repository;
    });
    if (other === undefined) continue;
    for (const { digest } of [manifest.config, ...manifest.layers]) found.set(digest, other.repository);
  }
  return found;
}

/** Uploads a manifest, under its tag if the reference has one, or its digest. @throws FosterError */
export async function putManifest(
  registry: Registry,
  reference: Reference,
  { digest, mediaType }: Descriptor,
  body: Buffer,
): Promise<void> {
  const which = reference.tag ?? reference.digest ?? 'latest';
  const response = await registry.request('PUT', `manifests/${which}`, {
    headers: { 'content-type': mediaType },
    body,
  });
  if (response.statusCode !== 201) {
    throw await responseError(`push ${formatReference(reference)}`, response, registry.registry);
  }
  await drain(response);
  const declared = response.headers['docker-content-digest'];
  if (typeof declared === 'string' && declared.startsWith('sha256:') && declared !== digest) {
    throw new FosterError(`${registry.registry} stored a different image: ${declared} instead of ${digest}`);
  }
}
