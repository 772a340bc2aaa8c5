import { parseDuration } from '../spec/parse/duration.js';
import { fieldsLine } from '../spec/parse/fields-line.js';
import type { MountFlag, RunFlags } from '../spec/parse/run-request.js';
import type { Mount, NetworkUse, Port, Project, Service } from './project.js';
import { linkOf, networksOf, serviceIn } from './project.js';

/** How a container of a service is made. */
export interface ContainerPlan {
  /** The image. */
  root: string;
  command: string[];
  flags: RunFlags;
  mounts: MountFlag[];
  /** The command of the health check, if it is not for a shell. */
  healthCommand?: string[];
}

/** What is known only when a container is made. */
export interface Making {
  image: string;
  name: string;
  labels: Record<string, string>;
  /** `container:ID` and so on for a mode that names another service. */
  modeOf: (mode: string) => string;
  /** The container of `SERVICE[:ro]` in volumes_from. */
  containerOf: (service: string) => string;
}

/** Turns a service into options of `foster run`, which checks them. */
export function runFlags(project: Project, name: string, service: Service, making: Making): ContainerPlan {
  const mode = (value: string | undefined) =>
    value === undefined ? undefined : serviceIn(value) === undefined ? value : making.modeOf(value);
  const health = healthFlags(service);
  const flags: Record<keyof RunFlags, unknown> | Record<string, unknown> = {
    name: making.name,
    label: pairs({ ...service.labels, ...making.labels }),
    labelFile: service.label_file,
    annotation: pairs(service.annotations),
    env: variables(service.environment),
    entrypoint: service.entrypoint && JSON.stringify(service.entrypoint),
    user: service.user,
    workdir: service.working_dir,
    hostname: service.hostname,
    domainname: service.domainname,
    init: service.init,
    interactive: service.stdin_open,
    tty: service.tty,
    privileged: service.privileged,
    readOnly: service.read_only,
    groupAdd: service.group_add?.map(String),
    capAdd: service.cap_add,
    capDrop: service.cap_drop,
    securityOpt: service.security_opt,
    device: service.devices?.map(({ source, target, permissions }) => `${source}:${target}:${permissions}`),
    shmSize: text(service.shm_size),
    ulimit: Object.entries(service.ulimits ?? {}).map(([key, { soft, hard }]) => `${key}=${soft}:${hard}`),
    sysctl: pairs(service.sysctls),
    stopSignal: service.stop_signal,
    stopTimeout: graceOf(service),
    restart: restartOf(service),
    logDriver: service.logging?.driver,
    logOpt: pairs(service.logging?.options),
    oomScoreAdj: text(service.oom_score_adj),
    pid: mode(service.pid),
    ipc: mode(service.ipc),
    uts: service.uts,
    cgroupns: service.cgroup,
    userns: service.userns_mode,
    platform: service.platform,
    volumesFrom: service.volumes_from?.map((one) => volumesFrom(one, making)),
    dns: service.dns,
    dnsSearch: service.dns_search,
    dnsOption: service.dns_opt,
    addHost: Object.entries(service.extra_hosts ?? {}).flatMap(([host, addresses]) =>
      addresses.map((address) => `${host}:${address}`),
    ),
    expose: service.expose,
    publish: service.ports?.map(publishOf),
    network: networkFlags(project, name, service, mode),
    ...limitFlags(service),
    ...health.flags,
  };
  return {
    root: making.image,
    command: service.command ?? [],
    flags: Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as RunFlags,
    mounts: [
      ...(service.volumes ?? []).map((one) => mountFlag(project, one)),
      ...(service.tmpfs ?? []).map((value): MountFlag => ({ kind: 'tmpfs', value })),
      ...fileMounts(project, service),
    ],
    ...(health.command && { healthCommand: health.command }),
  };
}

/** The fields of a service that become these options, for errors: `--shm-size` is about `shm_size`. */
export function fieldOfFlag(flag: string): string | undefined {
  const field = FLAG_FIELDS[flag];
  if (field !== undefined) return field;
  const own = flag.replace(/^--/, '').replaceAll('-', '_');
  return SAME.includes(own) ? own : undefined;
}

const SAME = (
  'user hostname domainname privileged read_only cap_add cap_drop security_opt shm_size stop_signal restart pid ipc uts platform ' +
  'dns dns_search expose volumes_from tmpfs cpus cpu_shares cpu_quota cpu_period mac_address oom_score_adj'
).split(' ');

const FLAG_FIELDS: Readonly<Record<string, string>> = {
  '-e': 'environment',
  '--add-host': 'extra_hosts',
  '--annotation': 'annotations',
  '--cgroupns': 'cgroup',
  '--cpuset-cpus': 'cpuset',
  '--device': 'devices',
  '--dns-option': 'dns_opt',
  '--group-add': 'group_add',
  '--health-cmd': 'healthcheck',
  '--health-interval': 'healthcheck.interval',
  '--health-retries': 'healthcheck.retries',
  '--health-start-interval': 'healthcheck.start_interval',
  '--health-start-period': 'healthcheck.start_period',
  '--health-timeout': 'healthcheck.timeout',
  '--label': 'labels',
  '--label-file': 'label_file',
  '--log-driver': 'logging.driver',
  '--log-opt': 'logging.options',
  '--memory': 'mem_limit',
  '--memory-reservation': 'mem_reservation',
  '--memory-swap': 'memswap_limit',
  '--memory-swappiness': 'mem_swappiness',
  '--mount': 'volumes',
  '--network': 'networks',
  '--network-alias': 'networks',
  '--pids-limit': 'pids_limit',
  '--publish': 'ports',
  '--stop-timeout': 'stop_grace_period',
  '--sysctl': 'sysctls',
  '--ulimit': 'ulimits',
  '--userns': 'userns_mode',
  '--workdir': 'working_dir',
};

function text(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function pairs(record: Record<string, string | number | null> = {}): string[] {
  return Object.entries(record).map(([key, value]) => `${key}=${value ?? ''}`);
}

/** One without a value is not set. */
function variables(environment: Service['environment'] = {}): string[] {
  return Object.entries(environment).flatMap(([key, value]) => (value === null ? [] : [`${key}=${value}`]));
}

/** Whole seconds: less than one is one, so that there is some time at all. */
function graceOf({ stop_grace_period }: Service): string | undefined {
  if (stop_grace_period === undefined) return undefined;
  return String(Math.ceil(parseDuration('--stop-timeout', stop_grace_period) / 1000));
}

function volumesFrom(one: string, { containerOf }: Making): string {
  if (one.startsWith('container:')) return one.slice('container:'.length);
  const [service = '', ...mode] = one.split(':');
  return [containerOf(service), ...mode].join(':');
}

/** `restart`, or else what deploy says. */
function restartOf({ restart, deploy }: Service): string | undefined {
  if (restart !== undefined) return restart;
  const { condition = 'any', max_attempts } = deploy?.restart_policy ?? {};
  if (deploy?.restart_policy === undefined || condition === 'none') return undefined;
  if (condition === 'on-failure')
    return max_attempts === undefined ? condition : `on-failure:${max_attempts}`;
  return 'always';
}

export function publishOf({ host_ip, published, target, protocol }: Port): string {
  const ip = host_ip === undefined ? [] : [host_ip.includes(':') ? `[${host_ip}]` : host_ip];
  const outside = published === undefined ? (ip.length > 0 ? [''] : []) : [published];
  return `${[...ip, ...outside, target].join(':')}/${protocol}`;
}

/** Those with the highest priority come first. */
function networkFlags(
  project: Project,
  name: string,
  service: Service,
  mode: (value: string | undefined) => string | undefined,
): string[] {
  if (service.network_mode !== undefined) return [mode(service.network_mode) ?? ''];
  const uses = Object.entries(networksOf(service)).toSorted(
    ([, one], [, other]) => (other?.priority ?? 0) - (one?.priority ?? 0),
  );
  const names = uses.map(([key, use], index) =>
    networkFlag(project.networks[key]?.name ?? key, {
      ...use,
      ...(use?.mac_address === undefined &&
        index === 0 &&
        service.mac_address !== undefined && { mac_address: service.mac_address }),
      aliases: [name, ...(use?.aliases ?? []), ...linkAliases(project, name, key)],
    }),
  );
  return names.length === 0 ? ['none'] : names;
}

/** The names that other services give this one, in a network of both. */
function linkAliases({ services }: Project, name: string, network: string): string[] {
  return Object.values(services).flatMap((other) =>
    Object.hasOwn(networksOf(other), network)
      ? (other.links ?? []).map(linkOf).flatMap(({ service, alias }) => (service === name ? [alias] : []))
      : [],
  );
}

function networkFlag(name: string, use: NetworkUse): string {
  const options = [
    ...[...new Set(use.aliases ?? [])].map((alias) => `alias=${alias}`),
    ...(use.ipv4_address === undefined ? [] : [`ip=${use.ipv4_address}`]),
    ...(use.ipv6_address === undefined ? [] : [`ip6=${use.ipv6_address}`]),
    ...(use.mac_address === undefined ? [] : [`mac=${use.mac_address}`]),
    ...(use.gw_priority === undefined ? [] : [`gw-priority=${use.gw_priority}`]),
    ...(use.interface_name === undefined ? [] : [`interface_name=${use.interface_name}`]),
    ...Object.entries(use.driver_opts ?? {}).map(([key, value]) => `driver-opt=${key}=${value}`),
  ];
  return options.length === 0 ? name : `${name}:${options.join(',')}`;
}

function limitFlags(service: Service): Record<string, unknown> {
  const { limits = {}, reservations = {} } = service.deploy?.resources ?? {};
  const { blkio_config: block = {} } = service;
  const rates = (list: { path: string; rate: number | string }[] | undefined) =>
    list?.map(({ path, rate }) => `${path}:${rate}`);
  return {
    memory: text(service.mem_limit ?? limits.memory),
    memoryReservation: text(service.mem_reservation ?? reservations.memory),
    memorySwap: text(service.memswap_limit),
    memorySwappiness: text(service.mem_swappiness),
    oomKillDisable: service.oom_kill_disable,
    cpus: text(service.cpus ?? limits.cpus),
    cpuShares: text(service.cpu_shares),
    cpuQuota: text(service.cpu_quota),
    cpuPeriod: text(service.cpu_period),
    cpuRtRuntime: text(service.cpu_rt_runtime),
    cpuRtPeriod: text(service.cpu_rt_period),
    cpusetCpus: service.cpuset,
    cgroupParent: service.cgroup_parent,
    pidsLimit: text(service.pids_limit ?? limits.pids),
    blkioWeight: text(block.weight),
    blkioWeightDevice: block.weight_device?.map(({ path, weight }) => `${path}:${weight}`),
    deviceReadBps: rates(block.device_read_bps),
    deviceReadIops: rates(block.device_read_iops),
    deviceWriteBps: rates(block.device_write_bps),
    deviceWriteIops: rates(block.device_write_iops),
  };
}

function healthFlags({ healthcheck: check }: Service): {
  flags: Record<string, unknown>;
  command?: string[];
} {
  if (check === undefined) return { flags: {} };
  const [kind, ...words] = check.test ?? [];
  if (check.disable || kind === 'NONE') return { flags: { healthcheck: false } };
  const flags = {
    healthCmd: kind === undefined ? undefined : words.join(' '),
    healthInterval: check.interval,
    healthTimeout: check.timeout,
    healthStartPeriod: check.start_period,
    healthStartInterval: check.start_interval,
    healthRetries: text(check.retries),
  };
  return { flags, ...(kind === 'CMD' && { command: words }) };
}

function mountFlag(project: Project, mount: Mount): MountFlag {
  const { type, source, target, read_only, bind, volume, tmpfs } = mount;
  const mode = tmpfs?.mode;
  return {
    kind: 'mount',
    value: fieldsLine(
      {
        type,
        source: type === 'volume' && source !== undefined ? project.volumes[source]?.name : source,
        target,
        readonly: read_only ? 'true' : undefined,
        'bind-propagation': bind?.propagation,
        'bind-recursive': bind?.recursive,
        'volume-nocopy': volume?.nocopy ? 'true' : undefined,
        'volume-subpath': volume?.subpath,
        'tmpfs-size': text(tmpfs?.size),
        'tmpfs-mode': typeof mode === 'number' ? mode.toString(8) : mode,
      },
      Object.entries(volume?.labels ?? {}).map(([key, value]) => `volume-label=${key}=${value}`),
    ),
  };
}

/** Where a secret or config is in a container. */
export function placeOf(
  kind: 'secrets' | 'configs',
  { source, target }: { source: string; target?: string },
): string {
  if (target?.startsWith('/')) return target;
  return kind === 'secrets' ? `/run/secrets/${target ?? source}` : `/${target ?? source}`;
}

/** Secrets and configs that are files are mounted; others are copied: engine/compose. */
function fileMounts(project: Project, service: Service): MountFlag[] {
  return (['secrets', 'configs'] as const).flatMap((kind) =>
    (service[kind] ?? []).flatMap((use): MountFlag[] => {
      const { file } = project[kind][use.source] ?? {};
      if (file === undefined) return [];
      const value = fieldsLine({ type: 'bind', source: file, target: placeOf(kind, use), readonly: 'true' });
      return [{ kind: 'mount', value }];
    }),
  );
}
