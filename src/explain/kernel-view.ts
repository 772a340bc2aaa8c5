import type { IdMapping } from '../spec/id-maps.js';
import { CAPABILITY_NAMES } from '../sys/capabilities.js';
import { type MountInfo, parseMountInfo } from './mount-info.js';
import type { ProcessFolder } from './process-folder.js';

/** What the kernel says about a process. */
export interface KernelView {
  /** The inode of each namespace, by its name below /proc/PID/ns; those that the caller may not see are missing. */
  namespaces: Record<string, string>;
  /** Each with what the caller sees as `hostID`. */
  uidMap: IdMapping[];
  gidMap: IdMapping[];
  /** Real, effective, saved and file system ids, as the caller sees them. */
  uid: string;
  gid: string;
  groups: string;
  /** Names of capabilities, by set. */
  capabilities: Record<CapabilitySet, string[]>;
  noNewPrivs: boolean;
  seccomp: Seccomp;
  seccompFilters: number | undefined;
  mounts: MountInfo[];
  /** Soft and hard limit, by name. */
  limits: Record<string, string>;
  /** `hierarchy:controllers:path` each. */
  cgroups: string[];
  oomScoreAdj: string;
  nice: string;
  scheduler: string;
  cpus: string;
  umask: string;
  /** Bytes; undefined if the caller may not read it. */
  environment: number | undefined;
  openFiles: number | undefined;
  threads: string;
}

export type CapabilitySet = 'effective' | 'permitted' | 'inheritable' | 'bounding' | 'ambient';
export type Seccomp = 'none' | 'strict' | 'filter' | 'unknown';

/** The names of namespaces below /proc/PID/ns, each with its name in the OCI runtime-spec. */
export const NAMESPACES: Readonly<Record<string, string>> = {
  user: 'user',
  mnt: 'mount',
  pid: 'pid',
  net: 'network',
  uts: 'uts',
  ipc: 'ipc',
  cgroup: 'cgroup',
  time: 'time',
};

const SETS: readonly [CapabilitySet, string][] = [
  ['effective', 'CapEff'],
  ['permitted', 'CapPrm'],
  ['inheritable', 'CapInh'],
  ['bounding', 'CapBnd'],
  ['ambient', 'CapAmb'],
];

const SECCOMP: Readonly<Record<string, Seccomp>> = { 0: 'none', 1: 'strict', 2: 'filter' };

const SCHEDULERS: Readonly<Record<string, string>> = {
  0: 'SCHED_OTHER',
  1: 'SCHED_FIFO',
  2: 'SCHED_RR',
  3: 'SCHED_BATCH',
  5: 'SCHED_IDLE',
  6: 'SCHED_DEADLINE',
};

/** @returns undefined if the process has ended */
export function readKernelView(folder: ProcessFolder): KernelView | undefined {
  const filters = folder.status('Seccomp_filters');
  const environment = folder.read('environ');
  const view: KernelView = {
    namespaces: Object.fromEntries(
      Object.keys(NAMESPACES).flatMap((name) => {
        const [, inode] = /\[(\d+)\]$/.exec(folder.link(`ns/${name}`) ?? '') ?? [];
        return inode === undefined ? [] : [[name, inode]];
      }),
    ),
    uidMap: parseIdMap(folder.read('uid_map')),
    gidMap: parseIdMap(folder.read('gid_map')),
    uid: spaced(folder.status('Uid')),
    gid: spaced(folder.status('Gid')),
    groups: spaced(folder.status('Groups')),
    capabilities: capabilitiesOf(folder),
    noNewPrivs: folder.status('NoNewPrivs') === '1',
    seccomp: SECCOMP[folder.status('Seccomp')] ?? 'unknown',
    seccompFilters: filters === '' ? undefined : Number(filters),
    mounts: parseMountInfo(folder.read('mountinfo')),
    limits: parseLimits(folder.read('limits')),
    cgroups: folder.read('cgroup').split('\n').filter(Boolean),
    oomScoreAdj: folder.read('oom_score_adj').trim(),
    nice: folder.stat(19) ?? '',
    scheduler: SCHEDULERS[folder.stat(41) ?? ''] ?? '',
    cpus: folder.status('Cpus_allowed_list'),
    umask: folder.status('Umask'),
    environment: environment === '' ? undefined : Buffer.byteLength(environment),
    openFiles: folder.count('fd'),
    threads: folder.status('Threads'),
  };
  // read last: if it is still there, everything before was about the same process
  return view.threads === '' || folder.stat(3) === 'Z' || folder.stat(3) === undefined ? undefined : view;
}

function capabilitiesOf(folder: ProcessFolder): Record<CapabilitySet, string[]> {
  const named = (line: string) => capabilityNames(folder.status(line));
  const [effective, permitted, inheritable, bounding, ambient] = SETS.map(([, line]) => named(line));
  return {
    effective: effective ?? [],
    permitted: permitted ?? [],
    inheritable: inheritable ?? [],
    bounding: bounding ?? [],
    ambient: ambient ?? [],
  };
}

/** The capabilities of a mask in hexadecimal digits; a number that has no name yet is `CAP_N`. */
export function capabilityNames(mask: string): string[] {
  const bits = BigInt(/^[0-9a-f]+$/i.test(mask) ? `0x${mask}` : 0);
  const names: string[] = [];
  for (let number = 0n; bits >> number > 0n; number++)
    if ((bits >> number) & 1n) names.push(CAPABILITY_NAMES[Number(number)] ?? `CAP_${number}`);
  return names;
}

/** The lines of /proc/PID/uid_map. */
export function parseIdMap(text: string): IdMapping[] {
  return text.split('\n').flatMap((line) => {
    const [containerID, hostID, size] = line.trim().split(/\s+/).map(Number);
    if (containerID === undefined || hostID === undefined || size === undefined) return [];
    return [{ containerID, hostID, size }];
  });
}

/** `Max open files` and so on: its name begins a line, and columns are two spaces or more apart. */
function parseLimits(text: string): Record<string, string> {
  const lines = text.split('\n').slice(1).filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', soft = '', hard = ''] = line.split(/\s{2,}/);
      return [name.replace(/^Max /, ''), soft === hard ? soft : `${soft} (at most ${hard})`];
    }),
  );
}

function spaced(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
