import { buildImage } from '../build/build.js';
import { collect, collectOnFailure } from '../container/image-use.js';
import { removeImage } from '../container/remove-image.js';
import { loadImages } from '../image/archive/load.js';
import { saveImages } from '../image/archive/save.js';
import { findSavedImages } from '../image/archive/saved-images.js';
import { pullImage } from '../image/registry/pull.js';
import type { RegistryAccess } from '../image/registry/registry.js';
import { getImage, listImages, type StoredImage } from '../image/store/images.js';
import { lockStore } from '../image/store/lock.js';
import { formatReference, parseReference } from '../image/store/reference.js';
import { surroundings } from '../sys/surroundings.js';
import type {
  BuildOptions,
  ImageInfo,
  LoadOptions,
  PullOptions,
  RegistryOptions,
  SaveOptions,
} from './types.js';

export async function pull(name: string, options: PullOptions): Promise<ImageInfo> {
  const { printLine } = surroundings();
  const access = accessOf(options);
  const { platform } = options;
  const progress = { printLine: printLine, stream: undefined };
  return infoOf(await pullImage(parseReference(name), { ...access, platform, progress }));
}

export async function build(options: BuildOptions): Promise<ImageInfo> {
  const { printLine, warn } = surroundings();
  const request = {
    context: options.context,
    file: options.file,
    tags: (options.tags ?? []).map((tag) => formatReference(parseReference(tag))),
    buildArgs: new Map(Object.entries(options.buildArgs ?? {})),
    target: options.target,
    useCache: options.cache ?? true,
    pull: options.pull ?? false,
    labels: { ...options.labels },
    network: options.network ?? 'none',
    timestamp: options.timestamp,
    isQuiet: false,
    iidfile: undefined,
    platform: undefined,
    secrets: new Map(Object.entries(options.secrets ?? {}).map(([id, value]) => [id, Buffer.from(value)])),
    access: accessOf(options),
  };
  const id = await collectOnFailure(() => buildImage(request, { printLine: printLine, warn }));
  return infoOf(getImage(id));
}

export async function load({ input, platform }: LoadOptions): Promise<ImageInfo[]> {
  const loaded = await collectOnFailure(() => loadImages(input, platform === undefined ? {} : { platform }));
  return loaded.map(({ id }) => infoOf(getImage(id)));
}

export async function save(names: readonly string[], options: SaveOptions): Promise<void> {
  await lockStore();
  await saveImages(findSavedImages([...names]), options.format ?? 'docker-archive', options.output);
}

export async function remove(name: string, force: boolean): Promise<void> {
  await removeImage(name, { force });
  await collect();
}

export function list(): ImageInfo[] {
  return listImages().map(infoOf);
}

function infoOf({ id, names, descriptor, config }: StoredImage): ImageInfo {
  return {
    id,
    names,
    digest: descriptor.digest,
    created: config.created === undefined ? undefined : new Date(config.created),
    platform: [config.os, config.architecture, config.variant].filter(Boolean).join('/'),
  };
}

function accessOf({ tlsVerify = true, credentials }: RegistryOptions): RegistryAccess {
  return { tlsVerify, creds: credentials && { ...credentials, source: 'the options of the call' } };
}
