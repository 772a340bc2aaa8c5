import type { RootDriver } from '../spec/storage-driver.js';
import { FD_BLOB, FD_CONTROL, PLAN_FD_CONSOLE, PLAN_FD_JOIN } from '../sys/wire-constants.js';

/** What a plan needs to know of the host and of the container's place on it. Plain data: see container/host-facts.ts. */
export interface PlanFacts {
  /** Where the root file system comes from, and the container's own folder: paths of the host. */
  storage: {
    /** `copy`: the container's folder has `tree`, a copy of the layers. `in-place`: the one layer is written to. */
    driver: RootDriver;
    /** Absolute path of fuse-overlayfs, where that is the driver. */
    program?: string;
    /** Read-only layers, the uppermost first. */
    layers: string[];
    /** The one layer is a directory of the host's, whose files shall belong to the container's users: an overlay's. */
    isShifted?: boolean;
    container: string;
  };
  /** setgroups(2) is denied in a user namespace whose groups were mapped without privilege: user_namespaces(7). */
  canSetGroups: boolean;
  /** Whether `newuidmap` and `newgidmap` write the maps. */
  usesMapHelpers: boolean;
  /** Ids of the host user mean nothing inside, so that only the container's root can write its directory. */
  isCallerMapped: boolean;
  /** Files that foster writes into the container: /etc/hosts and the like. */
  files: OwnFile[];
  /** Lines for the container's /etc/passwd and /etc/group, so that its user has a name. */
  accounts: { path: string; text: string }[];
  /** Bind sources that are directories. */
  directories: ReadonlySet<string>;
  /** Destinations that an image or a Dockerfile has named: they may not lead into /dev, /proc or /sys. */
  guarded: ReadonlySet<string>;
  /** Of the masked and read-only paths in /proc and /sys: those that this kernel has, and whether they are directories. */
  kernelPaths: ReadonlyMap<string, 'file' | 'directory'>;
  /** A container whose user and PID namespaces are to be joined: the PID 1 of it. */
  join?: { pid: number; name: string };
}

/** A file that foster writes into the container. */
export interface OwnFile {
  path: string;
  text: string;
  replacesLink: boolean;
  /** The container does without it where the root filesystem has no place for it. */
  isOptional?: boolean;
}

/** How the container's first processes behave: what the Spec has no word for. */
export interface PlanOptions {
  shim: boolean;
  verbose: boolean;
  signalGroup: boolean;
  counts: boolean;
  graceMs: number;
}

/** Descriptors of PID 1 by convention; user volumes follow. */
export const FD = {
  CONTROL: FD_CONTROL,
  PLAN: FD_BLOB,
  CONSOLE: PLAN_FD_CONSOLE,
  CONTAINER: 7,
  /** The first of the layers; all else that is opened has a lower number by then. */
  LAYERS: 32,
  JOIN: PLAN_FD_JOIN,
  FIRST_VOLUME: 9,
} as const;
