import type { RootDriver } from '../spec/storage-driver.js';
import type { NamespaceType } from '../spec/types.js';
import { wire } from '../sys/wire-constants.js';
import type { CgroupPlan } from './cgroup/result.js';
import type { MapHelpers } from './id-maps.js';
import type { StartProgram } from './step.js';

/** Facts about the host and the container's files, for a plan. Plain data: see container/host-facts.ts. */
export interface PlanFacts {
  /** Paths on the host: the source of the root filesystem, and the container's own folder. */
  storage: {
    /** `copy`: the container's folder has `tree`, a copy of the layers. `in-place`: the only layer is writable. */
    driver: RootDriver;
    /** Absolute path of fuse-overlayfs, if that is the driver. */
    program?: string;
    /** Read-only layers, topmost first. */
    layers: string[];
    /** Whether the only layer is a directory of the host whose files should belong to the container's users. */
    isShifted?: boolean;
    /** Whether what an overlay's files have become may be lost if the machine crashes, because they are removed anyway. */
    isVolatile?: boolean;
    container: string;
  };
  /** False if groups were mapped without privileges, so that setgroups(2) is denied: user_namespaces(7). */
  canSetGroups: boolean;
  /** Paths of newuidmap and newgidmap, if they write the id maps. */
  mapHelpers?: MapHelpers | undefined;
  /** Whether the caller's ids are mapped; otherwise only the container's root can write to its folder. */
  isCallerMapped: boolean;
  /** Files that foster writes into the container, such as /etc/hosts. */
  files: OwnFile[];
  /** Whether the container is to get the link /etc/mtab, if it has nothing there. */
  linksMtab?: boolean;
  /** Lines for the container's /etc/passwd and /etc/group, so that its user has a name. */
  accounts: { path: string; text: string }[];
  /** Sources in a directory that containers can change: for each destination, the directory and the path in it. */
  beneath?: ReadonlyMap<string, { top: string; path: string }>;
  /** Destinations of mounts that cannot do without shifted ids. */
  mustShift?: ReadonlySet<string>;
  /** Bind sources that are directories. */
  directories: ReadonlySet<string>;
  /** Destinations named by an image or a Dockerfile, which must not lead into /dev, /proc or /sys. */
  guarded: ReadonlySet<string>;
  /** The masked and read-only paths in /proc and /sys that this kernel has. */
  kernelPaths: ReadonlyMap<string, 'file' | 'directory'>;
  /** How limits are enforced. */
  cgroup?: CgroupPlan | undefined;
  /** The networks that it is attached to. Its namespaces are then made below those of the network holder. */
  network?: NetworkFacts;
  /** The program that connects its network namespace to the outside, where that is its alone. */
  pasta?: Pick<StartProgram, 'name' | 'args' | 'call'> & { device: string; queueLength: number };
  /** Namespaces of another process to join, its user namespace among them if it has one; `of` says whose: `container web`. */
  share?: { types: readonly NamespaceType[]; of: string; isPod?: true };
}

/** How a container is attached to networks. */
export interface NetworkFacts {
  interfaces: InterfaceFacts[];
  /** The program that carries connections to its published ports. */
  service?: Pick<StartProgram, 'name' | 'args' | 'call' | 'parts'>;
}

/** An interface of the container, and its other end. */
export interface InterfaceFacts {
  /** The name of the network. */
  network: string;
  /** `eth0` */
  name: string;
  /** Its index in the container. */
  inside: number;
  /** The name and the index of the other end, in the network holder's namespace. */
  device: string;
  index: number;
  /** 6 bytes. */
  mac: Uint8Array;
  /** Bytes. */
  mtu: number;
  addresses: InterfaceAddress[];
}

export interface InterfaceAddress {
  address: string;
  prefix: number;
  /** The address of the router for this subnet. */
  router: string;
  /** Whether it also has the default route. */
  isDefault: boolean;
}

/** A file that foster writes into the container. */
export interface OwnFile {
  path: string;
  text: string;
  replacesLink: boolean;
  /** Whether it is omitted if it cannot be mounted in the root filesystem. */
  isOptional?: boolean;
}

/** Behaviour of the container's first processes that a Spec cannot express. */
export interface PlanOptions {
  shim: boolean;
  verbose: boolean;
  signalGroup: boolean;
  counts: boolean;
  graceMs: number;
  /** There is no program: PID 1 holds its namespaces, and reaps. */
  isIdle?: boolean;
  /** How many descriptors of the caller the program gets; none by default. */
  kept?: number;
}

/** Descriptors of PID 1. */
export const FD = {
  CONTROL: wire.FD_CONTROL,
  PLAN: wire.FD_BLOB,
  CONSOLE: wire.PLAN_FD_CONSOLE,
  CONTAINER: 7,
  /** The first layer; everything else that is open by then has a lower number. */
  LAYERS: 32,
  JOIN: wire.PLAN_FD_JOIN,
  /** foster-init, in a container that cannot execute it at once. */
  PROGRAM: 31,
  FIRST_VOLUME: 9,
  /** The first of the caller's for the program. */
  KEPT: wire.PLAN_FD_KEPT,
} as const;
