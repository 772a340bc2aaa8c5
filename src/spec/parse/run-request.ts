import { posix, resolve } from 'node:path';
import { resolveCapabilities } from '../../sys/capabilities.js';
import { FosterError } from '../../sys/errors.js';
import { parseAddHost, parseDns, parseDnsOption, parseDnsSearch } from '../hosts.js';
import { parseDomainname, parseHostname, parseName } from '../names.js';
import type { RequestedMount, RunRequest, Written } from '../request.js';
import type { Mount } from '../types.js';
import { parseDetachKeys } from './detach-keys.js';
import { parseDevice } from './devices.js';
import { callersEnv, callersVariable, type Environment, parseEnv, parseEnvFile } from './environment.js';
import { flagError, parseBoolean, unsupportedValue } from './flag.js';
import { readFlagFile } from './flag-file.js';
import { type HealthFlags, parseHealth } from './health.js';
import { annotationsOf, labelsOf } from './labels.js';
import { parseLogging } from './logging.js';
import { parseMount } from './mount.js';
import { parseHostOrPrivate, parseIds, parseIpc, parsePid, parseUserns } from './namespaces.js';
import { type NetworkFlags, parseNetworks, parsePublish, usualNetwork } from './network.js';
import { type PlatformFlags, parsePull, platformOf } from './platform.js';
import { type InPodFlags, wantedPod } from './pod.js';
import {
  parseAttached,
  parseDescriptorCount,
  parseExpose,
  parseGroups,
  parseOomScore,
  parsePersonality,
  parseTimezone,
  parseUmask,
} from './process.js';
import { type LimitFlags, parseLimits } from './resources.js';
import { parseRestart } from './restart.js';
import { parseSecurityOptions } from './security-options.js';
import { parseSignal } from './signals.js';
import { parseSize } from './sizes.js';
import { parseSysctl } from './sysctl.js';
import { parseUlimits } from './ulimits.js';
import {
  checkDuplicateMounts,
  type PathContext,
  parseTmpfs,
  parseVolume,
  parseVolumesFrom,
} from './volumes.js';

/** The options of `foster run` as strings; undefined if not given. */
export interface RunFlags extends HealthFlags, PlatformFlags, LimitFlags, NetworkFlags, InPodFlags {
  name?: string;
  replace?: boolean;
  rm?: boolean;
  rmi?: boolean;
  preserveFds?: string;
  label?: string[];
  labelFile?: string[];
  annotation?: string[];
  cidfile?: string;
  detach?: boolean;
  pull?: string;
  quiet?: boolean;
  tlsVerify?: boolean;
  rootfs?: boolean;
  detachKeys?: string;
  attach?: string[];
  sigProxy?: boolean;
  pidfile?: string;
  restart?: string;
  logOpt?: string[];
  logDriver?: string;
  interactive?: boolean;
  tty?: boolean;
  env?: string[];
  envFile?: string[];
  envHost?: boolean;
  envMerge?: string[];
  unsetenv?: string[];
  unsetenvAll?: boolean;
  httpProxy?: boolean;
  workdir?: string;
  user?: string;
  groupAdd?: string[];
  umask?: string;
  oomScoreAdj?: string;
  personality?: string;
  tz?: string;
  entrypoint?: string;
  stopSignal?: string;
  stopTimeout?: string;
  timeout?: string;
  readOnly?: boolean;
  readOnlyTmpfs?: boolean;
  device?: string[];
  shmSize?: string;
  volumesFrom?: string[];
  imageVolume?: string;
  passwd?: boolean;
  maxUnpackedSize?: string;
  hostname?: string;
  domainname?: string;
  dns?: string[];
  dnsSearch?: string[];
  dnsOption?: string[];
  addHost?: string[];
  /** false for --no-hosts */
  hosts?: boolean;
  /** false for --no-hostname */
  ownHostname?: boolean;
  expose?: string[];
  pid?: string;
  userns?: string;
  uidmap?: string[];
  gidmap?: string[];
  ipc?: string;
  uts?: string;
  cgroupns?: string;
  systemd?: string;
  sdnotify?: string;
  ulimit?: string[];
  sysctl?: string[];
  capAdd?: string[];
  capDrop?: string[];
  securityOpt?: string[];
  privileged?: boolean;
  init?: boolean;
  initSignalGroup?: boolean;
  initVerbose?: boolean;
  dryRun?: boolean;
  explain?: boolean;
}

/** A -v, --mount or --tmpfs with its value, in command-line order. */
export interface MountFlag {
  kind: 'volume' | 'mount' | 'tmpfs';
  value: string;
}

/** The parts of the caller's environment that flags refer to. */
export interface RunContext extends PathContext {
  env: Environment;
  /** The whole command line, if there is one. */
  commandLine?: string[];
  /** Reads a text file; throws as node:fs does. */
  readText: (path: string) => string;
}

/** Seconds. */
const DEFAULT_STOP_TIMEOUT = 10;

/** Bytes. */
const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/**
 * Converts the options of `foster run` to a request. Checks each option, and their combinations.
 * @throws FosterError
 */
export function toRequest(
  root: string,
  command: string[],
  options: RunFlags,
  mountFlags: MountFlag[],
  context: RunContext,
): RunRequest {
  if (root === '')
    throw flagError('ROOT', root, 'expected a directory, a tar file, - or the name of a recipe');
  const init = options.init ?? true;
  if (!init && (options.initSignalGroup || options.initVerbose)) {
    const flag = options.initSignalGroup ? '--init-signal-group' : '--init-verbose';
    throw new FosterError(`${flag} and --no-init cannot be used together`);
  }
  const { network, networks, networkContainer, networkPath, pastaOptions } = parseNetworks(
    options,
    usualNetwork(context.env.FOSTER_NETWORK),
  );
  const privileged = options.privileged ?? false;
  const [uts, ipc] = [parseHostOrPrivate('--uts', options.uts ?? ''), parseIpc(options.ipc ?? '')];
  checkManagers(options);
  const security = parseSecurityOptions(options.securityOpt ?? [], context);
  const capabilitiesAdded = [...(privileged ? ['ALL'] : []), ...splitCommas(options.capAdd)];
  const request: RunRequest = {
    root: options.rootfs ? rootfsOf(root, context) : root,
    command,
    name: ifGiven(options.name, parseName),
    replace: options.replace ?? false,
    rm: (options.rm ?? false) || (options.rmi ?? false),
    removesImage: options.rmi ?? false,
    detach: options.detach ?? false,
    attached: parseAttached(options.attach),
    passSignals: options.sigProxy ?? true,
    detachKeys: parseDetachKeys(options.detachKeys),
    restart: parseRestart(options.restart ?? 'no'),
    isRestartUsual: options.restart === undefined,
    pod: wantedPod(options, context),
    logging: parseLogging(options.logDriver, options.logOpt ?? []),
    ...parseHealth(options),
    pull: parsePull(options.pull ?? 'missing'),
    platform: platformOf(options, process.arch),
    quiet: options.quiet ?? false,
    tlsVerify: options.tlsVerify ?? true,
    cidfile: ifGiven(options.cidfile, (file) => resolve(context.cwd, file)),
    pidfile: ifGiven(options.pidfile, (file) => resolve(context.cwd, file)),
    labels: labelsOf(options.labelFile ?? [], options.label ?? [], (file) =>
      readFlagFile('--label-file', file, context),
    ),
    annotations: annotationsOf(options.annotation ?? []),
    keptDescriptors: parseDescriptorCount(options.preserveFds),
    interactive: options.interactive ?? false,
    tty: options.tty ?? false,
    init,
    initSignalGroup: options.initSignalGroup ?? false,
    initVerbose: options.initVerbose ?? false,
    entrypoint: ifGiven(options.entrypoint, parseEntrypoint),
    env: parseEnvironment(options, context),
    defaultEnv: {
      fromCaller: callersVariables(options, context),
      merge: options.envMerge ?? [],
      unset: options.unsetenv ?? [],
      unsetAll: options.unsetenvAll ?? false,
    },
    workdir: ifGiven(options.workdir, parseWorkdir),
    user: options.user || undefined,
    groups: parseGroups(options.groupAdd ?? []),
    umask: ifGiven(options.umask, parseUmask),
    oomScoreAdj: ifGiven(options.oomScoreAdj, parseOomScore),
    personality: ifGiven(options.personality, parsePersonality),
    hostname: ifGiven(options.hostname, parseHostname),
    domainname: ifGiven(options.domainname || undefined, parseDomainname),
    mounts: [
      ...mountFlags.map((flag) => parseMountFlag(flag, context)),
      ...(options.readOnly && options.readOnlyTmpfs ? writableFolders(mountFlags) : []),
    ],
    volumesFrom: (options.volumesFrom ?? []).map(parseVolumesFrom),
    imageVolumes: parseImageVolumes(options.imageVolume ?? 'volume'),
    devices: (options.device ?? []).map((value) => parseDevice(value, context)),
    timezone: ifGiven(options.tz || undefined, (value) => parseTimezone(value, context)),
    shmSize: ifGiven(options.shmSize, (size) => parseSize('--shm-size', size)) ?? DEFAULT_SHM_SIZE,
    readOnly: options.readOnly ?? false,
    network,
    networks,
    networkContainer,
    networkPath,
    pastaOptions,
    isNetworkUsual: options.network === undefined,
    ports: (options.publish ?? []).flatMap(parsePublish),
    publishAll: options.publishAll ?? false,
    pid: parsePid(options.pid ?? ''),
    userns: parseUserns(options.userns ?? ''),
    ids: parseIds(options.userns ?? '', options.uidmap, options.gidmap),
    ipc,
    uts,
    cgroupns: parseHostOrPrivate('--cgroupns', options.cgroupns ?? ''),
    rlimits: parseUlimits(options.ulimit ?? []),
    limits: parseLimits(options),
    sysctl: parseSysctls(options.sysctl ?? [], { network, ipc, uts }),
    dns: (options.dns ?? []).filter((value) => value !== 'none').map(parseDns),
    dnsSearch: options.dnsSearch && parseDnsSearch(options.dnsSearch),
    dnsOptions: options.dnsOption?.map(parseDnsOption),
    addHosts: (options.addHost ?? []).map(parseAddHost),
    ownFiles: {
      hosts: options.hosts ?? true,
      hostname: options.ownHostname ?? true,
      resolvConf: !options.dns?.includes('none'),
      accounts: options.passwd ?? true,
    },
    expose: (options.expose ?? []).map(parseExpose),
    capabilities: resolveCapabilities(capabilitiesAdded, splitCommas(options.capDrop)),
    wantsMknod: capabilitiesAdded.some((name) => /^(all|(cap_)?mknod)$/i.test(name)),
    noNewPrivileges: security.noNewPrivileges ?? !privileged,
    seccomp: security.seccomp ?? (privileged ? 'unconfined' : 'default'),
    kernelPaths: security.kernelPaths,
    privileged,
    stopSignal: ifGiven(options.stopSignal, (signal) => parseSignal('--stop-signal', signal)),
    stopTimeout:
      ifGiven(options.stopTimeout, (value) => parseSeconds('--stop-timeout', value)) ?? DEFAULT_STOP_TIMEOUT,
    timeLimit: ifGiven(options.timeout, (value) => parseSeconds('--timeout', value)) ?? 0,
    maxUnpackedSize: ifGiven(options.maxUnpackedSize, (size) => parseSize('--max-unpacked-size', size)),
    dryRun: options.dryRun ?? false,
    explain: options.explain ?? false,
    written: writtenOf(options, mountFlags, context),
  };
  checkDuplicateMounts([...request.mounts, ...request.devices]);
  checkCombinations(request, options);
  return request;
}

function checkCombinations(request: RunRequest, options: RunFlags): void {
  if (request.rm && request.restart.policy !== 'no')
    throw new FosterError(`${request.removesImage ? '--rmi' : '--rm'} and --restart cannot be used together`);
  if (request.keptDescriptors > 0 && request.restart.policy !== 'no')
    throw new FosterError('--preserve-fds and --restart cannot be used together', {
      kind: 'invalid',
      advice: 'the descriptors of this command are there for one start only',
    });
  if (request.detach && request.initVerbose) {
    throw new FosterError('--init-verbose and --detach cannot be used together', {
      advice: "see 'foster events' instead",
    });
  }
  if (request.detach && options.attach !== undefined)
    throw new FosterError('--attach and --detach cannot be used together', { kind: 'invalid' });
  const kills = (typeof request.health === 'object' ? request.health : request.healthChanges)?.kills;
  if ((request.timeLimit > 0 || kills) && request.pid.kind !== 'private')
    throw new FosterError(
      `${kills ? '--health-on-failure' : '--timeout'} and --pid cannot be used together`,
      {
        kind: 'invalid',
        advice: 'the processes of the container could not be distinguished from others',
      },
    );
  if (request.ids.uid !== undefined && request.pid.kind === 'container')
    throw new FosterError('--uidmap and --pid container cannot be used together', {
      kind: 'invalid',
      advice: 'the container has the ids of the other one',
    });
  if (request.replace && request.name === undefined)
    throw new FosterError('--replace needs --name', { kind: 'invalid' });
  if (!request.ownFiles.hosts && request.addHosts.length > 0)
    throw new FosterError('--no-hosts and --add-host cannot be used together', { kind: 'invalid' });
  if (options.dns?.includes('none') && options.dns.length > 1)
    throw flagError('--dns', 'none', 'it cannot be used together with other servers');
  if (request.network === 'container') checkSharedNetwork(request);
  if (request.network === 'ns') checkJoinedNetwork(request);
  if (request.network === 'pasta' && request.pid.kind === 'container')
    throw new FosterError('--network pasta and --pid container: cannot be used together', {
      kind: 'unsupported',
      advice: 'use --network bridge',
    });
  if (request.uts === 'host' && (request.hostname ?? request.domainname) !== undefined)
    throw new FosterError('--hostname and --uts host cannot be used together', {
      kind: 'invalid',
      advice: 'the name of the host would change',
    });
  if (request.detach && request.logging.driver === 'passthrough')
    throw unsupportedValue('--log-driver', 'passthrough', 'with --detach nobody reads it', 'leave out -d');
}

/** Refuses options of a network that another container owns. @throws FosterError */
function checkSharedNetwork(request: RunRequest): void {
  const { pid, hostname, domainname, dns, dnsSearch, dnsOptions, addHosts, ports, publishAll } = request;
  const given: [string, boolean][] = [
    ['--pid container:', pid.kind === 'container'],
    ['--hostname', hostname !== undefined],
    ['--domainname', domainname !== undefined],
    ['--dns', dns.length > 0],
    ['--dns-search', dnsSearch !== undefined],
    ['--dns-option', dnsOptions !== undefined],
    ['--add-host', addHosts.length > 0],
    ['--publish', ports.length > 0 || publishAll],
  ];
  const [flag] = given.find(([, isGiven]) => isGiven) ?? [];
  if (flag === undefined) return;
  throw new FosterError(`${flag} and --network container: cannot be used together`, {
    kind: 'invalid',
    advice: 'use it with the other container, which owns the network',
  });
}

/** The user namespace comes with the network namespace. @throws FosterError */
function checkJoinedNetwork({ pid, userns, ids, ports, publishAll }: RunRequest): void {
  const isOwnUsers = (userns !== 'default' && userns !== 'host') || ids.uid !== undefined;
  const given: [string, boolean, string][] = [
    ['--pid container:', pid.kind === 'container', 'a container is in one user namespace'],
    ['--userns', isOwnUsers, 'the users are those of the user namespace that owns the network namespace'],
    ['--publish', ports.length > 0 || publishAll, 'whoever has made the network namespace connects it'],
  ];
  const [flag, , why] = given.find(([, isGiven]) => isGiven) ?? [];
  if (flag === undefined || why === undefined) return;
  throw new FosterError(`${flag} and --network ns: cannot be used together`, {
    kind: 'invalid',
    advice: why,
  });
}

/** The folders that stay writable with `--read-only`, as in Podman. */
function writableFolders(flags: MountFlag[]): Mount[] {
  const taken = flags.map(({ value }) => value);
  return ['/run', '/tmp', '/var/tmp']
    .filter((folder) => !taken.some((value) => new RegExp(`(^|[:=])${folder}([:,]|$)`).test(value)))
    .map((folder) => parseTmpfs(`${folder}:rw,mode=${folder === '/run' ? '755' : '1777'}`));
}

/** Checks Podman's options for systemd in the container and on the host. */
function checkManagers({ systemd = 'false', sdnotify = 'ignore' }: RunFlags): void {
  const isWanted = systemd === 'always' || parseBoolean('--systemd', systemd);
  if (isWanted)
    throw unsupportedValue('--systemd', systemd, 'systemd cannot be PID 1 of a container', 'leave it out');
  if (sdnotify === 'ignore') return;
  if (!['container', 'conmon', 'healthy'].includes(sdnotify))
    throw flagError('--sdnotify', sdnotify, 'expected ignore');
  throw unsupportedValue(
    '--sdnotify',
    sdnotify,
    'systemd of the host is told nothing',
    'use --sdnotify ignore',
  );
}

/** With --rootfs, ROOT is a directory whatever it looks like; changes go to the container's own layer, as with Podman's `:O`. */
function rootfsOf(root: string, context: RunContext): string {
  const path = resolve(context.cwd, root.replace(/:O$/, ''));
  if (!context.exists(path)) throw flagError('--rootfs', root, `${path} does not exist`);
  return path;
}

function writtenOf(options: RunFlags, mounts: MountFlag[], { commandLine }: RunContext): Written {
  const values = (kind: MountFlag['kind']) =>
    mounts.filter((one) => one.kind === kind).map(({ value }) => value);
  return {
    binds: values('volume').filter((value) => value.includes(':')),
    tmpfs: Object.fromEntries(
      values('tmpfs').map((value) => {
        const [destination = '', ...rest] = value.split(':');
        return [destination, rest.join(':')];
      }),
    ),
    capAdd: splitCommas(options.capAdd),
    capDrop: splitCommas(options.capDrop),
    securityOpt: options.securityOpt ?? [],
    userns: options.userns ?? '',
    ...(options.volumesFrom && { volumesFrom: options.volumesFrom }),
    ...(commandLine && { command: commandLine }),
  };
}

/** Podman's words; `bind` is an old word for a volume. */
function parseImageVolumes(value: string): RunRequest['imageVolumes'] {
  if (value === 'anonymous' || value === 'bind' || value === 'volume') return 'volume';
  if (value === 'tmpfs' || value === 'ignore') return value;
  throw flagError('--image-volume', value, 'expected anonymous, tmpfs or ignore');
}

function ifGiven<T>(value: string | undefined, parse: (value: string) => T): T | undefined {
  return value === undefined ? undefined : parse(value);
}

function splitCommas(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(','));
}

function parseMountFlag({ kind, value }: MountFlag, context: RunContext): RequestedMount {
  switch (kind) {
    case 'volume':
      return parseVolume(value, context);
    case 'mount':
      return parseMount(value, context);
    case 'tmpfs':
      return parseTmpfs(value);
  }
}

const PROXIES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy'];

/** The caller's variables that are passed on although no option names them. */
function callersVariables({ httpProxy, envHost }: RunFlags, { env }: RunContext): string[] {
  if (envHost) return callersEnv(env, '');
  const proxies = PROXIES.flatMap((name) => [name, name.toUpperCase()]);
  return httpProxy ? proxies.flatMap((name) => callersVariable(env, name)) : [];
}

/** Variables of all --env-file options, then of all -e options, as in Docker. */
function parseEnvironment(options: RunFlags, context: RunContext): string[] {
  const fromFiles = (options.envFile ?? []).flatMap((file) =>
    parseEnvFile(readFlagFile('--env-file', file, context), file, context.env),
  );
  const fromFlags = (options.env ?? []).flatMap((value) => parseEnv(value, context.env));
  return [...fromFiles, ...fromFlags];
}

/** A command, or as in Podman a JSON array of a command and arguments; '' clears the image's. */
function parseEntrypoint(value: string): string[] {
  if (value === '') return [];
  if (!value.startsWith('[')) return [value];
  const words = parseJson(value);
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) {
    throw flagError('--entrypoint', value, 'expected a command or a JSON array of strings');
  }
  return words;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseWorkdir(value: string): string {
  if (!value.startsWith('/'))
    throw flagError('--workdir', value, 'expected an absolute path in the container');
  return posix.resolve('/', value);
}

function parseSysctls(
  values: string[],
  modes: Pick<RunRequest, 'network' | 'ipc' | 'uts'>,
): Record<string, string> {
  const parsed = values.map((value) => parseSysctl(value, modes));
  return Object.fromEntries(parsed.map(({ name, value }) => [name, value]));
}

/** Seconds. setitimer(2) and poll(2) limit milliseconds to 31 bits. */
function parseSeconds(flag: string, value: string): number {
  const seconds = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= 2_147_483)) throw flagError(flag, value, 'expected a whole number of seconds');
  return seconds;
}
