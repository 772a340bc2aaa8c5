import { isIdMapped } from './id-maps.js';
import type { ImageDefaults } from './image-defaults.js';
import { imageVolumes } from './image-volumes.js';
import { mergeEnv } from './parse/environment.js';
import { anonymousVolume } from './parse/volumes.js';
import type { RunRequest } from './request.js';
import { defaultSeccompProfile, SECCOMP_ARCHITECTURES } from './seccomp-profile.js';
import type { Capabilities, IdMapping, Mount, Namespace, Seccomp, Spec } from './types.js';
import type { ResolvedUser } from './users.js';

/** What a Spec needs to know besides the request. */
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
  /** As `process.arch` says it. */
  architecture: string;
  /** Root may go without a user namespace (--userns host); anybody else needs one for all the others. */
  callerIsRoot: boolean;
  /** Files of bind mounts belong to the container's users: user N of the host is user N in there. */
  shiftsIds?: boolean;
  /** The caller's TERM, for a container with a terminal. */
  term?: string | undefined;
  /** What the image says, where the root file system is one's. */
  image?: ImageDefaults | undefined;
  /** Absolute path on the host of the folder that holds the container's anonymous volumes. */
  volumesFolder: string;
  /** The profile that `--security-opt seccomp=FILE` names, read by the caller. */
  seccompProfile?: Seccomp | undefined;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_COMMAND = ['/bin/sh'];

/** The group that owns terminals on every Linux distribution. */
const TTY_GID = 5;

/** Docker's: what the kernel tells there is of no use to a container, and of some use to an intruder. */
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

/** The host name of a container: the one asked for, else the host's on the host's network, else the start of its id. */
export function hostnameOf(
  { hostname, network }: Pick<RunRequest, 'hostname' | 'network'>,
  id: string,
  hostsName: string,
): string {
  return hostname ?? (network === 'host' ? hostsName : id.slice(0, 12));
}

/**
 * The Spec of a request. Pure: what is to be known of the machine and the root filesystem comes in `facts`.
 *
 * Two things are the runtime's to add: the path of the PID namespace for `--pid container:ID`, and the mounts of
 * /etc/hosts, /etc/hostname and /etc/resolv.conf (hosts.ts has their contents).
 */
export function buildSpec(request: RunRequest, facts: SpecFacts): Spec {
  const hostname = hostnameOf(request, facts.id, facts.hostname);
  const userNamespace = request.userns !== 'host' || !facts.callerIsRoot;
  const args = argsOf(request, facts.image);
  const seccomp = seccompOf(request, facts);
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: request.tty,
      user: { uid: facts.user.uid, gid: facts.user.gid, additionalGids: facts.user.additionalGids },
      args: args.length > 0 ? args : DEFAULT_COMMAND,
      env: environmentOf(request, facts, hostname),
      cwd: request.workdir ?? (facts.image?.WorkingDir || '/'),
      capabilities: capabilitiesOf(request.capabilities, facts.user.uid),
      rlimits: request.rlimits,
      noNewPrivileges: request.noNewPrivileges,
    },
    root: { path: facts.rootPath, readonly: request.readOnly },
    hostname,
    mounts: mountsOf(request, facts, userNamespace),
    linux: {
      namespaces: namespacesOf(request, userNamespace),
      uidMappings: userNamespace ? facts.uidMappings : [],
      gidMappings: userNamespace ? facts.gidMappings : [],
      sysctl: request.sysctl,
      ...(seccomp === undefined ? {} : { seccomp }),
      maskedPaths: request.privileged ? [] : MASKED_PATHS,
      readonlyPaths: request.privileged ? [] : READ_ONLY_PATHS,
    },
  };
}

/** As Docker: an entry point that is asked for takes the place of the image's, and of its command too. */
function argsOf({ entrypoint, command }: RunRequest, image: ImageDefaults = {}): string[] {
  const first = entrypoint ?? image.Entrypoint ?? [];
  const rest = command.length > 0 || entrypoint !== undefined ? command : (image.Cmd ?? []);
  return [...first, ...rest];
}

function environmentOf(request: RunRequest, facts: SpecFacts, hostname: string): string[] {
  const defaults = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`];
  if (request.tty) defaults.push(`TERM=${facts.term || 'xterm'}`);
  return mergeEnv(
    [...defaults, `HOME=${facts.user.home}`, 'container=foster'],
    facts.image?.Env ?? [],
    request.env,
  );
}

/**
 * As Docker: root has what it may have; another user starts with nothing, and what a file's capabilities or a
 * set-user-ID root program may give it is bounded. Nothing is inheritable or ambient.
 */
function capabilitiesOf(names: string[], uid: number): Capabilities {
  const active = uid === 0 ? names : [];
  return { bounding: names, effective: active, inheritable: [], permitted: active, ambient: [] };
}

function namespacesOf(request: RunRequest, userNamespace: boolean): Namespace[] {
  const namespaces: Namespace[] = [{ type: 'mount' }, { type: 'uts' }, { type: 'ipc' }, { type: 'cgroup' }];
  if (userNamespace) namespaces.unshift({ type: 'user' });
  if (request.pid.kind !== 'host') namespaces.push({ type: 'pid' });
  if (request.network !== 'host') namespaces.push({ type: 'network' });
  return namespaces;
}

function seccompOf(request: RunRequest, facts: SpecFacts): Seccomp | undefined {
  if (request.seccomp === 'unconfined') return undefined;
  const profile =
    request.seccomp === 'default' ? defaultSeccompProfile(request.capabilities) : facts.seccompProfile;
  if (profile === undefined) {
    // not a person's mistake: running without the filter that was asked for must not happen by omission
    throw new Error('buildSpec: the seccomp profile that the request names was not read');
  }
  const architectures = profile.architectures ?? SECCOMP_ARCHITECTURES[facts.architecture];
  return architectures === undefined ? profile : { ...profile, architectures };
}

/** The mounts every container gets, unless one that is asked for takes their place, then those. */
function mountsOf(request: RunRequest, facts: SpecFacts, userNamespace: boolean): Mount[] {
  const wanted = wantedMounts(request, facts);
  const own = new Set(wanted.map(({ destination }) => destination));
  const defaults = defaultMounts(request, facts, userNamespace).filter(
    ({ destination }) => !own.has(destination),
  );
  // parents first, as in Docker: -v A:/x/y -v B:/x shows A inside B whichever comes first on the command line
  return [...defaults, ...wanted.toSorted((a, b) => depth(a) - depth(b))];
}

/** Those of the request, and a volume for each that the image has where the request has nothing. */
function wantedMounts({ mounts }: RunRequest, { image, volumesFolder, shiftsIds }: SpecFacts): Mount[] {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const shown = mounts.map((mount) => (shiftsIds ? withShiftedIds(mount) : mount));
  const ofImage = imageVolumes(image).places.filter((destination) => !taken.has(destination));
  return [...shown, ...ofImage.map((destination) => anonymousVolume(destination))].map((mount, index) =>
    mount.type === 'volume' ? { ...mount, type: 'bind', source: `${volumesFolder}/${index}` } : mount,
  );
}

/** Root's files of the host shall be those of the container's root, though that is somebody else. */
function withShiftedIds(mount: Mount): Mount {
  if (mount.type !== 'bind') return mount;
  const option = mount.options.includes('rbind') ? 'ridmap' : 'idmap';
  return { ...mount, options: [...mount.options, option] };
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
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    sysMount(request, userNamespace),
  ];
}

/** A new proc shows the PID namespace of who mounts it; the host's may only be bound from a user namespace. */
function procMount(request: RunRequest, userNamespace: boolean): Mount {
  const options = ['nosuid', 'noexec', 'nodev'];
  return request.pid.kind === 'host' && userNamespace
    ? { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', ...options] }
    : { destination: '/proc', type: 'proc', source: 'proc', options };
}

/** sysfs belongs to a network namespace; that of the host may only be bound from a user namespace, and is kept as it is. */
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
