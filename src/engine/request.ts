import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type PodFlags, type PodRequest, toPodRequest } from '../spec/parse/pod-request.js';
import type { LimitFlags } from '../spec/parse/resources.js';
import { type MountFlag, type RunContext, type RunFlags, toRequest } from '../spec/parse/run-request.js';
import type { RunRequest } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { checkOptions, RUN_OPTIONS } from './check-options.js';
import type { CreateOptions, CreatePodOptions, LimitOptions } from './types.js';

function callerContext(): RunContext {
  return {
    cwd: process.cwd(),
    env: surroundings().env,
    exists: existsSync,
    readText: (path) => readFileSync(path, 'utf8'),
  };
}

/**
 * Turns the library's options into a request. The checks are those for the flags of the command.
 * @throws FosterError of the kind `invalid`, unless it says more, such as `unsupported`
 */
export async function requestOf(options: CreateOptions): Promise<RunRequest> {
  checkOptions(options, RUN_OPTIONS);
  const context = callerContext();
  try {
    return options.bundle === undefined
      ? rootRequest(options, context)
      : await bundleOf(options.bundle, options, context);
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    const { message, advice, cause } = error;
    const kind = error.kind === 'failed' ? 'invalid' : error.kind;
    throw new FosterError(message, { kind, cause, ...(advice !== undefined && { advice }) });
  }
}

/**
 * Turns the library's options of a pod into a request. The checks are those for the flags of the command.
 * @throws FosterError of the kind `invalid`
 */
export function podRequestOf(name: string | undefined, options: CreatePodOptions): PodRequest {
  const { share, infra, exitPolicy, volumes = [] } = options;
  const flags = given<PodFlags>({
    ...ownFlagsOf(options),
    share: share && (share.length === 0 ? 'none' : share.join(',')),
    infra,
    exitPolicy,
  });
  const mounts = volumes.map((value): MountFlag => ({ kind: 'volume', value }));
  // empty lists would count as options that were given
  const named = Object.entries(flags).filter(([, value]) => !isEmptyList(value));
  return toPodRequest(name, Object.fromEntries(named), mounts, callerContext());
}

function rootRequest(options: CreateOptions, context: RunContext): RunRequest {
  const { root, command = [], volumes = [], mounts = [], tmpfs = [] } = options;
  if (typeof root !== 'string' || root === '-')
    throw new FosterError(`root ${String(root)}: expected a directory, a file or the name of an image`);
  const flags: MountFlag[] = [
    ...volumes.map((value): MountFlag => ({ kind: 'volume', value })),
    ...mounts.map((value): MountFlag => ({ kind: 'mount', value })),
    ...tmpfs.map((value): MountFlag => ({ kind: 'tmpfs', value })),
  ];
  return toRequest(root, [...command], flagsOf(options), flags, context);
}

async function bundleOf(folder: string, options: CreateOptions, context: RunContext): Promise<RunRequest> {
  const inConfig = (['root', 'command', 'volumes', 'mounts', 'tmpfs'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (inConfig !== undefined)
    throw new FosterError(`${inConfig} and bundle cannot be used together`, {
      advice: 'change the config.json of the bundle',
    });
  const { bundleRequest } = await import('./bundles.js');
  const given = Object.entries(flagsOf(options)).filter(([, value]) => !isEmptyList(value));
  return bundleRequest(resolve(context.cwd, folder), Object.fromEntries(given), context);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The flags of the command that mean the same as the options, except for those of mounts. */
export function flagsOf(options: CreateOptions): RunFlags {
  const { log = {}, health } = options;
  return given<RunFlags>({
    name: options.name,
    replace: options.replace,
    pod: options.pod,
    initCtr: options.initContainer,
    rm: options.remove,
    rmi: options.removeImage,
    cidfile: options.cidfile,
    pidfile: options.pidfile,
    detachKeys: options.detachKeys,
    ...ownFlagsOf(options),
    labelFile: list(options.labelFiles),
    annotation: pairs(options.annotations),
    env: pairs(options.env),
    envFile: list(options.envFiles),
    envHost: options.envHost,
    envMerge: pairs(options.envMerge),
    unsetenv: list(options.unsetEnv),
    unsetenvAll: options.unsetEnvAll,
    httpProxy: options.httpProxy,
    workdir: options.workdir,
    user: options.user,
    groupAdd: list(options.groups),
    umask: options.umask,
    oomScoreAdj: textOf(options.oomScoreAdj),
    personality: options.personality,
    domainname: options.domainname,
    entrypoint: options.entrypoint && JSON.stringify(options.entrypoint),
    readOnly: options.readOnly,
    readOnlyTmpfs: options.readOnlyTmpfs,
    passwd: options.passwd,
    volumesFrom: options.volumesFrom && [...options.volumesFrom],
    imageVolume: options.imageVolumes,
    device: list(options.devices),
    shmSize: textOf(options.shmSize),
    tz: options.timezone,
    interactive: options.interactive,
    tty: options.tty,
    init: options.init,
    initSignalGroup: options.signalGroup,
    ulimit: list(options.ulimits),
    capAdd: list(options.capAdd),
    capDrop: list(options.capDrop),
    privileged: options.privileged,
    pid: options.pid,
    ipc: options.ipc,
    uts: options.uts,
    cgroupns: options.cgroupns,
    uidmap: options.uidmap && [...options.uidmap],
    gidmap: options.gidmap && [...options.gidmap],
    cgroupParent: options.cgroupParent,
    cgroupConf: pairs(options.cgroupConf),
    cgroups: options.cgroups,
    publishAll: options.publishAll,
    expose: list(options.expose),
    ip: options.ip,
    ip6: options.ip6,
    macAddress: options.macAddress,
    dnsSearch: options.dnsSearch && [...options.dnsSearch],
    dnsOption: options.dnsOptions && [...options.dnsOptions],
    hosts: options.noHosts ? false : undefined,
    ownHostname: options.noHostname ? false : undefined,
    stopSignal: options.stopSignal,
    stopTimeout: textOf(options.stopTimeout),
    timeout: textOf(options.timeLimit),
    pull: options.pull,
    platform: options.platform,
    tlsVerify: options.tlsVerify,
    rootfs: options.rootfs,
    maxUnpackedSize: textOf(options.maxUnpackedSize),
    ...(health === 'none'
      ? { healthcheck: false }
      : health && {
          healthCmd: health.command,
          healthInterval: milliseconds(health.interval),
          healthTimeout: milliseconds(health.timeout),
          healthStartPeriod: milliseconds(health.startPeriod),
          healthStartInterval: milliseconds(health.startInterval),
          healthRetries: textOf(health.retries),
          healthOnFailure: health.onFailure,
        }),
    logDriver: log.driver,
    logOpt: pairs(
      given<Record<string, string>>({
        'max-size': textOf(log.maxSize),
        'max-file': textOf(log.maxFiles),
        tag: log.tag,
        labels: log.labels?.join(','),
        env: log.env?.join(','),
      }),
    ),
  });
}

/** What a container and a pod can have. */
function ownFlagsOf(options: Omit<CreatePodOptions, 'share' | 'infra' | 'exitPolicy' | 'volumes'>): RunFlags {
  return given<RunFlags>({
    label: pairs(options.labels),
    hostname: options.hostname,
    network: options.network === undefined ? undefined : [options.network].flat(),
    publish: list(options.ports),
    networkAlias: list(options.networkAliases),
    dns: list(options.dns),
    addHost: Object.entries(options.hosts ?? {}).map(([name, address]) => `${name}:${address}`),
    ...limitFlags(options.limits),
    sysctl: pairs(options.sysctl),
    securityOpt: list(options.securityOpt),
    userns: options.userns,
    restart: options.restart,
  });
}

function textOf(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function milliseconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : `${value}ms`;
}

function pairs(record: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(record).map(([name, value]) => `${name}=${value}`);
}

function list(values: readonly string[] = []): string[] {
  return [...values];
}

/** The flags that ask for limits. */
export function limitFlags(limits: LimitOptions = {}): LimitFlags {
  return given<LimitFlags>({
    memory: textOf(limits.memory),
    memorySwap: textOf(limits.memorySwap),
    memoryReservation: textOf(limits.memoryReservation),
    memorySwappiness: textOf(limits.memorySwappiness),
    oomKillDisable: limits.oomKillDisable,
    cpus: textOf(limits.cpus),
    cpuShares: textOf(limits.cpuShares),
    cpuQuota: textOf(limits.cpuQuota),
    cpuPeriod: textOf(limits.cpuPeriod),
    cpuRtRuntime: textOf(limits.cpuRtRuntime),
    cpuRtPeriod: textOf(limits.cpuRtPeriod),
    cpusetCpus: limits.cpusetCpus,
    cpusetMems: limits.cpusetMems,
    pidsLimit: textOf(limits.pids),
    blkioWeight: textOf(limits.blkioWeight),
    blkioWeightDevice: ofDisks(limits.blkioWeightDevice),
    deviceReadBps: ofDisks(limits.deviceReadBps),
    deviceWriteBps: ofDisks(limits.deviceWriteBps),
    deviceReadIops: ofDisks(limits.deviceReadIops),
    deviceWriteIops: ofDisks(limits.deviceWriteIops),
    ignoreUnenforcedLimits: limits.ignoreUnenforced,
  });
}

function ofDisks(values: Readonly<Record<string, number>> = {}): string[] {
  return Object.entries(values).map(([disk, value]) => `${disk}:${value}`);
}

/** What is not undefined. */
function given<Flags extends object>(flags: { [Name in keyof Flags]: Flags[Name] | undefined }): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as Flags;
}
