/** What `foster view` shows at one moment, as tables of plain rows: the page and a recording get them, and what changes in them. */

/** A row that is sent as JSON. A field that may be missing is optional, never null: null says that it is gone (patch.ts). */
export interface ContainerRow {
  name: string;
  image: string;
  status: string;
  /** The host's pid of PID 1; 0 if it does not run. */
  hostPid: number;
  /** Percent of one CPU, to one decimal place. */
  cpu: number;
  /** Bytes. */
  memory: number;
  adopted?: number;
  reaped?: number;
  /** Set if the kernel has killed a process in this run, because the container has used up its memory. */
  isOomKilled?: true;
  /** `bridge`, `none`, `host`, `container NAME`: how it is connected. */
  network?: string;
  /** Ports of the host that lead to it. */
  ports?: PortRow[];
}

export interface PortRow {
  /** `0.0.0.0:8080` */
  host: string;
  /** `80/tcp` */
  container: string;
}

export interface ProcessRow {
  /** The id of its container. */
  container: string;
  hostPid: number;
  /** In the container; missing if it has just ended. */
  pid?: number;
  /** In clock ticks since boot. */
  start: number;
  /** The host's pid of its parent. */
  parent: number;
  name: string;
  command: string;
  /** One letter: src/watch/model.ts. */
  state: string;
  threads: number;
  /** Percent of one CPU, to one decimal place. */
  cpu: number;
  /** Bytes. */
  memory: number;
  isExec?: true;
  isAdopted?: true;
  /** A key in the table of namespaces; missing if they could not be read. */
  namespaces?: string;
}

/** The inodes of the namespaces of a process, by their names in /proc/PID/ns. */
export type NamespaceRow = Record<string, number>;

export interface LayerRow {
  /** What made it: an instruction of a Dockerfile, a folder of the host. */
  title: string;
  /** Bytes; missing if it was not counted. */
  size?: number;
  /** `A /path`, `C /path` or `D /path` each, at most MOST_CHANGES. */
  changes: string[];
  /** How many changes are not listed; missing if all are. */
  more?: number;
  /** Set for the container's own layer, which it writes to. */
  isOwn?: true;
}

/** The uppermost first. */
export interface StackRow {
  driver: string;
  layers: LayerRow[];
}

export interface NetworkRow {
  /** `10.88.0.0/16` */
  subnets: string[];
  gateways: string[];
  isInternal: boolean;
}

/** An interface of a container. */
export interface EndpointRow {
  container: string;
  network: string;
  /** `eth0` */
  name: string;
  addresses: string[];
  mac: string;
}

export interface PlanRow {
  phases: { title: string; steps: { number: number; why: string; calls: string[] }[] }[];
}

/** Tables by their names, rows by their keys. */
export interface Scene {
  /** By id. */
  containers: Map<string, ContainerRow>;
  /** By pid and start. */
  processes: Map<string, ProcessRow>;
  /** By the inodes, and those of the process that looks as `host`. */
  namespaces: Map<string, NamespaceRow>;
  /** By the id of the container. */
  stacks: Map<string, StackRow>;
  networks: Map<string, NetworkRow>;
  endpoints: Map<string, EndpointRow>;
  /** By the id of the container. */
  plans: Map<string, PlanRow>;
}

/** The key of the namespaces of the process that looks. */
export const HOST = 'host';

export function emptyScene(): Scene {
  return {
    containers: new Map(),
    processes: new Map(),
    namespaces: new Map(),
    stacks: new Map(),
    networks: new Map(),
    endpoints: new Map(),
    plans: new Map(),
  };
}

/** Something that has happened, in words that a page can translate. */
export interface SceneEvent {
  /** Milliseconds since 1970. */
  at: number;
  type: EventType;
  /** The name of the container. */
  container: string;
  /** The process that it is about. */
  process?: EventProcess;
  /** Its parent, for `adopt` the new one. */
  parent?: EventProcess;
  /** For `adopt`, who has left it, if that was seen; for `exec`, the name before. */
  from?: string;
}

export interface EventProcess {
  hostPid: number;
  pid?: number;
  name: string;
}

export type EventType =
  | 'up'
  | 'down'
  | 'start'
  | 'exec'
  | 'adopt'
  | 'zombie'
  | 'reap'
  | 'exit'
  | 'stop'
  | 'continue'
  | 'oom';
