import type {
  Attached,
  HealthCheck,
  LogOptions,
  PortMapping,
  WantedNetwork,
  Written,
} from '../spec/request.js';
import type { RootDriver } from '../spec/storage-driver.js';
import type { Mount, Spec } from '../spec/types.js';
import { volumesFolder } from '../sys/paths.js';
import type { NetworkFiles } from './host-facts.js';

/**
 * The content of a `config.json`, or undefined where it is cut short or damaged. What commands that only list and
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
  const { id, name, created, root, command, labels, network, logging, spec } = value;
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** What was asked for by options, and by the image where there was no option. */
export interface Asked extends Written {
  user: string;
  entrypoint?: string[];
  cmd?: string[];
  onBuild?: string[];
  groups: string[];
  devices: Mount[];
  timezone?: string;
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
  /** How its files come about; an overlay where nothing is said. */
  driver?: RootDriver;
  command: string[];
  /** `80/tcp`: those that the image exposes. */
  ports?: string[];
  labels: Record<string, string>;
  /** Remove it when it ends. */
  rm: boolean;
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
  /** Ports of the host that lead to it. */
  published?: PortMapping[];
  logging: LogOptions;
  health?: HealthCheck;
  /** As it was asked for, where the Spec does not say it: for `inspect`. An older foster did not keep it. */
  asked?: Asked;
  spec: Spec;
}

/** The read-only layers below what the container writes, the uppermost first. */
export function layersOf({ image, spec }: Pick<ContainerRecord, 'image' | 'spec'>): string[] {
  return image?.layers ?? [spec.root.path];
}

/** The anonymous volumes: folders of the container's own. */
export function volumesOf({ id, spec }: Pick<ContainerRecord, 'id' | 'spec'>): Mount[] {
  const folder = `${volumesFolder(id)}/`;
  return spec.mounts.filter(({ source }) => source.startsWith(folder));
}
