import type { Config } from '../spec/oci/config.js';
import { list, object, oneOf, type Part, pattern, type Reader, text } from '../spec/oci/reader.js';
import type { HostEntry } from '../spec/request.js';
import { parseStorageDriver, type StorageDriver } from '../spec/storage-driver.js';
import type { Spec } from '../spec/types.js';
import type { NetworkFiles } from './host-facts.js';
import type { ContainerRecord } from './record.js';

/**
 * Properties that the runtime-spec has no fields for, stored as annotations in a config.json. With them, a container can be
 * made from the Spec of another one, which `foster inspect` shows.
 */
const NAMES = {
  /** How the container gets its files; without it, it writes to `root.path` itself. */
  storage: 'io.foster.storage',
  /** The image that the layers belong to: as in ContainerRecord, in JSON. */
  image: 'io.foster.image',
  /** What /etc/hosts and the like are made from: NetworkFiles, in JSON. */
  network: 'io.foster.network',
} as const;

export interface Annotated {
  driver?: StorageDriver;
  image?: NonNullable<ContainerRecord['image']>;
  network?: NetworkFiles;
}

const absolute = pattern(/^\//, 'an absolute path');

const image = object<NonNullable<ContainerRecord['image']>>(
  { name: text, digest: text, id: text, layers: list(absolute) },
  'name',
  'digest',
  'layers',
);

const network = object<NetworkFiles>(
  {
    hostname: text,
    domainname: text,
    network: oneOf('none', 'host', 'bridge', 'container', 'ns', 'pasta'),
    dns: list(text),
    dnsSearch: list(text),
    dnsOptions: list(text),
    without: list(text),
    addHosts: list(object<HostEntry>({ name: text, address: text }, 'name', 'address')),
  },
  'hostname',
  'network',
  'dns',
  'addHosts',
);

/** @throws FosterError */
export function readAnnotations({ annotations = {} }: Config): Annotated {
  const driver = annotations[NAMES.storage];
  return {
    ...(driver !== undefined && { driver: parseStorageDriver(pathOf(NAMES.storage), driver) }),
    ...readJson('image', image, annotations),
    ...readJson('network', network, annotations),
  };
}

function readJson<K extends 'image' | 'network', T>(
  name: K,
  reader: Reader<T>,
  annotations: Record<string, string>,
): { [key in K]?: T } {
  const document = annotations[NAMES[name]];
  if (document === undefined) return {};
  const part: Part = { value: undefined, path: pathOf(NAMES[name]), unknown: [] };
  try {
    part.value = JSON.parse(document);
  } catch {
    // the reader reports what it expects
  }
  return { [name]: reader(part) } as { [key in K]?: T };
}

function pathOf(name: string): string {
  return `annotations[${JSON.stringify(name)}]`;
}

/** The Spec of a container, as a config.json that makes the same container again. */
export function withAnnotations({ spec, driver = 'overlay', image, network }: ContainerRecord): Spec {
  if (driver === 'in-place') return spec;
  return {
    ...spec,
    annotations: {
      ...spec.annotations,
      [NAMES.storage]: driver,
      ...(image && { [NAMES.image]: JSON.stringify(image) }),
      [NAMES.network]: JSON.stringify(network),
    },
  };
}
