import { isVolumeName } from '../spec/names.js';
import type {
  Attached,
  HealthCheck,
  Limits,
  LogOptions,
  PortMapping,
  VolumeOptions,
  WantedNetwork,
  Written,
} from '../spec/request.js';
import type { RootDriver } from '../spec/storage-driver.js';
import type { Mount, Spec } from '../spec/types.js';
import { containerFolder, volumeData } from '../sys/paths.js';
import type { NetworkFiles } from './host-facts.js';

/**
 * The content of a `config.json`, or undefined if it is cut short or damaged. What commands that only list and
 * remove containers look at is checked, and what becomes part of a path; the rest is as foster has written it.
 */
export function parseRecord(text: string): ContainerRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is ContainerRecord {
  if (!isObject(value) || !isObject(value.spec)) return false;
  const { id, name, created, root, command, labels, network, logging, spec, volumes = [] } = value;
  return (
    typeof id === 'string' &&
    typeof name === 'string' &&
    /^[\w][\w.-]*$/.test(name) &&
    typeof created === 'string' &&
    typeof root === 'string' &&
    isStrings(command) &&
    isObject(labels) &&
    isStrings(Object.values(labels)) &&
    isObject(network) &&
    isObject(logging) &&
    isVolumes(volumes) &&
    isSpec(spec)
  );
}

function isSpec({ process: program, root, mounts, linux }: Record<string, unknown>): boolean {
  return (
    isObject(program) &&
    isStrings(program.args) &&
    isStrings(program.env) &&
    isObject(root) &&
    isObjects(mounts) &&
    isObject(linux) &&
    isObjects(linux.namespaces) &&
    isObjects(linux.uidMappings) &&
    isObjects(linux.gidMappings)
  );
}

function isVolumes(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (one) =>
        isObject(one) &&
        typeof one.name === 'string' &&
        isVolumeName(one.name) &&
        typeof one.destination === 'string',
    )
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** What the options asked for, or the image if there was no option. */
export interface Asked extends Written {
  user: string;
  entrypoint?: string[];
  cmd?: string[];
  onBuild?: string[];
  groups: string[];
  devices: Mount[];
  timezone?: string;
  /** Destinations of mounts whose files must have the ids on the host that the container sees. */
  idmapped?: string[];
  privileged: boolean;
  cidfile?: string;
  pidfile?: string;
  /** The streams that the command which made it had attached. */
  attached: Attached;
  /** All ports that its image exposes are published. */
  publishAll?: true;
  /** Whether the image's health check was left out. */
  noHealthcheck?: true;
}

/** A volume that a container uses. */
export interface VolumeUse extends VolumeOptions {
  name: string;
  /** Absolute path in the container. */
  destination: string;
  /** It is made for this container, and has a random name. */
  isNew?: true;
  /** Its place was not chosen by who made this container: an image, or another container, has it there. */
  isGuarded?: true;
}

/** What a container is, for as long as it exists: `config.json` in its folder. Written once. */
export interface ContainerRecord {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** ISO 8601. */
  created: string;
  /** ROOT as the person gave it. */
  root: string;
  /**
   * The image that it was made from: its whole name, the digests of its manifest and its config (an older foster did not
   * keep that one), its unpacked layers, uppermost first.
   */
  image?: { name: string; digest: string; id?: string; layers: string[] };
  /** The storage driver of its files; an overlay by default. */
  driver?: RootDriver;
  command: string[];
  /** `80/tcp`: those that the image exposes. */
  ports?: string[];
  labels: Record<string, string>;
  /** Remove it when it ends. */
  rm: boolean;
  /** Remove its image, too, unless other containers use it. */
  removesImage?: true;
  init: boolean;
  stopSignal: number;
  /** Seconds. */
  stopTimeout: number;
  /** Seconds after its start at which it is killed. */
  timeLimit?: number;
  /** Whether newuidmap(1) and newgidmap(1) wrote the maps. */
  usesMapHelpers: boolean;
  /** Whether the caller's own ids mean something in the container. */
  isCallerMapped: boolean;
  /** Its root is a directory of the host's whose files get other ids in the container. */
  isRootShifted?: boolean;
  /** setgroups(2) is denied where groups were mapped without privilege: user_namespaces(7). */
  canSetGroups: boolean;
  /** Id of the container whose user and PID namespaces it is in. */
  joins?: string;
  interactive: boolean;
  signalGroup: boolean;
  /** What becomes /etc/hosts and the like. */
  network: NetworkFiles;
  /** The networks of foster's that it is attached to, in the order of its interfaces. */
  networks?: WantedNetwork[];
  /** Id of the container whose network and user namespaces it is in. */
  sharesNetwork?: string;
  /** The path of a network namespace that it joins, with the user namespace that owns that one. */
  joinsNetwork?: string;
  /** Options of the pasta(1) that connects it alone. */
  pasta?: string[];
  /** Ports of the host that lead to it. */
  published?: PortMapping[];
  logging: LogOptions;
  health?: HealthCheck;
  /** The volumes that it uses. */
  volumes?: VolumeUse[];
  /** How its limits were asked for; what they are is in the Spec. */
  limits?: Omit<Limits, 'resources'>;
  /** What was requested and is not in the Spec: for `inspect`. Older versions of foster did not keep it. */
  asked?: Asked;
  spec: Spec;
}

/** The read-only layers below what the container writes, the uppermost first. */
export function layersOf({ image, spec }: Pick<ContainerRecord, 'image' | 'spec'>): string[] {
  return image?.layers ?? [spec.root.path];
}

/** The mounts of volumes. An older foster had anonymous volumes in the container's folder. */
export function volumesOf({
  id,
  spec,
  volumes = [],
}: Pick<ContainerRecord, 'id' | 'spec' | 'volumes'>): Mount[] {
  const old = `${containerFolder(id)}/volumes/`;
  const places = new Set(volumes.map(({ destination }) => destination));
  return spec.mounts.filter(({ source, destination }) => places.has(destination) || source.startsWith(old));
}

/** The mounts of anonymous volumes that were made for the container. */
export function anonymousVolumesOf(record: Pick<ContainerRecord, 'id' | 'spec' | 'volumes'>): Mount[] {
  return volumesOf(record).filter(({ destination }) => {
    const use = volumeAt(record, destination);
    return use === undefined || use.isNew === true;
  });
}

/** The volume that a mount of a container shows; undefined for another mount. */
export function volumeAt(
  { volumes = [] }: Pick<ContainerRecord, 'volumes'>,
  destination: string,
): VolumeUse | undefined {
  return volumes.find((volume) => volume.destination === destination);
}

/**
 * The volumes of which only a part is mounted: by destination, their name, the folder of their files, and the path in it. A
 * container can change what is in the folder, so the two are never looked up as one path.
 */
export function subpathsOf({
  volumes = [],
}: Pick<ContainerRecord, 'volumes'>): Map<string, { name: string; top: string; path: string }> {
  return new Map(
    volumes.flatMap(({ name, destination, subpath }) =>
      subpath === undefined ? [] : [[destination, { name, top: volumeData(name), path: subpath }]],
    ),
  );
}
