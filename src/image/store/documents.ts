import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { parseDocument } from './blobs.js';
import {
  type Descriptor,
  type ImageConfig,
  type ImageIndex,
  INDEX_TYPES,
  MANIFEST_TYPES,
  type Manifest,
  MEDIA,
  type Platform,
} from './oci.js';

/** Checks of documents that came from somebody else, before anything in them is used. */

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** More layers than any file system could stack, or than any tool has ever made. */
const MAX_LAYERS = 1000;
const MAX_MANIFESTS = 10_000;

const CONFIG_TYPES: readonly string[] = [MEDIA.config, MEDIA.dockerConfig];

/** Those that "must not be pushed" are layers like others, if only somebody has them: image-spec, "layer.md". */
const LAYER_TYPES =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?)$/;

/** A manifest or an index, told apart. */
export type ManifestDocument =
  | { kind: 'manifest'; mediaType: string; document: Manifest }
  | { kind: 'index'; mediaType: string; document: ImageIndex };

/**
 * Reads a manifest or an index.
 * @param declared the media type that it came with, where there was one
 * @param name of the image, for errors
 * @throws FosterError for a document of another type, or one that is not what its type says
 */
export function readManifest(
  bytes: Uint8Array,
  declared: string | undefined,
  name: string,
): ManifestDocument {
  const raw = parseDocument<Record<string, unknown>>(bytes, `the manifest of ${name}`);
  const mediaType = typeOf(raw, declared);
  // A document that is both could be a different image to different tools: CVE-2021-41190.
  if ('manifests' in raw && ('layers' in raw || 'config' in raw)) {
    throw invalid(name, 'it is a manifest and an index at once');
  }
  if (INDEX_TYPES.includes(mediaType)) {
    return { kind: 'index', mediaType, document: checkIndex(raw, name) };
  }
  if (MANIFEST_TYPES.includes(mediaType)) {
    return { kind: 'manifest', mediaType, document: checkManifest(raw, name) };
  }
  const isOld = raw.schemaVersion === 1;
  throw new FosterError(
    `the manifest of ${name} has the type ${isOld ? "of Docker's schema 1" : quotedType(mediaType)}, which foster does not read`,
    { advice: isOld ? 'have it pushed again by a tool of this decade' : 'is it a container image at all?' },
  );
}

function typeOf(raw: Record<string, unknown>, declared: string | undefined): string {
  if (typeof raw.mediaType === 'string') return raw.mediaType;
  const [type = ''] = (declared ?? '').split(';');
  const isTelling = ![...GENERIC_TYPES].includes(type.trim());
  if (isTelling) return type.trim();
  if (raw.schemaVersion !== 2) return '';
  if (Array.isArray(raw.manifests)) return MEDIA.index;
  return Array.isArray(raw.layers) ? MEDIA.manifest : '';
}

/** Types that say nothing about a manifest. */
const GENERIC_TYPES = new Set(['', 'application/json', 'application/octet-stream', 'text/plain']);

function checkIndex(raw: Record<string, unknown>, name: string): ImageIndex {
  const { manifests } = raw;
  if (!Array.isArray(manifests) || manifests.length > MAX_MANIFESTS) {
    throw invalid(name, 'an index without a list of manifests');
  }
  const annotations = stringsOf(raw.annotations);
  return {
    schemaVersion: 2,
    manifests: manifests.map((entry: unknown) => checkDescriptor(entry, name)),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function checkManifest(raw: Record<string, unknown>, name: string): Manifest {
  const { layers } = raw;
  if (!Array.isArray(layers) || layers.length > MAX_LAYERS) {
    throw invalid(name, Array.isArray(layers) ? `${layers.length} layers` : 'a manifest without layers');
  }
  const config = checkDescriptor(raw.config, name);
  if (!CONFIG_TYPES.includes(config.mediaType)) {
    throw new FosterError(
      `${name} is not a container image, but something of type ${quotedType(config.mediaType)}`,
      { advice: 'use the tool that it is made for' },
    );
  }
  const checked = layers.map((entry: unknown) => checkDescriptor(entry, name));
  const strange = checked.find(({ mediaType }) => !LAYER_TYPES.test(mediaType));
  if (strange !== undefined) throw invalid(name, `a layer of type ${quotedType(strange.mediaType)}`);
  const annotations = stringsOf(raw.annotations);
  return {
    schemaVersion: 2,
    config,
    layers: checked,
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function checkDescriptor(value: unknown, name: string): Descriptor {
  if (typeof value !== 'object' || value === null) throw invalid(name, 'a descriptor is missing');
  const { mediaType, digest, size, platform, annotations } = value as Record<string, unknown>;
  if (typeof mediaType !== 'string') throw invalid(name, 'a descriptor without a media type');
  if (typeof digest !== 'string' || !DIGEST.test(digest)) {
    throw invalid(
      name,
      `the digest ${quotedType(typeof digest === 'string' ? digest : typeof digest)}; foster knows sha256`,
    );
  }
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(name, 'a descriptor without a size');
  const checkedPlatform = platformOf(platform);
  const checkedAnnotations = stringsOf(annotations);
  return {
    mediaType,
    digest,
    size: size as number,
    ...(checkedPlatform === undefined ? {} : { platform: checkedPlatform }),
    ...(checkedAnnotations === undefined ? {} : { annotations: checkedAnnotations }),
  };
}

function platformOf(value: unknown): Platform | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { os, architecture, variant } = value as Record<string, unknown>;
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined;
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
}

function stringsOf(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const pairs = Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return Object.fromEntries(pairs);
}

const isText = (value: unknown) => typeof value === 'string';
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);

/** What each field must be, where it is there and not null. */
type Forms = Readonly<Record<string, (value: unknown) => boolean>>;

const HEALTH_FORMS: Forms = {
  Test: isTexts,
  Interval: isNumber,
  Timeout: isNumber,
  StartPeriod: isNumber,
  Retries: isNumber,
};

/** What an image says of its containers: the `config` of its config. */
export const DEFAULTS_FORMS: Forms = {
  User: isText,
  WorkingDir: isText,
  StopSignal: isText,
  Env: isTexts,
  Entrypoint: isTexts,
  Cmd: isTexts,
  Shell: isTexts,
  Labels: (value) => isObject(value) && Object.values(value as object).every(isText),
  ExposedPorts: isObject,
  Volumes: isObject,
  Healthcheck: (value) => isObject(value) && malformedField(value as object, HEALTH_FORMS) === undefined,
};

const HISTORY_FORMS: Forms = {
  created: isText,
  created_by: isText,
  author: isText,
  comment: isText,
  empty_layer: (value) => typeof value === 'boolean',
};

const CONFIG_FORMS: Forms = {
  created: isText,
  author: isText,
  variant: isText,
  config: isObject,
  history: (value) =>
    Array.isArray(value) &&
    value.every(
      (one: unknown) => isObject(one) && malformedField(one as object, HISTORY_FORMS) === undefined,
    ),
};

/** The first field that is not what it must be; undefined where all are. */
export function malformedField(value: object, forms: Forms): string | undefined {
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.keys(forms).find((name) => {
    const field = fields.get(name);
    return field !== undefined && field !== null && !forms[name]?.(field);
  });
}

/**
 * Reads the config of an image and checks that it goes with its manifest.
 * @throws FosterError
 */
export function readConfig(bytes: Uint8Array, manifest: Manifest, name: string): ImageConfig {
  const config = parseDocument<ImageConfig>(bytes, `the config of ${name}`);
  const diffIds: unknown = config.rootfs?.diff_ids;
  if (typeof config.os !== 'string' || typeof config.architecture !== 'string') {
    throw invalid(name, 'a config that names no platform');
  }
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && DIGEST.test(id))) {
    throw invalid(name, 'a config that does not name the layers');
  }
  const problem = malformedField(config, CONFIG_FORMS) ?? malformedField(config.config ?? {}, DEFAULTS_FORMS);
  if (problem !== undefined) throw invalid(name, `a config whose ${problem} is not of the right form`);
  if (diffIds.length !== manifest.layers.length) {
    throw invalid(name, `${manifest.layers.length} layers, of which the config names ${diffIds.length}`);
  }
  return config;
}

function invalid(name: string, problem: string): FosterError {
  return new FosterError(`the image ${name} is invalid: ${problem}`, {
    advice: 'the image or the registry is faulty; nothing of it was used',
  });
}

function quotedType(type: string): string {
  return `'${visible(type.slice(0, 100))}'`;
}
