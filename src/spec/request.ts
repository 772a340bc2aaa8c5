import type { Config } from './oci/config.js';
import type { IdMapping, Mount, Personality, Resources, Rlimit } from './types.js';

/**
 * A request for `foster run`, with all flags parsed and checked. The root filesystem is not known yet. `buildSpec`
 * (from-request.ts) converts it to a Spec.
 */
export interface RunRequest {
  /** ROOT as given: a directory, a tar file, `-` or the name of a recipe. */
  root: string;
  /** An OCI bundle: then `root` is its folder, and its config.json replaces the other fields. */
  bundle?: Bundle | undefined;
  /** COMMAND [ARG...]; may be empty. */
  command: string[];
  name: string | undefined;
  /** Remove the container that has the name first. */
  replace: boolean;
  rm: boolean;
  /** Remove the image, too, when it has ended, unless other containers use it. */
  removesImage: boolean;
  /** Do not wait for it. */
  detach: boolean;
  restart: RestartPolicy;
  logging: LogOptions;
  /** 'none' disables the image's health check; undefined keeps it. */
  health: HealthCheck | 'none' | undefined;
  /** What of the image's health check is changed, where it is kept. */
  healthChanges?: HealthSettings;
  /** When to pull an image: if it is missing, always, if there is a newer one, or never. */
  pull: 'missing' | 'always' | 'newer' | 'never';
  /** `OS/ARCHITECTURE[/VARIANT]`; undefined for this machine's. */
  platform: string | undefined;
  /** Say nothing while an image is pulled. */
  quiet: boolean;
  /** A registry must speak TLS, with a certificate that can be verified. */
  tlsVerify: boolean;
  /** Which of the caller's streams are the container's; standard input only where it is `interactive`, too. */
  attached: Attached;
  /** Signals that the command gets in the foreground go to the container. */
  passSignals: boolean;
  /** The key sequence that detaches from a container with a terminal. */
  detachKeys: Buffer;
  /** Absolute path on the host. */
  cidfile: string | undefined;
  /** For the pid of PID 1, at each start by a command: absolute path on the host. */
  pidfile: string | undefined;
  labels: Record<string, string>;
  /** For the Spec; what they mean is up to others. */
  annotations: Record<string, string>;
  /** How many descriptors of the command the program gets, from 3 on. */
  keptDescriptors: number;
  interactive: boolean;
  tty: boolean;
  init: boolean;
  initSignalGroup: boolean;
  initVerbose: boolean;
  /** `[]` clears the image's, undefined keeps it. */
  entrypoint: string[] | undefined;
  /** `NAME=value`, from --env-file, then -e; the last of a name wins. */
  env: string[];
  /** What becomes of the variables that an image and foster set before `env`. */
  defaultEnv: DefaultEnv;
  /** Absolute path inside the container. */
  workdir: string | undefined;
  /** `name|uid[:group|gid]`, looked up later in the container's own /etc/passwd. */
  user: string | undefined;
  /** Names and ids of further groups of the user, looked up in the container's own /etc/group. */
  groups: string[];
  umask: number | undefined;
  oomScoreAdj: number | undefined;
  personality: Personality['domain'] | undefined;
  hostname: string | undefined;
  domainname: string | undefined;
  /** Mounts of -v, --mount and --tmpfs in command-line order, with absolute sources, or names of volumes. */
  mounts: RequestedMount[];
  /** Containers whose mounts it gets, too. */
  volumesFrom: VolumesFrom[];
  /** What an image declares as volumes: volumes, a tmpfs each, or nothing. */
  imageVolumes: 'volume' | 'tmpfs' | 'ignore';
  /** Device nodes of the host, as bind mounts. */
  devices: Mount[];
  /** Absolute path of a file of the host that becomes /etc/localtime. */
  timezone: string | undefined;
  /** Bytes of /dev/shm. */
  shmSize: number;
  readOnly: boolean;
  network: NetworkMode;
  /** Of `container`: a container's name, id or an unambiguous start of its id. */
  networkContainer: string | undefined;
  /** Of `ns`: the absolute path of a network namespace. */
  networkPath: string | undefined;
  /** Of `pasta`: its options. */
  pastaOptions: string[] | undefined;
  /** Whether nothing was said about networks. */
  isNetworkUsual: boolean;
  /** Those of `bridge`, in the order of the interfaces; [] otherwise. */
  networks: WantedNetwork[];
  /** Of -p; a host's port of 0 is any that is free. */
  ports: PortMapping[];
  /** Publish all ports that the image exposes. */
  publishAll: boolean;
  pid: PidMode;
  userns: UsernsMode;
  ids: WantedIds;
  ipc: IpcMode;
  uts: HostOrPrivate;
  cgroupns: HostOrPrivate;
  rlimits: Rlimit[];
  limits: Limits;
  sysctl: Record<string, string>;
  /** IP addresses. */
  dns: string[];
  /** Instead of the host's; `[]` for none. */
  dnsSearch: string[] | undefined;
  dnsOptions: string[] | undefined;
  addHosts: HostEntry[];
  /** Files that foster leaves as the image has them. */
  ownFiles: { hosts: boolean; hostname: boolean; resolvConf: boolean; accounts: boolean };
  /** `80/tcp`: besides those that the image exposes. */
  expose: string[];
  /** The container's bounding set, as `CAP_...` names. */
  capabilities: string[];
  /**
   * Whether CAP_MKNOD was requested, by name or as ALL. By default the container has it only in a user namespace, where
   * it has no effect.
   */
  wantsMknod: boolean;
  noNewPrivileges: boolean;
  seccomp: SeccompChoice;
  kernelPaths: KernelPaths;
  privileged: boolean;
  /** undefined for the image's, or else SIGTERM. */
  stopSignal: number | undefined;
  /** Seconds. */
  stopTimeout: number;
  /** Seconds after its start at which it is killed; 0 for never. */
  timeLimit: number;
  /** Bytes. */
  maxUnpackedSize: number | undefined;
  dryRun: boolean;
  explain: boolean;
  /** As the person wrote it, for `foster inspect`. */
  written: Written;
}

/** A mount that was asked for. Of the type `volume`, its source is the volume's name, or '' for an anonymous one. */
export interface RequestedMount extends Mount {
  volume?: VolumeOptions;
  /** Of a bind mount: its files have the ids on the host that the container sees. */
  isIdmapped?: true;
  /** It is another container's: --volumes-from. */
  isBorrowed?: true;
}

export interface VolumeOptions {
  /** A new volume stays empty: it does not get the files that the image has at the destination. */
  noCopy?: boolean;
  /** Its files get the owner that the container's process has. */
  chowns?: boolean;
  /** Its files have the ids on the host that the container sees. */
  isIdmapped?: true;
  /** A path in the volume, without `..`: what is mounted instead of all of it. */
  subpath?: string;
  /** Of a volume that is made for this container. */
  labels?: Record<string, string>;
  options?: Record<string, string>;
}

/** `--volumes-from`: `reference` is a container's name, id or an unambiguous start of its id. */
export interface VolumesFrom {
  reference: string;
  /** Whether all of them are mounted read-only. */
  isReadOnly: boolean;
}

/** Limits of the container's cgroup. */
export interface Limits {
  /** Without rates and weights of devices. */
  resources: Resources;
  rates: DeviceRate[];
  /** CPUs, as `--cpus` says; `resources` has them as a quota. */
  cpus?: number;
  /** `/a/b` or `x.slice`. */
  cgroupParent?: string;
  /** It shall have no cgroup, not even for limits of `update`. */
  isWithoutCgroup?: true;
  /** Go on without what cannot be enforced. */
  ignoresUnenforced: boolean;
}

/** A limit for a block device of the host, by its path: how much of it in a second, or its weight. */
export interface DeviceRate {
  kind: 'ReadBps' | 'WriteBps' | 'ReadIOPS' | 'WriteIOPS' | 'Weight';
  path: string;
  /** Bytes or operations in a second. */
  rate: number;
}

/** Options that only `foster inspect` shows as they were written: the rest of Docker's HostConfig is in the Spec. */
export interface Written {
  binds: string[];
  tmpfs: Record<string, string>;
  capAdd: string[];
  capDrop: string[];
  securityOpt: string[];
  userns: string;
  volumesFrom?: string[];
  /** The whole command line, with `foster`; not of a container that a program has made. */
  command?: string[];
}

/** An OCI bundle: a directory with a config.json of the OCI runtime-spec, which has been read. */
export interface Bundle {
  /** Absolute. */
  folder: string;
  config: Config;
  /** JSON paths of members that the specification does not have. */
  unknown: string[];
}

export interface Attached {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
}

/** Of the variables that a container has without any option. */
export interface DefaultEnv {
  /** `NAME=value` of the caller, which go before those of the image. */
  fromCaller: string[];
  /** `NAME=value` with `${NAME}` of the variables before, which replace those that are there. */
  merge: string[];
  unset: string[];
  unsetAll: boolean;
}

/** Paths that are hidden in the container, besides or instead of the usual ones. */
export interface KernelPaths {
  mask: string[];
  unmask: string[] | 'all';
  /** Options of the mount of /proc: proc(5). */
  procOptions: string[];
}

export type HostOrPrivate = 'private' | 'host';

/** `none`: a namespace of its own without a /dev/shm. */
export type IpcMode = HostOrPrivate | 'none';

/**
 * `none`: only a loopback device; `host`: the host's network; `bridge`: networks of foster's; `container`: another's; `ns`: a
 * network namespace that somebody else has made; `pasta`: one of its own, which a pasta(1) of its own connects.
 */
export type NetworkMode = 'none' | 'host' | 'bridge' | 'container' | 'ns' | 'pasta';

/** The network of a build's RUN. */
export interface BuildNetwork {
  mode: NetworkMode;
  /** Those of `bridge`; [] otherwise. */
  networks: WantedNetwork[];
  /** Whether nothing was said about networks. */
  isUsual: boolean;
}

/** A network that a container is attached to, and what is asked for there. */
export interface WantedNetwork {
  /** The way to the outside is by the network with the highest; 0 if undefined. */
  gwPriority?: number;
  /** Of the interface in the container; `eth0` and so on if undefined. */
  interfaceName?: string;
  /** As it was given: a name, or the start of an id. */
  name: string;
  ip?: string;
  ip6?: string;
  mac?: string;
  /** Further names of the container in that network. */
  aliases: string[];
}

/** A port of the host that leads to one of the container. */
export interface PortMapping {
  /** '' for all addresses of the host. */
  hostIp: string;
  hostPort: number;
  containerPort: number;
  protocol: 'tcp' | 'udp';
}

/** `reference` is a container's name, id or an unambiguous start of its id. */
export type PidMode = { kind: 'private' } | { kind: 'host' } | { kind: 'container'; reference: string };

/** Which ids the container has, more closely than by its `userns`. */
export interface WantedIds {
  /** With keep-id: the caller's ids in the container. */
  keep?: { uid?: number; gid?: number };
  /**
   * --uidmap and --gidmap. The host's ids are those of the machine for root; for others 0 is the caller, and what
   * follows are the ids of the caller's ranges in subuid(5), one after the other, as in Podman.
   */
  uid?: IdMapping[];
  gid?: IdMapping[];
}

export type UsernsMode = 'default' | 'host' | 'keep-id' | 'auto';

/** `file` is an absolute path on the host of a profile in Docker's JSON. */
export type SeccompChoice = 'default' | 'unconfined' | { file: string };

/** A line for /etc/hosts. */
export interface HostEntry {
  name: string;
  address: string;
}

/** What happens when a container ends: `--restart`. */
export interface RestartPolicy {
  policy: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** Maximum number of restarts of on-failure; 0 for no limit. */
  max: number;
}

/**
 * `--log-opt`: size in bytes at which a log file is rotated, 0 for never, and how many files are kept, including the
 * current one.
 */
export interface LogOptions {
  maxSize: number;
  maxFiles: number;
  /** As the person named it; foster has one format of its own, or keeps nothing. */
  driver?: string;
  tag?: string;
  /** Names of labels and variables of the container that foster logs --details shows. */
  labels?: string[];
  env?: string[];
}

/** `--health-cmd` and its companions; times in milliseconds. */
export interface HealthCheck {
  /** A command with its arguments. */
  command: string[];
  interval: number;
  /** The interval while it starts: during the start period, before the first success. By default `interval`. */
  startInterval?: number;
  timeout: number;
  startPeriod: number;
  retries: number;
  /** Kill the container when it is unhealthy. */
  kills?: boolean;
}

/** All of a health check but its command. */
export type HealthSettings = Partial<Omit<HealthCheck, 'command'>>;
