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

/** Validates documents from outside before anything in them is used. */

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** More layers than any file system can stack, or any tool makes. */
const MAX_LAYERS = 1000;
const MAX_MANIFESTS = 10_000;

const CONFIG_TYPES: readonly string[] = [MEDIA.config, MEDIA.dockerConfig];

/** Nondistributable layers are layers like others, if they can be had: image-spec, "layer.md". */
const LAYER_TYPES =
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:\.gzip|\.zstd)?)$/;

/** A manifest or an index. */
export type ManifestDocument =
  | { kind: 'manifest'; mediaType: string; document: Manifest }
  | { kind: 'index'; mediaType: string; document: ImageIndex };

/**
 * Parses and validates a manifest or an index.
 * @param declared the media type that it was served with, if any
 * @param name of the image, for errors
 * @throws FosterError for a document of another type, or an invalid one
 */
export function readManifest(
  bytes: Uint8Array,
  declared: string | undefined,
  name: string,
): ManifestDocument {
  const raw = parseDocument<Record<string, unknown>>(bytes, `the manifest of ${name}`);
  const mediaType = typeOf(raw, declared);
  // Different tools could see different images in a document that is both: CVE-2021-41190.
  if ('manifests' in raw && ('layers' in raw || 'config' in raw)) {
    throw invalid(name, 'it is both a manifest and an index');
  }
  if (INDEX_TYPES.includes(mediaType)) {
    return { kind: 'index', mediaType, document: checkIndex(raw, name) };
  }
  if (MANIFEST_TYPES.includes(mediaType)) {
    return { kind: 'manifest', mediaType, document: checkManifest(raw, name) };
  }
  const isOld = raw.schemaVersion === 1;
  throw new FosterError(
    `the manifest of ${name} has the type ${isOld ? "of Docker's schema 1" : quotedType(mediaType)}, which foster does not support`,
    { advice: isOld ? 'push it again with a current tool' : 'check that it is a container image' },
  );
}

function typeOf(raw: Record<string, unknown>, declared: string | undefined): string {
  if (typeof raw.mediaType === 'string') return raw.mediaType;
  const [type = ''] = (declared ?? '').split(';');
  const isSpecific = ![...GENERIC_TYPES].includes(type.trim());
  if (isSpecific) return type.trim();
  if (raw.schemaVersion !== 2) return '';
  if (Array.isArray(raw.manifests)) return MEDIA.index;
  return Array.isArray(raw.layers) ? MEDIA.manifest : '';
}

/** Media types that are not specific to manifests. */
const GENERIC_TYPES = new Set(['', 'application/json', 'application/octet-stream', 'text/plain']);

function checkIndex(raw: Record<string, unknown>, name: string): ImageIndex {
  const { manifests } = raw;
  if (!Array.isArray(manifests) || manifests.length > MAX_MANIFESTS) {
    throw invalid(name, 'its index has no list of manifests');
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
    throw invalid(
      name,
      Array.isArray(layers) ? `it has ${layers.length} layers` : 'its manifest has no layers',
    );
  }
  const config = checkDescriptor(raw.config, name);
  if (!CONFIG_TYPES.includes(config.mediaType)) {
    throw new FosterError(
      `${name} is not a container image: its config has the type ${quotedType(config.mediaType)}`,
      { advice: 'use the tool that it was made for' },
    );
  }
  const checked = layers.map((entry: unknown) => checkDescriptor(entry, name));
  const strange = checked.find(({ mediaType }) => !LAYER_TYPES.test(mediaType));
  if (strange !== undefined) throw invalid(name, `a layer has the type ${quotedType(strange.mediaType)}`);
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
  if (typeof mediaType !== 'string') throw invalid(name, 'a descriptor has no media type');
  if (typeof digest !== 'string' || !DIGEST.test(digest)) {
    throw invalid(
      name,
      `the digest ${quotedType(typeof digest === 'string' ? digest : typeof digest)}; foster supports sha256`,
    );
  }
  if (!Number.isSafeInteger(size) || (size as number) < 0)
    throw invalid(name, 'a descriptor has no valid size');
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
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText);
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);

/** A check for each field, which applies if it is present and not null. */
type FieldChecks = Readonly<Record<string, (value: unknown) => boolean>>;

const HEALTH_CHECKS: FieldChecks = {
  Test: isTextList,
  Interval: isNumber,
  Timeout: isNumber,
  StartPeriod: isNumber,
  StartInterval: isNumber,
  Retries: isNumber,
};

/** Defaults for containers of an image: the `config` field of its config. */
export const DEFAULTS_CHECKS: FieldChecks = {
  User: isText,
  WorkingDir: isText,
  StopSignal: isText,
  Env: isTextList,
  Entrypoint: isTextList,
  Cmd: isTextList,
  Shell: isTextList,
  Labels: (value) => isObject(value) && Object.values(value as object).every(isText),
  ExposedPorts: isObject,
  Volumes: isObject,
  Healthcheck: (value) => isObject(value) && malformedField(value as object, HEALTH_CHECKS) === undefined,
};

const HISTORY_CHECKS: FieldChecks = {
  created: isText,
  created_by: isText,
  author: isText,
  comment: isText,
  empty_layer: (value) => typeof value === 'boolean',
};

const CONFIG_CHECKS: FieldChecks = {
  created: isText,
  author: isText,
  variant: isText,
  config: isObject,
  history: (value) =>
    Array.isArray(value) &&
    value.every(
      (one: unknown) => isObject(one) && malformedField(one as object, HISTORY_CHECKS) === undefined,
    ),
};

/** The name of the first field with an invalid value, if any. */
export function malformedField(value: object, forms: FieldChecks): string | undefined {
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.keys(forms).find((name) => {
    const field = fields.get(name);
    return field !== undefined && field !== null && !forms[name]?.(field);
  });
}

/**
 * Parses and validates the config of an image, and checks that it matches its manifest.
 * @throws FosterError
 */
export function readConfig(bytes: Uint8Array, manifest: Manifest, name: string): ImageConfig {
  const config = parseDocument<ImageConfig>(bytes, `the config of ${name}`);
  const diffIds: unknown = config.rootfs?.diff_ids;
  if (typeof config.os !== 'string' || typeof config.architecture !== 'string') {
    throw invalid(name, 'its config has no platform');
  }
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && DIGEST.test(id))) {
    throw invalid(name, 'its config does not list the layers');
  }
  const problem =
    malformedField(config, CONFIG_CHECKS) ?? malformedField(config.config ?? {}, DEFAULTS_CHECKS);
  if (problem !== undefined) throw invalid(name, `${problem} in its config has the wrong type`);
  if (diffIds.length !== manifest.layers.length) {
    throw invalid(name, `it has ${manifest.layers.length} layers, and its config lists ${diffIds.length}`);
  }
  return config;
}

function invalid(name: string, problem: string): FosterError {
  return new FosterError(`the image ${name} is invalid: ${problem}`, {
    advice: 'the image or the registry is faulty; nothing was kept',
  });
}

function quotedType(type: string): string {
  return `'${visible(type.slice(0, 100))}'`;
}
