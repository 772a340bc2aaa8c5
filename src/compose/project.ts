/** What a Compose file means: a project, with everything in long forms and with absolute paths. */
export interface Project {
  name: string;
  /** Absolute path. */
  folder: string;
  /** Absolute paths, or `-`. */
  files: string[];
  /** In the order of their names. Those of profiles that are not active are not here. */
  services: Record<string, Service>;
  /** Services of profiles that are not active. */
  inactive: Record<string, Service>;
  networks: Record<string, Network>;
  volumes: Record<string, Volume>;
  secrets: Record<string, FileSource>;
  configs: Record<string, FileSource>;
  extensions: Record<string, unknown>;
  /** The variables of the caller, and those of `.env`: for secrets, configs and arguments of builds that name one. */
  env: Readonly<Record<string, string | undefined>>;
  /** Where something of the project is in its files, for errors: `compose.yaml:12:5: services.web.ports`. */
  where(path: readonly (string | number)[]): string;
}

export interface Service {
  annotations?: Record<string, string>;
  attach?: boolean;
  blkio_config?: BlockLimits;
  build?: Build;
  cap_add?: string[];
  cap_drop?: string[];
  cgroup?: string;
  cgroup_parent?: string;
  command?: string[];
  configs?: FileUse[];
  container_name?: string;
  cpu_period?: number | string;
  cpu_quota?: number | string;
  cpu_rt_period?: number | string;
  cpu_rt_runtime?: number | string;
  cpu_shares?: number | string;
  cpus?: number | string;
  cpuset?: string;
  depends_on?: Record<string, Dependency>;
  deploy?: Deploy;
  develop?: { watch?: WatchRule[] };
  devices?: { source: string; target: string; permissions: string }[];
  dns?: string[];
  dns_opt?: string[];
  dns_search?: string[];
  domainname?: string;
  entrypoint?: string[];
  env_file?: EnvFile[];
  /** Values of env_file included; null for one that the caller does not have. */
  environment?: Record<string, string | null>;
  expose?: string[];
  extra_hosts?: Record<string, string[]>;
  group_add?: (string | number)[];
  healthcheck?: Healthcheck;
  hostname?: string;
  image?: string;
  init?: boolean;
  ipc?: string;
  label_file?: string[];
  labels?: Record<string, string>;
  links?: string[];
  logging?: { driver?: string; options?: Record<string, string | number | null> };
  mac_address?: string;
  mem_limit?: number | string;
  mem_reservation?: number | string;
  mem_swappiness?: number | string;
  memswap_limit?: number | string;
  network_mode?: string;
  networks?: Record<string, NetworkUse | null>;
  oom_kill_disable?: boolean;
  oom_score_adj?: number | string;
  pid?: string;
  pids_limit?: number | string;
  platform?: string;
  ports?: Port[];
  post_start?: Hook[];
  pre_stop?: Hook[];
  privileged?: boolean;
  profiles?: string[];
  pull_policy?: string;
  read_only?: boolean;
  restart?: string;
  scale?: number | string;
  secrets?: FileUse[];
  security_opt?: string[];
  shm_size?: number | string;
  stdin_open?: boolean;
  stop_grace_period?: string;
  stop_signal?: string;
  sysctls?: Record<string, string>;
  tmpfs?: string[];
  tty?: boolean;
  ulimits?: Record<string, { soft: number | string; hard: number | string }>;
  user?: string;
  userns_mode?: string;
  uts?: string;
  volumes?: Mount[];
  volumes_from?: string[];
  working_dir?: string;
}

export interface Build {
  /** Absolute path, or an address. */
  context: string;
  dockerfile?: string;
  dockerfile_inline?: string;
  additional_contexts?: Record<string, string>;
  args?: Record<string, string | null>;
  cache_from?: string[];
  cache_to?: string[];
  entitlements?: string[];
  extra_hosts?: Record<string, string[]>;
  isolation?: string;
  labels?: Record<string, string>;
  network?: string;
  no_cache?: boolean;
  platforms?: string[];
  privileged?: boolean;
  pull?: boolean;
  secrets?: FileUse[];
  shm_size?: number | string;
  ssh?: Record<string, string>;
  tags?: string[];
  target?: string;
  ulimits?: Record<string, { soft: number | string; hard: number | string }>;
}

export interface BlockLimits {
  weight?: number | string;
  weight_device?: { path: string; weight: number | string }[];
  device_read_bps?: { path: string; rate: number | string }[];
  device_read_iops?: { path: string; rate: number | string }[];
  device_write_bps?: { path: string; rate: number | string }[];
  device_write_iops?: { path: string; rate: number | string }[];
}

export interface Dependency {
  condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  required: boolean;
  /** Whether it is restarted when `foster compose` restarts the other one. */
  restart?: boolean;
}

export interface Deploy {
  mode?: string;
  replicas?: number | string;
  labels?: unknown;
  resources?: {
    limits?: { cpus?: number | string; memory?: string; pids?: number | string };
    reservations?: {
      cpus?: number | string;
      memory?: string;
      devices?: unknown;
      generic_resources?: unknown;
    };
  };
  restart_policy?: {
    condition?: string;
    delay?: string;
    max_attempts?: number | string;
    window?: string;
  };
}

export interface WatchRule {
  /** Absolute path. */
  path: string;
  action: 'rebuild' | 'sync' | 'restart' | 'sync+restart' | 'sync+exec';
  target?: string;
  ignore?: string[];
  include?: string[];
  exec?: Hook;
}

export interface Hook {
  command: string[];
  user?: string;
  privileged?: boolean;
  working_dir?: string;
  environment?: Record<string, string | null>;
}

export interface EnvFile {
  /** Absolute path. */
  path: string;
  required: boolean;
  format?: string;
}

export interface Healthcheck {
  test?: string[];
  interval?: string;
  timeout?: string;
  start_period?: string;
  start_interval?: string;
  retries?: number;
  disable?: boolean;
}

export interface NetworkUse {
  aliases?: string[];
  interface_name?: string;
  ipv4_address?: string;
  ipv6_address?: string;
  link_local_ips?: string[];
  mac_address?: string;
  driver_opts?: Record<string, string | number>;
  priority?: number;
  gw_priority?: number;
}

export interface Port {
  target: number;
  published?: string;
  protocol: string;
  host_ip?: string;
  mode?: string;
}

export interface Mount {
  type: 'bind' | 'volume' | 'tmpfs' | 'image' | 'cluster' | 'npipe';
  source?: string;
  target: string;
  read_only?: boolean;
  bind?: { propagation?: string; create_host_path?: boolean; recursive?: string; selinux?: string };
  volume?: { nocopy?: boolean; subpath?: string; labels?: Record<string, string> };
  tmpfs?: { size?: number | string; mode?: number | string };
}

/** The use of a config or secret by a service. */
export interface FileUse {
  source: string;
  target?: string;
  uid?: string;
  gid?: string;
  mode?: number;
}

/** A config or secret. */
export interface FileSource {
  name: string;
  /** Absolute path. */
  file?: string;
  environment?: string;
  content?: string;
  external?: boolean;
}

export interface Network {
  name: string;
  external?: boolean;
  driver?: string;
  driver_opts?: Record<string, string>;
  internal?: boolean;
  enable_ipv4?: boolean;
  enable_ipv6?: boolean;
  labels?: Record<string, string>;
  ipam?: {
    driver?: string;
    config?: {
      subnet?: string;
      ip_range?: string;
      gateway?: string;
      aux_addresses?: Record<string, string>;
    }[];
    options?: Record<string, string>;
  };
}

export interface Volume {
  name: string;
  external?: boolean;
  driver?: string;
  driver_opts?: Record<string, string>;
  labels?: Record<string, string>;
}

/** How many containers a service has. */
export function scaleOf({ scale, deploy }: Service): number {
  const wanted = scale ?? deploy?.replicas ?? 1;
  return Number(wanted);
}

/** The networks of a service; `default` if it says nothing. */
export function networksOf({ network_mode, networks }: Service): NonNullable<Service['networks']> {
  if (network_mode !== undefined) return {};
  return networks ?? { default: null };
}

/** The service that `service:NAME` names, in network_mode, pid or ipc. */
export function serviceIn(mode: string | undefined): string | undefined {
  return mode?.startsWith('service:') ? mode.slice('service:'.length) : undefined;
}

/** `SERVICE[:ALIAS]` of links: the service, and its name for the other one. */
export function linkOf(link: string): { service: string; alias: string } {
  const [service = '', alias = service] = link.split(':');
  return { service, alias };
}

/** The services that a service needs: those in depends_on, and those whose namespaces, volumes or names it uses. */
export function dependenciesOf(service: Service): Record<string, Dependency> {
  const started = { condition: 'service_started', required: true } as const;
  const implied = [
    ...[service.network_mode, service.pid, service.ipc].map(serviceIn),
    ...(service.links ?? []).map((link) => linkOf(link).service),
    ...(service.volumes_from ?? []).flatMap((one) =>
      one.startsWith('container:') ? [] : [one.split(':')[0]],
    ),
  ].filter((name) => name !== undefined);
  return { ...Object.fromEntries(implied.map((name) => [name, started])), ...service.depends_on };
}
