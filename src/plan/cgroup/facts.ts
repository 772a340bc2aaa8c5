/** The cgroups of the host that the caller may use. Gathered by container/cgroup-facts.ts. */
export interface CgroupFacts {
  /** Whether root asks, for the advice in errors. */
  isRoot: boolean;
  uid: number;
  /** Hierarchies of version 1. */
  v1: V1Hierarchy[];
  /** The hierarchy of version 2. */
  v2?: V2Hierarchy;
}

export interface V1Hierarchy {
  controllers: string[];
  /** The mount point: an absolute path. */
  folder: string;
  isWritable: boolean;
  /** Files of a cgroup in it. */
  files: ReadonlySet<string>;
  /** All CPUs and memory nodes, for the cpuset hierarchy, in which a new cgroup has none. */
  cpuset?: { cpus: string; mems: string };
}

export interface V2Hierarchy {
  folder: string;
  controllers: string[];
  /** Files of a cgroup in it that has controllers, if there is one. */
  files: ReadonlySet<string>;
  /** Cgroups that the caller may change and no manager owns: its own, then its parents. */
  bases: V2Base[];
  /** The user's systemd, or for root the machine's. */
  manager?: SystemdManager;
}

export interface V2Base {
  /** Absolute path. */
  folder: string;
  controllers: string[];
  /** The controllers that are enabled for the cgroups below it. */
  enabled: string[];
  hasProcesses: boolean;
  /** Whether it is the root of the hierarchy, which may have processes and also cgroups with limits. */
  isTop: boolean;
}

export interface SystemdManager {
  /** Absolute path of busctl(1). */
  busctl: string;
  /** D-Bus address. */
  address: string;
  /** Its cgroup below the mount point: `/user.slice/user-1000.slice/user@1000.service`. */
  cgroup: string;
  /** The controllers that it can delegate. */
  controllers: string[];
}

/** Who makes cgroups for the caller, in Docker's and Podman's words, and the controllers whose limits can be enforced. */
export function enforceable({ v1, v2 }: CgroupFacts): {
  manager: 'cgroupfs' | 'systemd' | 'none';
  controllers: string[];
} {
  const old = v1.filter(({ isWritable }) => isWritable).flatMap(({ controllers }) => controllers);
  const delegated = v2?.bases.flatMap(({ controllers }) => controllers) ?? [];
  const own = [...new Set([...old, ...delegated])];
  if (own.length > 0) return { manager: 'cgroupfs', controllers: own };
  const controllers = v2?.manager?.controllers ?? [];
  return { manager: controllers.length > 0 ? 'systemd' : 'none', controllers };
}

/** The hierarchy of version 1 that has a controller. */
export function hierarchyOf({ v1 }: CgroupFacts, controller: string): V1Hierarchy | undefined {
  return v1.find(({ controllers }) => controllers.includes(controller));
}
