import { isVolumeName } from '../spec/names.js';
import type {
  Attached,
  Beneath,
  HealthCheck,
  Hook,
  InitContainer,
  Limits,
  LogOptions,
  PortMapping,
  VolumeOptions,
  WantedNetwork,
  Written,
} from '../spec/request.js';
import type { RootDriver } from '../spec/storage-driver.js';
import type { Mount, NamespaceType, Spec } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { containerFolder, volumeData } from '../sys/paths.js';
import type { NetworkFiles } from './host-facts.js';

/**
 * The content of a `config.json`, or undefined if it is cut short or damaged. The check covers the fields that commands
 * need to list and remove containers, and those that become part of a path. The rest is trusted.
 */
export function parseRecord(text: string): ContainerRecord | undefined {
  const value = parseObject(text);
  return isRecord(value) ? value : undefined;
}

/** As `parseRecord` and `parseRecordLate` read it: the Spec, nine tenths of the text, comes last, and the name before it. */
export function recordJson({ name, spec, ...rest }: ContainerRecord): string {
  return JSON.stringify({ ...rest, name, spec });
}

/** Where the Spec begins. In a string there would be a backslash before each quotation mark. */
const SPEC = /(?<=,"name":"[\w.-]*"),"spec":\{/;

/**
 * As `parseRecord`, for a list of many: the Spec is parsed when it is first asked for.
 * @throws FosterError (the getter of `spec`) if the Spec is damaged, although the text is not cut short
 */
export function parseRecordLate(text: string): ContainerRecord | undefined {
  // older versions of foster wrote the name, among others, behind the Spec
  const at = text.search(SPEC);
  const head = at > 0 && text.endsWith('}}') ? parseObject(`${text.slice(0, at)}}`) : undefined;
  if (!isHead(head)) return parseRecord(text);
  return Object.defineProperties(head as LateRecord, {
    [TEXT]: { value: text, writable: true },
    spec: LATE_SPEC,
  });
}

const TEXT = Symbol('text of the record');

type LateRecord = ContainerRecord & { [TEXT]: string | undefined };

/** The same getter for all records: with one for each, V8 would keep a hidden class for each, and its text with it. */
const LATE_SPEC = {
  enumerable: true,
  configurable: true,
  get(this: LateRecord): Spec {
    const spec = parseRecord(this[TEXT] ?? '')?.spec;
    if (spec === undefined) throw damagedRecord(this.id);
    Object.defineProperty(this, 'spec', { value: spec, writable: true });
    this[TEXT] = undefined;
    return spec;
  },
};

function damagedRecord(id: string): FosterError {
  const short = id.slice(0, 12);
  return new FosterError(`the record of container ${short} is damaged`, {
    advice: `'foster rm -f ${short}' removes it`,
    exitCode: 1,
  });
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is ContainerRecord {
  return isObject(value) && isObject(value.spec) && isSpec(value.spec) && isHead(value);
}

/** All but the Spec. */
function isHead(value: unknown): value is Omit<ContainerRecord, 'spec'> {
  if (!isObject(value)) return false;
  const { id, name, created, root, command, labels, network, logging, volumes = [] } = value;
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
    isVolumes(volumes)
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

/** What was requested by an option or, without it, by the image. */
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
  /** Bind mounts on the way to whose source no link is followed. */
  beneath?: (Beneath & { destination: string })[];
  privileged: boolean;
  cidfile?: string;
  pidfile?: string;
  /** The streams that were attached to the command that created it. */
  attached: Attached;
  /** Whether all ports that its image exposes are published. */
  publishAll?: true;
  /** Whether the image's health check is ignored. */
  noHealthcheck?: true;
}

/** A volume that a container uses. */
export interface VolumeUse extends VolumeOptions {
  name: string;
  /** Absolute path in the container. */
  destination: string;
  /** Set if it is made for this container and has a random name. */
  isNew?: true;
  /** Set if its destination was chosen by an image or another container, not by the user. */
  isGuarded?: true;
}

/** The definition of a container, `config.json` in its folder. */
export interface ContainerRecord {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** ISO 8601. */
  created: string;
  /** ROOT as it was given. */
  root: string;
  /**
   * The image that it was made from: its full name, the digests of its manifest and its config (`id`, which older versions
   * of foster did not store), and its unpacked layers, the uppermost first.
   */
  image?: { name: string; digest: string; id?: string; layers: string[] };
  /** The storage driver of its files; an overlay by default. */
  driver?: RootDriver;
  command: string[];
  /** The ports that the image exposes: `80/tcp`. */
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
  /** Whether newuidmap(1) and newgidmap(1) must write the id maps. */
  usesMapHelpers: boolean;
  /** Whether the caller's own ids are mapped in the container. */
  isCallerMapped: boolean;
  /** Whether its root is a directory of the host whose files get other ids in the container. */
  isRootShifted?: boolean;
  /** False if the groups are mapped without privileges, which forbids setgroups(2): user_namespaces(7). */
  canSetGroups: boolean;
  /** Id of the container whose user and PID namespaces it shares. */
  joins?: string;
  /** Id of its pod. */
  pod?: string;
  /** Its pod is stopped when it was the last of the pod's containers that ran. */
  endsPod?: true;
  /** The id of the first pod of its Job: its failures are counted there, together with those of all other containers of the Job. */
  job?: string;
  /** It is started before the other containers of its pod. */
  initContainer?: InitContainer;
  /** It has no program and no files: it holds the namespaces of its pod. */
  isInfra?: true;
  /** Namespaces that it shares with another container, the pod's infra container, besides the user namespace. */
  shares?: { of: string; types: NamespaceType[] };
  /** Its user namespace is below that of networks, although it is in none, because containers that share it may be. */
  isBelowNetworks?: true;
  interactive: boolean;
  signalGroup: boolean;
  /** What /etc/hosts and the like are made from. */
  network: NetworkFiles;
  /** foster's networks that it is attached to, in the order of its interfaces. */
  networks?: WantedNetwork[];
  /** Id of the container whose network and user namespaces it shares. */
  sharesNetwork?: string;
  /** The path of a network namespace that it joins, with the user namespace that owns that one. */
  joinsNetwork?: string;
  /** Options of the pasta(1) that connects it alone. */
  pasta?: string[];
  /** Ports of the host that lead to it. */
  published?: PortMapping[];
  logging: LogOptions;
  health?: HealthCheck;
  /** Checks beside that one, which is what others see. */
  probes?: HealthCheck[];
  postStart?: Hook;
  preStop?: Hook;
  /** The volumes that it uses. */
  volumes?: VolumeUse[];
  /** How its limits were requested. The limits themselves are in the Spec. */
  limits?: Omit<Limits, 'resources'>;
  /** Requested options that are not in the Spec, for `inspect`. Older versions of foster did not store them. */
  asked?: Asked;
  spec: Spec;
}

/** The container whose namespaces a container shares, and which they are, besides the user namespace. */
export function sharesOf({
  shares,
  joins,
  sharesNetwork,
}: Pick<ContainerRecord, 'shares' | 'joins' | 'sharesNetwork'>): ContainerRecord['shares'] {
  if (shares !== undefined) return shares;
  if (joins !== undefined) return { of: joins, types: ['pid'] };
  return sharesNetwork === undefined ? undefined : { of: sharesNetwork, types: ['network'] };
}

/** The error of a command that needs the files of a container. */
export function hasNoFiles({ name }: ContainerRecord): FosterError {
  return new FosterError(`container ${name} has no files: it only holds the namespaces of its pod`, {
    kind: 'unsupported',
    advice: "'foster ps --pod' lists the other containers of the pod",
    exitCode: 1,
  });
}

/** The infra container that a container joins, and with which it ends. */
export function joinedPod(record: Pick<ContainerRecord, 'shares'> | undefined): string | undefined {
  return record?.shares?.of;
}

/** The read-only layers below the container's own layer, the uppermost first. */
export function layersOf({ image, spec }: Pick<ContainerRecord, 'image' | 'spec'>): string[] {
  return image?.layers ?? [spec.root.path];
}

/** The mounts of volumes. In older versions of foster, anonymous volumes were in the container's folder. */
export function volumesOf({
  id,
  spec,
  volumes = [],
}: Pick<ContainerRecord, 'id' | 'spec' | 'volumes'>): Mount[] {
  const isOld = (source: string) =>
    source.includes(`/${id}/volumes/`) && source.startsWith(`${containerFolder(id)}/volumes/`);
  const places = new Set(volumes.map(({ destination }) => destination));
  return spec.mounts.filter(({ source, destination }) => places.has(destination) || isOld(source));
}

/** The mounts of anonymous volumes that were made for the container. */
export function anonymousVolumesOf(record: Pick<ContainerRecord, 'id' | 'spec' | 'volumes'>): Mount[] {
  return volumesOf(record).filter(({ destination }) => {
    const use = volumeAt(record, destination);
    return use === undefined || use.isNew === true;
  });
}

/** The volume of a mount; undefined if the mount is not one of a volume. */
export function volumeAt(
  { volumes = [] }: Pick<ContainerRecord, 'volumes'>,
  destination: string,
): VolumeUse | undefined {
  return volumes.find((volume) => volume.destination === destination);
}

/**
 * The volumes and folders of the host of which only a part is mounted, by destination: what they are called, their folder, and the path in
 * it. A container can change what is in the folder, so folder and path are never resolved as one path.
 */
export function subpathsOf({
  volumes = [],
  asked,
}: Pick<ContainerRecord, 'volumes' | 'asked'>): Map<string, Beneath & { of: string }> {
  const parts = volumes.flatMap(({ name, destination, subpath }): [string, Beneath & { of: string }][] =>
    subpath === undefined
      ? []
      : [[destination, { of: `volume ${name}`, top: volumeData(name), path: subpath }]],
  );
  for (const { destination, top, path } of asked?.beneath ?? [])
    parts.push([destination, { of: top, top, path }]);
  return new Map(parts);
}
