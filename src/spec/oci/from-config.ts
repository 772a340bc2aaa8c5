import { posix } from 'node:path';
import { CAPABILITY_NAMES } from '../../sys/capabilities.js';
import { type IdMapping, isIdMapped } from '../id-maps.js';
import { SECCOMP_ARCHITECTURES } from '../seccomp-profile.js';
import type {
  Capabilities,
  Linux,
  Mount,
  Namespace,
  NamespaceType,
  Process,
  Rlimit,
  Seccomp,
  Spec,
} from '../types.js';
import type { Config, ConfigLinux, ConfigProcess, Device } from './config.js';
import { type MountFacts, readMount } from './mounts.js';
import { configError, unsupported } from './reader.js';
import { checkCgroupsPath, resourcesOf } from './resources.js';
import { isDefaultRule, refuseUnsupported } from './unsupported.js';

/** Facts about the machine that a Spec needs, besides the config.json. */
export interface ConfigFacts
  extends Pick<MountFacts, 'resolve' | 'exists' | 'hasUnifiedCgroups' | 'callerIsRoot'> {
  /** As in `process.arch`. */
  architecture: string;
  isDirectory(path: string): boolean;
  /** Whether it is foster's own namespace. */
  isOwnNamespace(path: string, type: NamespaceType): boolean;
  /** The device at a path on the host; undefined if it is not a device. */
  device(path: string): { type: 'c' | 'b'; major: number; minor: number; mode: number } | undefined;
  /** The id maps for a user namespace without maps in the config.json. */
  defaultMaps(): { uid: IdMapping[]; gid: IdMapping[] };
  /** Whether processes can have supplementary groups: not if the groups were mapped without privileges. */
  canSetGroups(maps: { uid: IdMapping[]; gid: IdMapping[] }): boolean;
  /** The home directory of a user of the root filesystem. */
  home(root: string, uid: number): string;
}

/**
 * Converts a config.json to a Spec.
 * @param notes receives warnings
 * @throws FosterError with the JSON path of what is invalid or not supported yet
 */
export function specFromConfig(config: Config, facts: ConfigFacts, notes: (sentence: string) => void): Spec {
  refuseUnsupported(config);
  const { process, root, linux = {} } = config;
  if (process === undefined) throw configError('', 'process is missing');
  if (root === undefined) throw configError('', 'root is missing');
  const path = facts.resolve(root.path);
  if (!facts.isDirectory(path)) throw configError('root.path', `there is no directory ${path}`);
  const namespaces = namespacesOf(linux, facts);
  const types = new Set(namespaces.map(({ type }) => type));
  const maps = mapsOf(linux, types.has('user'), facts);
  const mountFacts = {
    ...facts,
    hasUserNamespace: types.has('user'),
    hasCgroupNamespace: types.has('cgroup'),
  };
  const mounts = (config.mounts ?? []).map((mount, index) =>
    readMount(mount, `mounts[${index}]`, mountFacts),
  );
  checkUser(process, maps, types.has('user') && !facts.canSetGroups(maps));
  checkNames(config, types);
  checkDeviceRules(config, types, notes);
  return {
    ociVersion: config.ociVersion,
    process: processOf(process, facts.home(path, process.user?.uid ?? 0), notes),
    root: { path, readonly: root.readonly ?? false },
    ...(config.hostname && { hostname: config.hostname }),
    ...(config.domainname && { domainname: config.domainname }),
    mounts: withDevices(path, mounts, linux.devices ?? [], facts),
    linux: linuxOf(linux, namespaces, maps, facts),
    ...(config.annotations && { annotations: config.annotations }),
  };
}

function processOf(process: ConfigProcess, home: string, notes: (sentence: string) => void): Process {
  const { args = [], env = [], user = {}, cwd } = process;
  if (args.length === 0 || args[0] === '') throw configError('process.args', 'there is no program to run');
  return {
    terminal: process.terminal ?? false,
    ...(process.consoleSize && { consoleSize: process.consoleSize }),
    user: {
      uid: user.uid ?? 0,
      gid: user.gid ?? 0,
      additionalGids: user.additionalGids ?? [],
      ...(user.umask !== undefined && { umask: user.umask }),
    },
    args,
    env: env.some((variable) => variable.startsWith('HOME=')) ? env : [...env, `HOME=${home}`],
    cwd: posix.resolve('/', cwd),
    capabilities: capabilitiesOf(process.capabilities ?? {}, notes),
    rlimits: (process.rlimits ?? []).map(limitOf),
    noNewPrivileges: process.noNewPrivileges ?? false,
    ...(process.oomScoreAdj !== undefined && { oomScoreAdj: process.oomScoreAdj }),
    ...(process.ioPriority && { ioPriority: process.ioPriority }),
    ...(process.scheduler && { scheduler: process.scheduler }),
  };
}

/** Numbers that are too large for JavaScript mean no limit: RLIM_INFINITY is 2^64 - 1. */
function limitOf({ type, soft, hard }: Rlimit, index: number, all: Rlimit[]): Rlimit {
  const path = `process.rlimits[${index}]`;
  if (all.findIndex((other) => other.type === type) !== index)
    throw configError(`${path}.type`, `${type} occurs twice`);
  const [low, high] = [soft, hard].map((limit) => (limit > Number.MAX_SAFE_INTEGER ? -1 : limit)) as [
    number,
    number,
  ];
  if (high !== -1 && (low === -1 || low > high))
    throw configError(`${path}.soft`, 'the soft limit is above the hard limit');
  return { type, soft: low, hard: high };
}

/** The specification requires a warning for capabilities that cannot be granted. */
function capabilitiesOf(wanted: Partial<Capabilities>, notes: (sentence: string) => void): Capabilities {
  const unknown = new Set<string>();
  const known = (names: string[] = []) =>
    names.filter((name) => CAPABILITY_NAMES.includes(name) || !unknown.add(name));
  const bounding = known(wanted.bounding);
  const permitted = known(wanted.permitted);
  const inheritable = known(wanted.inheritable);
  const effective = known(wanted.effective);
  const ambient = known(wanted.ambient);
  if (unknown.size > 0)
    notes(
      `process.capabilities: the kernel has no ${[...unknown].map((name) => JSON.stringify(name)).join(', ')}`,
    );
  const excess = effective.find((name) => !permitted.includes(name));
  if (excess !== undefined)
    throw configError('process.capabilities.effective', `${excess} is not among the permitted ones`);
  const granted = ambient.filter((name) => permitted.includes(name) && inheritable.includes(name));
  if (granted.length < ambient.length) {
    const left = ambient.filter((name) => !granted.includes(name));
    notes(
      `process.capabilities.ambient: ${left.join(', ')} cannot be ambient without being permitted and inheritable`,
    );
  }
  return { bounding, effective, inheritable, permitted, ambient: granted };
}

/** The container's namespaces that differ from foster's own. */
function namespacesOf({ namespaces = [] }: ConfigLinux, facts: ConfigFacts): Namespace[] {
  const kept = namespaces.filter(({ type, path }, index) => {
    if (namespaces.findIndex((other) => other.type === type) !== index)
      throw configError(`linux.namespaces[${index}].type`, `${type} occurs twice`);
    return path === undefined || path === '' || !facts.isOwnNamespace(path, type);
  });
  const has = (wanted: NamespaceType) => kept.some(({ type }) => type === wanted);
  for (const [index, { type, path }] of namespaces.entries()) {
    if (path !== undefined && kept.some((each) => each.type === type))
      checkJoined(`linux.namespaces[${index}].path`, type, path, has('user'), facts);
  }
  if (!has('user') && !facts.callerIsRoot) {
    throw configError(
      'linux.namespaces',
      'there is no user namespace, and without one only root can create the others',
      'add {"type": "user"}, as in the config.json that "foster spec" writes',
    );
  }
  if (!has('mount'))
    throw unsupported(
      'linux.namespaces',
      'a container without a mount namespace of its own is not supported',
    );
  // user first, as in a container made from flags
  return kept.toSorted((one, other) => Number(other.type === 'user') - Number(one.type === 'user'));
}

function checkJoined(
  where: string,
  type: NamespaceType,
  path: string,
  hasUser: boolean,
  facts: ConfigFacts,
): void {
  if (type === 'user' || type === 'pid' || type === 'mount')
    throw unsupported(where, `joining a ${type} namespace by its path is not supported yet`);
  if (!facts.exists(path)) throw configError(where, `there is no ${path} on this machine`);
  if (hasUser)
    throw configError(
      where,
      `root of the container's new user namespace has no rights over a ${type} namespace that was there before it, and ` +
        'only root of the user namespace that owns one can join it: setns(2)',
      'remove the path; root can remove the user namespace instead',
    );
}

function mapsOf({ uidMappings = [], gidMappings = [] }: ConfigLinux, hasUser: boolean, facts: ConfigFacts) {
  const [path, mapping] = uidMappings.length > 0 ? ['uid', 'gid'] : ['gid', 'uid'];
  if (uidMappings.length > 0 !== gidMappings.length > 0)
    throw configError(`linux.${path}Mappings`, `linux.${mapping}Mappings is missing`);
  if (uidMappings.length === 0) return hasUser ? facts.defaultMaps() : { uid: [], gid: [] };
  if (!hasUser) throw configError('linux.uidMappings', 'the container has no user namespace of its own');
  return { uid: uidMappings, gid: gidMappings };
}

function checkUser(
  { user = {} }: ConfigProcess,
  maps: { uid: IdMapping[]; gid: IdMapping[] },
  isDenied: boolean,
): void {
  const check = (path: string, id: number, map: IdMapping[]) => {
    if (map.length > 0 && !isIdMapped(id, map))
      throw configError(`process.user.${path}`, `${id} is not mapped in the container's user namespace`);
  };
  check('uid', user.uid ?? 0, maps.uid);
  check('gid', user.gid ?? 0, maps.gid);
  for (const [index, gid] of (user.additionalGids ?? []).entries()) {
    check(`additionalGids[${index}]`, gid, maps.gid);
    if (isDenied)
      throw configError(
        `process.user.additionalGids[${index}]`,
        'a process cannot have supplementary groups if only one group is mapped',
      );
  }
}

/** Settings of a whole namespace need one of the container's own. */
function checkNames({ hostname, domainname, linux }: Config, types: ReadonlySet<NamespaceType>): void {
  const needs = (path: string, type: NamespaceType) => {
    if (!types.has(type)) throw configError(path, `the container has no ${type} namespace of its own`);
  };
  if (hostname) needs('hostname', 'uts');
  if (domainname) needs('domainname', 'uts');
  if (hostname !== undefined && Buffer.byteLength(hostname) > 64)
    throw configError('hostname', 'the limit is 64 bytes');
  if (domainname !== undefined && Buffer.byteLength(domainname) > 64)
    throw configError('domainname', 'the limit is 64 bytes');
  for (const name of Object.keys(linux?.sysctl ?? {})) {
    const path = `linux.sysctl[${JSON.stringify(name)}]`;
    // it becomes a path below /proc/sys: no empty component, no '..', no slash
    if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/i.test(name))
      throw configError(path, 'expected words separated by dots, such as kernel.shmmax');
    const type = namespaceOf(name);
    if (type === undefined)
      throw configError(path, 'it is not namespaced: it has one value for the whole machine');
    needs(path, type);
  }
  const hasOffsets = Object.values(linux?.timeOffsets ?? {}).some(
    (offset) => Object.keys(offset ?? {}).length > 0,
  );
  if (hasOffsets) needs('linux.timeOffsets', 'time');
}

function namespaceOf(sysctl: string): NamespaceType | undefined {
  if (sysctl.startsWith('net.')) return 'network';
  if (/^(kernel\.(shm\w*|msg\w*|sem)|fs\.mqueue\..+)$/.test(sysctl)) return 'ipc';
  return /^kernel\.(hostname|domainname)$/.test(sysctl) ? 'uts' : undefined;
}

/** Device nodes created in a user namespace do not work. Without one, only a cgroup could deny access to devices. */
function checkDeviceRules(
  { linux, process }: Config,
  types: ReadonlySet<NamespaceType>,
  notes: (sentence: string) => void,
): void {
  if (!linux?.resources?.devices?.some(isDefaultRule) || types.has('user')) return;
  if (process?.capabilities?.bounding?.includes('CAP_MKNOD')) {
    throw unsupported(
      'process.capabilities.bounding',
      'CAP_MKNOD without a user namespace lets a container use any device, and device rules are not supported yet',
    );
  }
  notes(
    'linux.resources.devices: foster does not support device rules; without CAP_MKNOD the container has only the default devices',
  );
}

interface KnownDevice {
  type: 'b' | 'c';
  major: number;
  minor: number;
  /** undefined where it is the terminal's. */
  mode?: number;
}

/** Devices that every container has: null(4), random(4), tty(4), console(4), pts(4). */
const DEFAULT_DEVICES: ReadonlyMap<string, KnownDevice> = new Map([
  ['/dev/null', { type: 'c', major: 1, minor: 3, mode: 0o666 }],
  ['/dev/zero', { type: 'c', major: 1, minor: 5, mode: 0o666 }],
  ['/dev/full', { type: 'c', major: 1, minor: 7, mode: 0o666 }],
  ['/dev/random', { type: 'c', major: 1, minor: 8, mode: 0o666 }],
  ['/dev/urandom', { type: 'c', major: 1, minor: 9, mode: 0o666 }],
  ['/dev/tty', { type: 'c', major: 5, minor: 0, mode: 0o666 }],
  ['/dev/console', { type: 'c', major: 5, minor: 1 }],
  ['/dev/ptmx', { type: 'c', major: 5, minor: 2, mode: 0o666 }],
]);
/** Those that come with a terminal and with /dev/pts. */
const OF_TERMINALS: readonly string[] = ['/dev/console', '/dev/ptmx'];

/** Devices cannot be created in a user namespace, so the host's are bound, as by other runtimes. */
function withDevices(root: string, mounts: Mount[], devices: Device[], facts: ConfigFacts): Mount[] {
  const requested = devices.flatMap((device, index) => {
    const place = posix.resolve('/', device.path);
    const known = DEFAULT_DEVICES.get(place);
    checkDevice(device, place, known ?? facts.device(place), `linux.devices[${index}]`);
    return known === undefined ? [place] : [];
  });
  return [...mounts, ...[...missingDevices(root, mounts, facts), ...requested].map(bindDevice)];
}

/** The default devices that neither a /dev of the container's own nor the root filesystem has. */
function missingDevices(root: string, mounts: Mount[], facts: ConfigFacts): string[] {
  const taken = new Set(mounts.map(({ destination }) => destination));
  if (taken.has('/dev')) return [];
  return [...DEFAULT_DEVICES.keys()].filter(
    (place) =>
      !OF_TERMINALS.includes(place) &&
      !taken.has(place) &&
      facts.device(posix.join(root, place)) === undefined,
  );
}

function bindDevice(place: string): Mount {
  return { destination: place, type: 'bind', source: place, options: ['bind', 'nosuid', 'noexec'] };
}

/** @throws FosterError if it is not the device that the container will have at that place */
function checkDevice(device: Device, place: string, found: KnownDevice | undefined, path: string): void {
  const { type, major, minor, fileMode, uid = 0, gid = 0 } = device;
  if (type === 'p') throw unsupported(`${path}.type`, 'FIFOs are not supported yet');
  const isSame =
    found !== undefined &&
    found.type === (type === 'b' ? 'b' : 'c') &&
    found.major === major &&
    found.minor === minor;
  if (!isSame)
    throw configError(
      `${path}.path`,
      `${place} on this machine is not that device, and foster cannot create one`,
    );
  if (uid !== 0 || gid !== 0)
    throw unsupported(path, "an owner other than root is not supported, because it is the host's device");
  if (fileMode !== undefined && found.mode !== undefined && (fileMode & 0o777) !== (found.mode & 0o777))
    throw unsupported(`${path}.fileMode`, "a mode other than the device's on this machine is not supported");
}

function linuxOf(
  linux: ConfigLinux,
  namespaces: Namespace[],
  maps: { uid: IdMapping[]; gid: IdMapping[] },
  facts: ConfigFacts,
): Linux {
  const seccomp = seccompOf(linux, facts);
  const paths = (all: string[] = []) => [...new Set(all.map((path) => posix.resolve('/', path)))];
  if (/^r?shared$/.test(linux.rootfsPropagation ?? '') && !namespaces.some(({ type }) => type === 'user'))
    throw unsupported('linux.rootfsPropagation', 'shared without a user namespace is not supported yet');
  return {
    namespaces,
    uidMappings: maps.uid,
    gidMappings: maps.gid,
    sysctl: linux.sysctl ?? {},
    ...resourcesOf(linux.resources),
    ...checkCgroupsPath(linux.cgroupsPath),
    ...(seccomp && { seccomp }),
    maskedPaths: paths(linux.maskedPaths),
    readonlyPaths: paths(linux.readonlyPaths),
    ...(linux.rootfsPropagation && { rootfsPropagation: linux.rootfsPropagation }),
    ...(linux.personality && { personality: linux.personality }),
    ...(linux.timeOffsets && { timeOffsets: linux.timeOffsets }),
  };
}

function seccompOf({ seccomp }: ConfigLinux, { architecture }: ConfigFacts): Seccomp | undefined {
  if (seccomp === undefined) return undefined;
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp;
  const [native] = SECCOMP_ARCHITECTURES[architecture] ?? [];
  const architectures = seccomp.architectures ?? (native === undefined ? undefined : [native]);
  return {
    defaultAction,
    ...(defaultErrnoRet !== undefined && { defaultErrnoRet }),
    syscalls,
    ...(architectures && { architectures }),
  };
}
