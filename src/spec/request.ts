import type { Config } from './oci/config.js';
import type { IdMapping, Mount, NamespaceType, Personality, Resources, Rlimit } from './types.js';

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
  /** The pod that it shall be in. */
  pod?: WantedPod | undefined;
  /** How it is in that pod, once that is known. */
  membership?: Membership;
  /** Remove the container that has the name first. */
  replace: boolean;
  rm: boolean;
  /** Remove the image, too, when it has ended, unless other containers use it. */
  removesImage: boolean;
  /** Run it in the background. */
  detach: boolean;
  restart: RestartPolicy;
  /** Whether nothing was said about that. */
  isRestartUsual: boolean;
  logging: LogOptions;
  /** 'none' disables the image's health check; undefined keeps it. */
  health: HealthCheck | 'none' | undefined;
  /** Of a file of Kubernetes: checks beside `health`, and hooks. */
  probes?: HealthCheck[];
  hooks?: Hooks;
  /** What of the image's health check is changed, where it is kept. */
  healthChanges?: HealthSettings;
  /** When to pull an image: if it is missing, always, if there is a newer one, or never. */
  pull: 'missing' | 'always' | 'newer' | 'never';
  /** `OS/ARCHITECTURE[/VARIANT]`; undefined for this machine's. */
  platform: string | undefined;
  /** Print nothing while an image is pulled. */
  quiet: boolean;
  /** Require TLS of a registry, with a certificate that can be verified. */
  tlsVerify: boolean;
  /** Which of the caller's streams are the container's; standard input only with `interactive`. */
  attached: Attached;
  /** Whether the command in the foreground passes signals on to the container. */
  passSignals: boolean;
  /** The key sequence that detaches from a container with a terminal. */
  detachKeys: Buffer;
  /** Absolute path on the host. */
  cidfile: string | undefined;
  /** Absolute path on the host for the pid of PID 1, which is written when a command starts the container. */
  pidfile: string | undefined;
  labels: Record<string, string>;
  /** Annotations for the Spec. foster does not interpret them. */
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
  /** Changes of the variables that an image and foster set before `env`. */
  defaultEnv: DefaultEnv;
  /** Absolute path inside the container. */
  workdir: string | undefined;
  /** `name|uid[:group|gid]`, looked up later in the container's own /etc/passwd. */
  user: string | undefined;
  /** Names and ids of additional groups of the user, looked up in the container's own /etc/group. */
  groups: string[];
  umask: number | undefined;
  oomScoreAdj: number | undefined;
  personality: Personality['domain'] | undefined;
  hostname: string | undefined;
  domainname: string | undefined;
  /** Mounts of -v, --mount and --tmpfs in command-line order, with absolute sources, or names of volumes. */
  mounts: RequestedMount[];
  /** Containers whose mounts it also gets. */
  volumesFrom: VolumesFrom[];
  /** What the image's volumes become: volumes, a tmpfs each, or nothing. */
  imageVolumes: 'volume' | 'tmpfs' | 'ignore';
  /** Device nodes of the host, as bind mounts. */
  devices: Mount[];
  /** Absolute path of a file of the host that becomes /etc/localtime. */
  timezone: string | undefined;
  /** Bytes of /dev/shm. */
  shmSize: number;
  readOnly: boolean;
  network: NetworkMode;
  /** With the mode `container`: a container's name, id or an unambiguous prefix of its id. */
  networkContainer: string | undefined;
  /** Of `ns`: the absolute path of a network namespace. */
  networkPath: string | undefined;
  /** Of `pasta`: its options. */
  pastaOptions: string[] | undefined;
  /** Whether nothing was said about networks. */
  isNetworkUsual: boolean;
  /** With the mode `bridge`: the networks, in the order of the interfaces; [] otherwise. */
  networks: WantedNetwork[];
  /** Ports of -p. 0 as the host's port means any free one. */
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
  /** Replaces the host's; `[]` for none. */
  dnsSearch: string[] | undefined;
  dnsOptions: string[] | undefined;
  addHosts: HostEntry[];
  /** Files that foster leaves as the image has them. */
  ownFiles: { hosts: boolean; hostname: boolean; resolvConf: boolean; accounts: boolean };
  /** Ports such as `80/tcp`, in addition to those that the image exposes. */
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
  /** It is killed this many seconds after its start; 0 for never. */
  timeLimit: number;
  /** Bytes. */
  maxUnpackedSize: number | undefined;
  dryRun: boolean;
  explain: boolean;
  /** Options as the user wrote them, for `foster inspect`. */
  written: Written;
}

/** The namespaces that the containers of a pod can share, in Podman's words. The user namespace is always shared. */
export type SharedNamespace = 'cgroup' | 'ipc' | 'net' | 'pid' | 'uts';

/**
 * When the pod starts, such a container is started before the others: `always` and `once` run to their end, `once` only the first
 * time; a `sidecar` stays, and is stopped after the others.
 */
export type InitContainer = 'always' | 'once' | 'sidecar';

export interface WantedPod {
  /** A name, an id or an unambiguous prefix of an id; `new:NAME` makes it. */
  reference: string;
  /** Namespaces for which an option was given, so that they are not the pod's. */
  apart: SharedNamespace[];
  initContainer?: InitContainer;
}

/** How a container is in a pod. */
export interface Membership {
  /** The id of the pod. */
  pod: string;
  /** The id of the container that holds the namespaces; undefined if the pod has none. */
  infra?: string;
  /** The namespaces that it takes from there, besides the user namespace. */
  types: NamespaceType[];
  initContainer?: InitContainer;
  /** Whether the pod is stopped with its last container. */
  endsPod: boolean;
  /** The id of the first pod of the Job that the pod is of. */
  job?: string;
}

/** A requested mount. If its type is `volume`, its source is the volume's name, or '' for an anonymous volume. */
export interface RequestedMount extends Mount {
  volume?: VolumeOptions;
  /** Of a bind mount: its files have the ids on the host that the container sees. */
  isIdmapped?: true;
  /** Of a bind mount: where its source is, if no link is to be followed on the way. */
  beneath?: Beneath;
  /** Set if it comes from another container: --volumes-from. */
  isBorrowed?: true;
}

/** A path below a folder to which containers write, and so may make links. */
export interface Beneath {
  /** The folder. */
  top: string;
  /** Without `..`. */
  path: string;
}

export interface VolumeOptions {
  /** A new volume stays empty: the image's files at the destination are not copied to it. */
  noCopy?: boolean;
  /** Its files are given to the user of the container's process. */
  chowns?: boolean;
  /** Its files have the ids on the host that the container sees. */
  isIdmapped?: true;
  /** A path in the volume, without `..`, that is mounted instead of the whole volume. */
  subpath?: string;
  /** Labels for a volume that is created for this container. */
  labels?: Record<string, string>;
  options?: Record<string, string>;
}

/** `--volumes-from`: `reference` is a container's name, id or an unambiguous prefix of its id. */
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
  /** The value of `--cpus`; in `resources` it is a quota. */
  cpus?: number;
  /** `/a/b` or `x.slice`. */
  cgroupParent?: string;
  /** It shall have no cgroup, not even for limits of `update`. */
  isWithoutCgroup?: true;
  /** Continue if a limit cannot be enforced. */
  ignoresUnenforced: boolean;
}

/** A limit for a block device of the host, by its path: how much of it in a second, or its weight. */
export interface DeviceRate {
  kind: 'ReadBps' | 'WriteBps' | 'ReadIOPS' | 'WriteIOPS' | 'Weight';
  path: string;
  /** Bytes or operations in a second. */
  rate: number;
}

/** Options as they were written, for `foster inspect`. The rest of Docker's HostConfig is in the Spec. */
export interface Written {
  binds: string[];
  tmpfs: Record<string, string>;
  capAdd: string[];
  capDrop: string[];
  securityOpt: string[];
  userns: string;
  volumesFrom?: string[];
  /** The whole command line, with `foster`; undefined if the library has created the container. */
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

/** Changes of the variables that a container has by default. */
export interface DefaultEnv {
  /** `NAME=value` of the caller. Those of the image take precedence. */
  fromCaller: string[];
  /** `NAME=value` that replaces an existing variable. It may contain `${NAME}` for the old value of any variable. */
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

/** `none`: its own namespace, without /dev/shm. */
export type IpcMode = HostOrPrivate | 'none';

/**
 * `none`: only a loopback device; `host`: the host's network; `bridge`: networks of foster's; `container`: another's; `ns`: a
 * network namespace that somebody else has made; `pasta`: one of its own, which a pasta(1) of its own connects.
 */
export type NetworkMode = 'none' | 'host' | 'bridge' | 'container' | 'ns' | 'pasta';

/** The network of a build's RUN. */
export interface BuildNetwork {
  mode: NetworkMode;
  /** With the mode `bridge`: the networks; [] otherwise. */
  networks: WantedNetwork[];
  /** Whether no option about networks was given. */
  isUsual: boolean;
}

/** A network that a container is attached to, with the requested addresses and names. */
export interface WantedNetwork {
  /** The way to the outside is by the network with the highest; 0 if undefined. */
  gwPriority?: number;
  /** Of the interface in the container; `eth0` and so on if undefined. */
  interfaceName?: string;
  /** As it was given: a name, or a prefix of an id. */
  name: string;
  ip?: string;
  ip6?: string;
  mac?: string;
  /** Additional names of the container in that network. */
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

/** `reference` is a container's name, id or an unambiguous prefix of its id. */
export type PidMode = { kind: 'private' } | { kind: 'host' } | { kind: 'container'; reference: string };

/** The requested ids, if they are more specific than `userns`. */
export interface WantedIds {
  /** With keep-id: the caller's ids in the container. */
  keep?: { uid?: number; gid?: number };
  /**
   * --uidmap and --gidmap. For root the host's ids are those of the machine. For others, as in Podman, 0 is the caller, and
   * 1 and above are the ids of the caller's ranges in subuid(5), one after the other.
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
  /** The name that the user gave. foster has one format of its own, or keeps no log. */
  driver?: string;
  tag?: string;
  /** Names of labels and variables of the container that foster logs --details shows. */
  labels?: string[];
  env?: string[];
}

/** `--health-cmd` and its companions; times in milliseconds. */
export interface HealthCheck {
  /** A command with its arguments; with `probe`, only what the check is called. */
  command: string[];
  /** A server that is asked in place of a command. */
  probe?: ServerProbe;
  interval: number;
  /** The interval while it starts: during the start period, before the first success. By default `interval`. */
  startInterval?: number;
  timeout: number;
  startPeriod: number;
  retries: number;
  /** Kill the container when it is unhealthy. */
  kills?: boolean;
  /**
   * Which probe of Kubernetes it is. If a `liveness` or `startup` probe fails, the container is told to end as by foster stop; until a
   * `startup` probe succeeds, the others are not asked.
   */
  role?: ProbeRole;
  /** How long after the start it is asked for the first time; undefined for Docker's rule. */
  delay?: number;
  /** Successes in a row that make it healthy; 1 by default. */
  successes?: number;
  /** Where it ends the container: how long after that it is killed. */
  grace?: number;
}

export type ProbeRole = 'readiness' | 'liveness' | 'startup';

/** What is done at a turn of a container's life: a command in it, a server that is asked, or a pause. */
export interface Hook {
  /** With `probe`, only what it is called; empty for a pause. */
  command: string[];
  probe?: ServerProbe;
  /** Milliseconds. */
  sleep?: number;
}

/** The hooks of a container. */
export interface Hooks {
  /** At each start, beside the program. If it fails, the container is killed. */
  postStart?: Hook;
  /** Before the stop signal. */
  preStop?: Hook;
}

/** A server in the network of the container, which foster asks itself. */
export interface ServerProbe {
  /** An IP address. */
  address: string;
  port: number;
  /** The request; undefined if a connection is enough. */
  http?: string;
}

/** All of a health check but its command. */
export type HealthSettings = Partial<Omit<HealthCheck, 'command' | 'probe'>>;
