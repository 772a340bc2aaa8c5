import { isIdMapped } from './id-maps.js';
import type { ImageDefaults } from './image-defaults.js';
import { imageVolumes } from './image-volumes.js';
import { changeDefaultEnv, mergeEnv } from './parse/environment.js';
import { withRates } from './parse/resources.js';
import { anonymousVolume, tmpfsMount } from './parse/volumes.js';
import type { RequestedMount, RunRequest } from './request.js';
import { defaultSeccompProfile, SECCOMP_ARCHITECTURES } from './seccomp-profile.js';
import { SHM } from './shm.js';
import type { Capabilities, IdMapping, Mount, Namespace, Seccomp, Spec } from './types.js';
import type { ResolvedUser } from './users.js';

/** Facts that a Spec needs besides the request. */
export interface SpecFacts {
  /** 64 hexadecimal digits. */
  id: string;
  /** The host's own name. */
  hostname: string;
  /** The root filesystem, absolute on the host. */
  rootPath: string;
  user: ResolvedUser;
  uidMappings: IdMapping[];
  gidMappings: IdMapping[];
  /** As in `process.arch`. */
  architecture: string;
  /** Root can do without a user namespace (--userns host); other users need one for the other namespaces. */
  callerIsRoot: boolean;
  /** Whether files of bind mounts belong to the container's users: user N of the host is user N of the container. */
  shiftsIds?: boolean;
  /** The caller's TERM, for a container with a terminal. */
  term?: string | undefined;
  /** Defaults of the image, if the root filesystem is an image's. */
  image?: ImageDefaults | undefined;
  /** The mount of each volume, by its destination. */
  volumes?: ReadonlyMap<string, Mount>;
  /** The profile of `--security-opt seccomp=FILE`, which the caller has read. */
  seccompProfile?: Seccomp | undefined;
  /** Numbers of the block devices whose rate is limited, by their paths. */
  devices?: ReadonlyMap<string, { major: number; minor: number }>;
  /** Whether the host has /dev/mqueue, for containers in its IPC namespace. */
  hasMqueue?: boolean;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_COMMAND = ['/bin/sh'];

/** The group that owns terminals on every Linux distribution. */
const TTY_GID = 5;

/** As in Docker: containers do not need this information of the kernel, but attackers could use it. */
const MASKED_PATHS = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
const READ_ONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** The host name of a container: --hostname, the host's own with its network, or the start of the container's id. */
export function hostnameOf(
  { hostname, network, uts }: Pick<RunRequest, 'hostname' | 'network'> & Partial<Pick<RunRequest, 'uts'>>,
  id: string,
  hostsName: string,
): string {
  return hostname ?? (network === 'host' || uts === 'host' ? hostsName : id.slice(0, 12));
}

/**
 * Converts a request to a Spec. A pure function: facts about the machine and the root filesystem are in `facts`.
 *
 * The caller must add two things: the path of the PID namespace for `--pid container:ID`, and the mounts of /etc/hosts,
 * /etc/hostname and /etc/resolv.conf (hosts.ts has their contents).
 */
export function buildSpec(request: RunRequest, facts: SpecFacts): Spec {
  const hostname = hostnameOf(request, facts.id, facts.hostname);
  const userNamespace = request.userns !== 'host' || !facts.callerIsRoot;
  const { entrypoint, cmd } = commandOf(request, facts.image);
  const args = [...entrypoint, ...cmd];
  const seccomp = seccompOf(request, facts);
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: request.tty,
      user: {
        uid: facts.user.uid,
        gid: facts.user.gid,
        additionalGids: facts.user.additionalGids,
        ...(request.umask !== undefined && { umask: request.umask }),
      },
      args: args.length > 0 ? args : DEFAULT_COMMAND,
      env: environmentOf(request, facts, hostname),
      cwd: request.workdir ?? (facts.image?.WorkingDir || '/'),
      capabilities: capabilitiesOf(request.capabilities, facts.user.uid),
      rlimits: request.rlimits,
      noNewPrivileges: request.noNewPrivileges,
      ...(request.oomScoreAdj !== undefined && { oomScoreAdj: request.oomScoreAdj }),
    },
    root: { path: facts.rootPath, readonly: request.readOnly },
    ...(request.uts === 'private' && { hostname }),
    ...(request.domainname !== undefined && { domainname: request.domainname }),
    mounts: mountsOf(request, facts, userNamespace),
    linux: {
      namespaces: namespacesOf(request, userNamespace),
      uidMappings: userNamespace ? facts.uidMappings : [],
      gidMappings: userNamespace ? facts.gidMappings : [],
      sysctl: request.sysctl,
      ...cgroupOf(request, facts),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...kernelPathsOf(request),
      ...(request.personality !== undefined && { personality: { domain: request.personality } }),
    },
    ...(Object.keys(request.annotations).length > 0 && { annotations: request.annotations }),
  };
}

function cgroupOf({ limits }: RunRequest, { id, devices }: SpecFacts): Partial<Spec['linux']> {
  const resources = withRates(limits.resources, limits.rates, devices ?? new Map());
  return {
    ...(Object.keys(resources).length > 0 && { resources }),
    ...(limits.cgroupParent !== undefined && { cgroupsPath: `${limits.cgroupParent}/foster-${id}` }),
  };
}

function kernelPathsOf({
  privileged,
  kernelPaths: { mask, unmask },
}: RunRequest): Pick<Spec['linux'], 'maskedPaths' | 'readonlyPaths'> {
  const isKept = (path: string) => unmask !== 'all' && !unmask.includes(path);
  const usual = (paths: string[]) => (privileged ? [] : paths.filter(isKept));
  return {
    maskedPaths: [...new Set([...usual(MASKED_PATHS), ...mask])],
    readonlyPaths: usual(READ_ONLY_PATHS),
  };
}

/** As in Docker: --entrypoint replaces both the image's entry point and its command. */
export function commandOf(
  { entrypoint, command }: RunRequest,
  image: ImageDefaults = {},
): { entrypoint: string[]; cmd: string[] } {
  return {
    entrypoint: entrypoint ?? image.Entrypoint ?? [],
    cmd: command.length > 0 || entrypoint !== undefined ? command : (image.Cmd ?? []),
  };
}

function environmentOf(request: RunRequest, facts: SpecFacts, hostname: string): string[] {
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`];
  if (request.tty) defaults.push(`TERM=${facts.term || 'xterm'}`);
  const all = mergeEnv([...defaults, `HOME=${facts.user.home}`, 'container=foster'], facts.image?.Env ?? []);
  const { fromCaller } = request.defaultEnv;
  return mergeEnv(fromCaller, changeDefaultEnv(all, request.defaultEnv), request.env);
}

/**
 * As in Docker: root has the whole bounding set; other users start with nothing, and can only gain what is in it from
 * file capabilities or set-user-ID root programs. Nothing is inheritable or ambient.
 */
function capabilitiesOf(names: string[], uid: number): Capabilities {
  const active = uid === 0 ? names : [];
  return { bounding: names, effective: active, inheritable: [], permitted: active, ambient: [] };
}

function namespacesOf(request: RunRequest, userNamespace: boolean): Namespace[] {
  const namespaces: Namespace[] = [{ type: 'mount' }];
  if (request.uts !== 'host') namespaces.push({ type: 'uts' });
  if (request.ipc !== 'host') namespaces.push({ type: 'ipc' });
  if (request.cgroupns !== 'host') namespaces.push({ type: 'cgroup' });
  if (userNamespace) namespaces.unshift({ type: 'user' });
  if (request.pid.kind !== 'host') namespaces.push({ type: 'pid' });
  const { network, networkPath: path } = request;
  if (network !== 'host') namespaces.push({ type: 'network', ...(path !== undefined && { path }) });
  return namespaces;
}

function seccompOf(request: RunRequest, facts: SpecFacts): Seccomp | undefined {
  if (request.seccomp === 'unconfined') return undefined;
  const profile =
    request.seccomp === 'default' ? defaultSeccompProfile(request.capabilities) : facts.seccompProfile;
  if (profile === undefined) {
    // a programming error: a container must never run without the requested filter
    throw new Error('buildSpec: the seccomp profile that the request names was not read');
  }
  const architectures = profile.architectures ?? SECCOMP_ARCHITECTURES[facts.architecture];
  return architectures === undefined ? profile : { ...profile, architectures };
}

/** The default mounts, unless a requested one replaces them, then the requested ones. */
function mountsOf(request: RunRequest, facts: SpecFacts, userNamespace: boolean): Mount[] {
  const wanted = [...wantedMounts(request, facts), ...request.devices, ...timezoneMount(request)];
  const own = new Set(wanted.map(({ destination }) => destination));
  const defaults = defaultMounts(request, facts, userNamespace).filter(
    ({ destination }) => !own.has(destination),
  );
  // parents first, as in Docker: -v A:/x/y -v B:/x shows A inside B in either order
  return [...defaults, ...wanted.toSorted((a, b) => depth(a) - depth(b))];
}

/** The mounts of the request, and the image's volumes at other destinations. */
function wantedMounts(request: RunRequest, { image, volumes, shiftsIds }: SpecFacts): Mount[] {
  return withImageVolumes(request, image).map((mount) => {
    if (mount.type !== 'volume') {
      const { volume, isBorrowed, isIdmapped, beneath, ...plain } = mount;
      return shiftsIds || isIdmapped ? withShiftedIds(plain) : plain;
    }
    // a programming error: the caller must pass the mounts of all volumes
    const found = volumes?.get(mount.destination);
    if (found === undefined)
      throw new Error(`buildSpec: the mount of the volume at ${mount.destination} is missing`);
    return found;
  });
}

/** The mounts of a request, and those that the image's volumes become. */
export function withImageVolumes(
  { mounts, imageVolumes: how }: Pick<RunRequest, 'mounts' | 'imageVolumes'>,
  image: ImageDefaults | undefined,
): RequestedMount[] {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const paths = imageVolumes(image).paths.filter((destination) => !taken.has(destination));
  if (how === 'ignore') return mounts;
  return [
    ...mounts,
    ...paths.map((destination) =>
      how === 'tmpfs'
        ? tmpfsMount('--image-volume', how, destination, ['mode=755'])
        : anonymousVolume(destination),
    ),
  ];
}

/** Lets root's files on the host belong to the container's root, although that is another user. */
export function withShiftedIds(mount: Mount): Mount {
  if (mount.type !== 'bind') return mount;
  const option = mount.options.includes('rbind') ? 'ridmap' : 'idmap';
  return { ...mount, options: [...mount.options, option] };
}

function timezoneMount({ timezone }: RunRequest): Mount[] {
  return timezone === undefined ? [] : [bound('/etc/localtime', timezone, ['ro'])];
}

function bound(destination: string, source: string, options: string[] = []): Mount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', 'nosuid', 'nodev', ...options] };
}

function depth({ destination }: Mount): number {
  return destination.split('/').length;
}

function defaultMounts(request: RunRequest, facts: SpecFacts, userNamespace: boolean): Mount[] {
  return [
    procMount(request, userNamespace),
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        ...(!userNamespace || isIdMapped(TTY_GID, facts.gidMappings) ? [`gid=${TTY_GID}`] : []),
      ],
    },
    ...ipcMounts(request, facts),
    sysMount(request, userNamespace),
  ];
}

/** Shared memory and message queues: those of the IPC namespace. */
function ipcMounts({ ipc, shmSize }: RunRequest, { hasMqueue }: SpecFacts): Mount[] {
  const options = ['nosuid', 'noexec', 'nodev'];
  if (ipc === 'host')
    return [
      bound('/dev/shm', '/dev/shm', ['noexec']),
      ...(hasMqueue ? [bound('/dev/mqueue', '/dev/mqueue', ['noexec'])] : []),
    ];
  const queues = { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options };
  const memory = { destination: '/dev/shm', type: 'tmpfs', source: SHM };
  return ipc === 'none'
    ? [queues]
    : [{ ...memory, options: [...options, 'mode=1777', `size=${shmSize / 1024}k`] }, queues];
}

/**
 * A new proc shows the PID namespace of the process that mounts it; in a user namespace, the host's can only be bound.
 */
function procMount(request: RunRequest, userNamespace: boolean): Mount {
  const options = ['nosuid', 'noexec', 'nodev'];
  return request.pid.kind === 'host' && userNamespace
    ? { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', ...options] }
    : {
        destination: '/proc',
        type: 'proc',
        source: 'proc',
        options: [...options, ...request.kernelPaths.procOptions],
      };
}

/** sysfs belongs to a network namespace; in a user namespace, the host's can only be bound, with its own options. */
function sysMount(request: RunRequest, userNamespace: boolean): Mount {
  const options = ['nosuid', 'noexec', 'nodev'];
  if (request.network === 'host' && userNamespace) {
    return { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...options, 'ro'] };
  }
  return {
    destination: '/sys',
    type: 'sysfs',
    source: 'sysfs',
    options: request.privileged ? options : [...options, 'ro'],
  };
}
