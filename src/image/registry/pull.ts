import { readFileSync } from 'node:fs';
import { defaultIdMaps } from '../../spec/choose-id-maps.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { FosterError } from '../../sys/errors.js';
import { withLittleMemory } from '../../sys/little-memory.js';
import { withAbortController } from '../../worker/interrupt.js';
import { blobPath, digestOf, hasBlob, MAX_DOCUMENT, putBytes } from '../store/blobs.js';
import { type ManifestDocument, readConfig, readManifest } from '../store/documents.js';
import { listImages, type StoredImage, tagImage } from '../store/images.js';
import { lockStore } from '../store/lock.js';
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES, ownPlatform, type Platform } from '../store/oci.js';
import { noSuchPlatform, parsePlatform, satisfiesPlatform, selectManifest } from '../store/platform.js';
import { familiarName, formatReference, type Reference } from '../store/reference.js';
import { downloadBlob } from './download.js';
import { readBody } from './http.js';
import { pullLayers } from './pull-layers.js';
import { openRegistry, type Registry, type RegistryAccess, responseError } from './registry.js';
import type { ProgressOutput } from './transfer-display.js';

export interface PullOptions extends RegistryAccess {
  /** `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform?: string | undefined;
  /** Where to print progress; nowhere by default. */
  progress?: ProgressOutput | undefined;
  /** Id maps of the containers that it is unpacked for; those of a container without flags by default. */
  maps?: IdMaps;
  /** Limit for the size of each uncompressed layer, in bytes. No limit by default. */
  maxUnpackedSize?: number;
  /** Milliseconds without data after which a connection is closed. */
  idleTimeout?: number;
}

/** distribution-spec, "Pulling manifests": registries need not serve larger ones. */
export const MAX_MANIFEST = 4 * 1024 * 1024;
/** How deeply indexes may be nested. */
const MAX_DEPTH = 3;

/**
 * Downloads an image into the store, unpacks it, and names it. It gets its name only when all blobs are there and their
 * digests are verified.
 * @throws FosterError; an earlier image of that name is then unchanged
 */
export async function pullImage(reference: Reference, options: PullOptions): Promise<StoredImage> {
  await lockStore();
  return await withAbortController(async (abort) => {
    const { idleTimeout } = options;
    const registry = await openRegistry(reference, options, { idleTimeout, signal: abort.signal });
    try {
      return await withLittleMemory(() => new Pull(reference, registry, options, abort).run());
    } finally {
      await registry.close();
    }
  });
}

/** A manifest with its original bytes, to which its digest belongs. */
interface Fetched {
  descriptor: Descriptor;
  bytes: Uint8Array;
  content: ManifestDocument;
}

class Pull {
  readonly #name: string;
  readonly #wanted: Platform;

  constructor(
    readonly reference: Reference,
    readonly registry: Registry,
    readonly options: PullOptions,
    readonly abort: AbortController,
  ) {
    this.#name = formatReference(reference);
    this.#wanted = options.platform === undefined ? ownPlatform() : parsePlatform(options.platform);
  }

  async run(): Promise<StoredImage> {
    const { tag, digest, repository } = this.reference;
    const say = (line: string) => this.options.progress?.printLine(line);
    const top = await this.#fetch(digest ?? tag ?? 'latest');
    say(`${digest ?? tag}: Pulling from ${repository}`);
    const { descriptor, bytes, content } = await this.#select(top);
    const { config, layers } = content.document;
    if (config.size > MAX_DOCUMENT) {
      throw new FosterError(`the config of ${this.#name} is too large: ${config.size} bytes`);
    }
    const name = formatReference(
      digest === undefined ? this.reference : { ...this.reference, tag: undefined },
    );
    const isNew = !listImages().some(
      (one) => one.names.includes(name) && one.descriptor.digest === descriptor.digest,
    );
    await downloadBlob(this.registry, config);
    const image = readConfig(readFileSync(blobPath(config.digest)), content.document, this.#name);
    this.#checkPlatform(image);
    await pullLayers(
      { manifest: content.document, config: image },
      {
        maps: defaultIdMaps(),
        progress: undefined,
        ...this.options,
        registry: this.registry,
        abort: this.abort,
      },
    );
    this.#checkPresence([config, ...layers]);
    putBytes(bytes, descriptor.mediaType);
    await tagImage(name, descriptor);
    const familiar = familiarName(this.reference) + (digest === undefined ? `:${tag}` : `@${digest}`);
    say(`Digest: ${top.descriptor.digest}`);
    say(`Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${familiar}`);
    return { names: [name], descriptor, id: config.digest, manifest: content.document, config: image };
  }

  /** The manifest itself, or the one that an index has for the platform. */
  async #select(top: Fetched): Promise<Fetched & { content: { kind: 'manifest' } }> {
    let fetched = top;
    for (let depth = 0; fetched.content.kind === 'index'; depth++) {
      if (depth === MAX_DEPTH) throw new FosterError(`${this.#name} has too many nested indexes`);
      const entry = selectManifest(fetched.content.document, this.#wanted, this.#name);
      if (![...MANIFEST_TYPES, ...INDEX_TYPES].includes(entry.mediaType)) {
        throw new FosterError(`${this.#name} contains a manifest of a type that foster does not support`);
      }
      fetched = await this.#fetch(entry.digest);
      if (fetched.descriptor.size !== entry.size) {
        throw new FosterError(`a manifest of ${this.#name} does not have the size that its index declares`);
      }
    }
    return { ...fetched, content: fetched.content };
  }

  /** @param which a tag or a digest */
  async #fetch(which: string): Promise<Fetched> {
    const isDigest = which.startsWith('sha256:');
    const known = isDigest ? this.#stored(which) : undefined;
    if (known !== undefined) return known;
    const accept = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');
    const response = await this.registry.request('GET', `manifests/${which}`, { headers: { accept } });
    if (response.statusCode !== 200) {
      throw await responseError(`pull ${this.#name}`, response, this.registry.registry);
    }
    const { 'content-type': type, 'docker-content-digest': declared } = response.headers;
    const bytes = await readBody(response, MAX_MANIFEST, `the manifest of ${this.#name}`);
    const expected = isDigest ? which : declared;
    const digest = digestOf(bytes);
    if (typeof expected === 'string' && expected.startsWith('sha256:') && expected !== digest) {
      throw new FosterError(`the manifest of ${this.#name} has the digest ${digest} instead of ${expected}`, {
        advice: 'the registry or the connection is faulty; nothing was kept',
      });
    }
    const content = readManifest(bytes, type, this.#name);
    return { descriptor: { mediaType: content.mediaType, digest, size: bytes.length }, bytes, content };
  }

  /** A manifest that is in the store already, if it is undamaged. */
  #stored(digest: string): Fetched | undefined {
    try {
      const bytes = readFileSync(blobPath(digest));
      if (bytes.length > MAX_MANIFEST || digestOf(bytes) !== digest) return undefined;
      const content = readManifest(bytes, undefined, this.#name);
      return { descriptor: { mediaType: content.mediaType, digest, size: bytes.length }, bytes, content };
    } catch {
      return undefined;
    }
  }

  /** Another command may have removed blobs during the pull. */
  #checkPresence(blobs: Descriptor[]): void {
    const lost = blobs.find((blob) => !hasBlob(blob));
    if (lost === undefined) return;
    throw new FosterError(`${lost.digest} was removed from the store during the pull`, {
      advice: 'pull again',
    });
  }

  /** If there is no index, only the config says what platform the image is for. */
  #checkPlatform(image: Platform): void {
    if (satisfiesPlatform(image, this.#wanted)) return;
    if (this.options.platform !== undefined) throw noSuchPlatform(this.#name, this.#wanted, [image]);
    const { os, architecture } = image;
    this.options.progress?.printLine(
      `WARNING: the image is for ${os}/${architecture}, which this machine is not`,
    );
  }
}
