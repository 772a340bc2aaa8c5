import type { Readable, Writable } from 'node:stream';
import type { CallOptions } from './call.js';

/** How containers get their files. */
export type StorageDriver = 'overlay' | 'fuse-overlayfs' | 'copy';

/** Options of `new Foster()`. */
export interface FosterOptions {
  /**
   * Environment variables: where data is kept (`HOME`, `XDG_DATA_HOME`), where programs are (`PATH`), proxies,
   * `TERM`, credentials for registries. By default a copy of `process.env` at that moment.
   */
  env?: Readonly<Record<string, string | undefined>>;
  /** Directory of the containers and images. By default `$XDG_DATA_HOME/foster`, or `~/.local/share/foster`. */
  dataRoot?: string;
  /** By default `FOSTER_STORAGE_DRIVER` of the environment, else the best driver that works on this machine. */
  storageDriver?: StorageDriver;
}

/** Limits of a container's cgroup. Sizes in bytes. */
export interface LimitOptions {
  memory?: number;
  /** Memory and swap together; -1: any amount. */
  memorySwap?: number;
  memoryReservation?: number;
  /** How willingly its memory is swapped out, 0 to 100; cgroups of version 1 only. */
  memorySwappiness?: number;
  /** Let processes wait for memory instead of killing them; cgroups of version 1 only. */
  oomKillDisable?: boolean;
  /** 1.5 */
  cpus?: number;
  cpuShares?: number;
  /** Microseconds of CPU time in each period. */
  cpuQuota?: number;
  /** Microseconds; 100,000 by default. */
  cpuPeriod?: number;
  /** Microseconds of real-time CPU time in each `cpuRtPeriod`; cgroups of version 1 only. */
  cpuRtRuntime?: number;
  /** Microseconds; 1,000,000 by default. */
  cpuRtPeriod?: number;
  /** `0-2,4` */
  cpusetCpus?: string;
  /** Memory nodes: `0,1`. */
  cpusetMems?: string;
  /** Processes and threads. */
  pids?: number;
  /** Use of disks in relation to others, 10 to 1000. */
  blkioWeight?: number;
  /** The same for single disks: `{ '/dev/sda': 200 }`. */
  blkioWeightDevice?: Readonly<Record<string, number>>;
  /** Bytes a second that are read from disks, or written: `{ '/dev/sda': 10_485_760 }`. */
  deviceReadBps?: Readonly<Record<string, number>>;
  deviceWriteBps?: Readonly<Record<string, number>>;
  /** How often a second it reads from disks, or writes. */
  deviceReadIops?: Readonly<Record<string, number>>;
  deviceWriteIops?: Readonly<Record<string, number>>;
  /** Continue with a warning if a limit cannot be enforced. */
  ignoreUnenforced?: boolean;
}

/** Options of a container. The defaults are those of `foster run`. */
export interface CreateOptions extends CallOptions {
  /**
   * The root filesystem: a directory, a tar file, the name of an image (which is pulled if missing), or a root filesystem
   * that foster builds itself: `busybox`, `host`, `debian`. Needed unless there is a `bundle`.
   */
  root?: string;
  /**
   * Directory of an OCI bundle. Its config.json replaces `root`, `command` and all options about the inside of the
   * container.
   */
  bundle?: string;
  /** The program and its arguments; by default what the image says, or a shell. */
  command?: readonly string[];
  /** Two random words by default. */
  name?: string;
  /** Remove the container that has the name first. */
  replace?: boolean;
  /** The pod whose namespaces it shares: a name or an id. */
  pod?: string;
  /** It runs when its pod starts, before the other containers: `once` only the first time. Only for `create`. */
  initContainer?: 'always' | 'once' | 'sidecar';
  /** Remove the container when it has ended. */
  remove?: boolean;
  /** Remove the image, too, unless other containers use it. */
  removeImage?: boolean;
  /** Environment variables, in addition to those of the image. */
  env?: Readonly<Record<string, string>>;
  /** Files with environment variables, one per line. */
  envFiles?: readonly string[];
  /** Pass on all variables of the caller: those of `new Foster({ env })`. */
  envHost?: boolean;
  /** Changes of variables of the image: `{ PATH: '/opt/bin:$PATH' }`. */
  envMerge?: Readonly<Record<string, string>>;
  /** Variables of the image to leave out. */
  unsetEnv?: readonly string[];
  /** Leave out all variables of the image. */
  unsetEnvAll?: boolean;
  /** Pass on the caller's `http_proxy`, `https_proxy`, `ftp_proxy` and `no_proxy`. */
  httpProxy?: boolean;
  /** Working directory: an absolute path in the container. */
  workdir?: string;
  /** `USER[:GROUP]`, names or ids of the container. */
  user?: string;
  /** Groups of the container, names or ids, that the user is in, too. */
  groups?: readonly string[];
  /** Umask of the process in octal: `0022` by default. */
  umask?: string;
  /** How likely the kernel kills it when memory runs out: -1000 to 1000. */
  oomScoreAdj?: number;
  personality?: 'LINUX' | 'LINUX32';
  hostname?: string;
  /** The NIS domain name. */
  domainname?: string;
  /** Program before `command`, in place of the image's entrypoint; `[]` for none. */
  entrypoint?: readonly string[];
  labels?: Readonly<Record<string, string>>;
  /** Files with labels, one per line. */
  labelFiles?: readonly string[];
  /** Annotations of the OCI Spec. */
  annotations?: Readonly<Record<string, string>>;
  /** `[SOURCE:]DESTINATION[:OPTION,...]` each, as in `foster run -v`: `/srv/www:/www:ro`, `data:/data`. */
  volumes?: readonly string[];
  /** `CONTAINER[:ro]` each, as in `foster run --volumes-from`: adds the mounts of these containers. */
  volumesFrom?: readonly string[];
  /** `KEY=VALUE,...` each, as in `foster run --mount`: `type=bind,source=/srv,destination=/srv,readonly`. */
  mounts?: readonly string[];
  /** `DESTINATION[:OPTION,...]` each, as in `foster run --tmpfs`: `/tmp:size=16m`. */
  tmpfs?: readonly string[];
  /** What becomes of the volumes that the image declares; `anonymous` by default. */
  imageVolumes?: 'anonymous' | 'tmpfs' | 'ignore';
  /** `HOST[:DESTINATION]` each: devices of the host. */
  devices?: readonly string[];
  /** The size of /dev/shm in bytes; 64 MiB by default. */
  shmSize?: number;
  /** `Europe/Berlin`, or `local` for the host's. */
  timezone?: string;
  /** Make the root filesystem read-only. */
  readOnly?: boolean;
  /** With `readOnly`: mount a tmpfs at /run, /tmp and /var/tmp. */
  readOnlyTmpfs?: boolean;
  /** With false, foster does not add the user to /etc/passwd and /etc/group. */
  passwd?: boolean;
  /**
   * As in `foster run --network`: names of networks, with or without options (`shop:ip=10.89.0.5,alias=db`), `none` or
   * `host`. `bridge` by default.
   */
  network?: string | readonly string[];
  /** `[[IP:]HOST_PORT:]PORT[/udp]` each, as in `foster run -p`: `8080:80`, `127.0.0.1:5432:5432`. */
  ports?: readonly string[];
  /** Publish all ports that the image exposes on free ports of the host. */
  publishAll?: boolean;
  /** `PORT[/PROTOCOL]` each: ports that the container serves. */
  expose?: readonly string[];
  /** Its addresses in its network; free ones by default. */
  ip?: string;
  ip6?: string;
  macAddress?: string;
  /** Additional names of the container in its networks. */
  networkAliases?: readonly string[];
  /** IP addresses of DNS servers; `none` keeps the image's /etc/resolv.conf. */
  dns?: readonly string[];
  /** Search domains, `.` for none; the host's by default. */
  dnsSearch?: readonly string[];
  /** Options of the resolver; the host's by default. */
  dnsOptions?: readonly string[];
  /** Additional lines for /etc/hosts: host names and their addresses. */
  hosts?: Readonly<Record<string, string>>;
  /** Keep the image's /etc/hosts. */
  noHosts?: boolean;
  /** Keep the image's /etc/hostname. */
  noHostname?: boolean;
  /** Keep standard input open. With `stdin`, `run` always does. */
  interactive?: boolean;
  /** Allocate a terminal. Standard error is then part of standard output. */
  tty?: boolean;
  /** Keys that detach a client with a terminal: `ctrl-p,ctrl-q` by default, '' for none. */
  detachKeys?: string;
  /** Run foster-init as PID 1 and the command as its child; true by default. */
  init?: boolean;
  /** Forward signals to the whole process group of the command. */
  signalGroup?: boolean;
  /** `NAME=SOFT[:HARD]` of setrlimit(2), as `foster run --ulimit` takes them: `nproc=64`, `as=268435456`, `cpu=5` (seconds). */
  ulimits?: readonly string[];
  /** Limits of the whole container: docs/limits.md. */
  limits?: LimitOptions;
  /** Make its cgroup in this one: a path or the name of a slice. */
  cgroupParent?: string;
  /** Files of its cgroup of version 2, and what is written to them: `{ 'memory.high': '1g' }`. */
  cgroupConf?: Readonly<Record<string, string>>;
  /** `disabled`: without a cgroup, and so without limits. */
  cgroups?: 'enabled' | 'disabled';
  /** Kernel parameters. */
  sysctl?: Readonly<Record<string, string>>;
  capAdd?: readonly string[];
  capDrop?: readonly string[];
  /** `no-new-privileges`, `seccomp=unconfined`, `seccomp=FILE`. */
  securityOpt?: readonly string[];
  privileged?: boolean;
  /** `private`, `host` or `container:NAME`. */
  pid?: string;
  /** `private`, `host`, or `none` for private without /dev/shm. */
  ipc?: string;
  /** The namespace of the host name. */
  uts?: 'private' | 'host';
  cgroupns?: 'private' | 'host';
  userns?: 'default' | 'host' | 'keep-id' | `keep-id:${string}` | 'auto' | 'nomap';
  /** `ID:HOST[:COUNT]` each; on the host, 0 is the caller and 1 is the start of the caller's ranges. */
  uidmap?: readonly string[];
  /** Like `uidmap` by default. */
  gidmap?: readonly string[];
  /** `no`, `on-failure[:MAX]`, `always`, `unless-stopped`. */
  restart?: string;
  /** A name such as `SIGINT`, or a number. */
  stopSignal?: string;
  /** Seconds between `stopSignal` and SIGKILL; 10 by default. */
  stopTimeout?: number;
  /** Seconds after its start until the container is killed, whoever waits for it. No limit by default. */
  timeLimit?: number;
  /** When to pull the image; `missing` by default. */
  pull?: 'missing' | 'always' | 'newer' | 'never';
  /** Platform of the image, `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform?: string;
  /** With false, the pull may use plain HTTP or an unverified certificate. */
  tlsVerify?: boolean;
  /** `root` is a directory, even if it looks like an image; it is not changed. */
  rootfs?: boolean;
  /** Refuse an image or archive that unpacks to more than this many bytes. */
  maxUnpackedSize?: number;
  /** What is kept of its output. */
  log?: ContainerLogOptions;
  /** How to check the container's health; `none` ignores the health check of the image. */
  health?: HealthOptions | 'none';
  /** File to write the container id to; it must not exist. */
  cidfile?: string;
  /** File to write the host's PID of the container's PID 1 to. */
  pidfile?: string;
}

/** What is kept of a container's output. */
export interface ContainerLogOptions {
  /** The maximum size of a log file in bytes, and how many log files are kept. No limit by default. */
  maxSize?: number;
  maxFiles?: number;
  /** `none` and `passthrough` keep nothing. */
  driver?: 'json-file' | 'k8s-file' | 'local' | 'none' | 'passthrough';
  /** What `foster logs --details` adds to the lines: a text, and labels and variables by their names. */
  tag?: string;
  labels?: readonly string[];
  env?: readonly string[];
}

/** A health check. */
export interface HealthOptions {
  /** A command for the container's shell; exit code 0 means healthy. */
  command: string;
  /** Milliseconds between checks; 30,000 by default. */
  interval?: number;
  /** Milliseconds after which a check counts as failed; 30,000 by default. */
  timeout?: number;
  /** Milliseconds after the start during which failures do not count; 0 by default. */
  startPeriod?: number;
  /** Milliseconds between checks during that time, before the first success; 5,000 by default, or less if `interval` is. */
  startInterval?: number;
  /** Consecutive failures until the container is unhealthy; 3 by default. */
  retries?: number;
  /** What is done to an unhealthy container; `none` by default. */
  onFailure?: 'none' | 'kill';
}

/** How the standard streams of a program are connected. */
export interface StreamOptions {
  /** Its standard input; empty by default. If a stream fails or closes before its end, the program is killed, and the call fails. */
  stdin?: string | Uint8Array | Readable;
  /** Receives its standard output, which is then not in the result. What comes after the stream is closed is discarded. */
  stdout?: Writable;
  /** Receives its standard error, which is then not in the result. */
  stderr?: Writable;
  /** Give it the standard streams of this process, for a program with a terminal. The result then has no output. */
  inherit?: boolean;
  /** Milliseconds after which the program is killed, with all processes of its container. No limit by default. */
  timeout?: number;
  /** Bytes of standard output, or of standard error, after which the program is killed; 64 MiB by default. */
  maxOutput?: number;
}

/** Options of `attach`. Here `timeout` and `maxOutput` end the connection, not the program. */
export interface AttachOptions extends CallOptions, StreamOptions {
  /** Keys that detach from a terminal: `ctrl-p,ctrl-q` by default, '' for none. */
  detachKeys?: string;
}

export interface RunOptions extends CreateOptions, StreamOptions {}

/** How a program has ended. */
export interface RunResult {
  /** Its exit code, or 128 plus the number of the signal that ended it. */
  exitCode: number;
  /** Its standard output as UTF-8; '' if it went to a stream. */
  stdout: string;
  /** Its standard error as UTF-8; '' if it went to a stream. */
  stderr: string;
  /** It was killed because of `timeout`. */
  timedOut: boolean;
  /** It was killed because of `maxOutput`. */
  outputExceeded: boolean;
}

export interface ContainerResult extends RunResult {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
}

export interface ExecOptions extends CallOptions, StreamOptions {
  /** The program and its arguments. */
  command: readonly string[];
  /** Environment variables, in addition to those of the container. */
  env?: Readonly<Record<string, string>>;
  /** Working directory: an absolute path in the container. */
  workdir?: string;
  /** `USER[:GROUP]`, names or ids of the container. */
  user?: string;
  /** Allocate a terminal. */
  tty?: boolean;
  /**
   * Run it in the background, as a child of the container's PID 1: the call returns when the program is running, with the
   * exit code 0 and no output. The program keeps running when this process ends. Cannot be combined with options for
   * streams and limits.
   */
  detach?: boolean;
  /** Give it all capabilities of the container, and no seccomp filter. */
  privileged?: boolean;
}

/** A container at the moment of the call. */
export interface ContainerInfo {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** The root filesystem, as it was given. */
  root: string;
  command: string[];
  status: 'created' | 'running' | 'stopping' | 'paused' | 'restarting' | 'exited' | 'dead';
  /** The host's PID of the container's PID 1; 0 if it is not running. */
  pid: number;
  /** How many times the restart policy has restarted it. */
  restarts: number;
  labels: Record<string, string>;
  created: Date;
  started?: Date;
  finished?: Date;
  exitCode?: number;
  health?: 'starting' | 'healthy' | 'unhealthy';
  /** How many orphans PID 1 has adopted, and how many of them it has reaped. */
  orphans?: { adopted: number; reaped: number };
}

export interface LogOptions extends CallOptions {
  /** Continue with new output until the container has ended. */
  follow?: boolean;
  /** Only this many lines from the end. */
  tail?: number;
  /** Only output since this time. */
  since?: Date;
  /** Only output until this time. */
  until?: Date;
}

export interface LogEntry {
  stream: 'stdout' | 'stderr';
  time: Date;
  data: Buffer;
}

export interface EventOptions extends CallOptions {
  /** Start with past events since this time; by default, only new events. */
  since?: Date;
  /** End at this time; by default, only `signal` ends the events. */
  until?: Date;
  /** Only events that match, as in `foster events --filter`: `container=web`, `event=die`, `label=KEY=VALUE`. */
  filters?: readonly string[];
}

export interface ContainerEvent {
  time: Date;
  type: 'container' | 'image' | 'network' | 'pod' | 'volume';
  /** `create`, `start`, `die`, `adopt`, `reap`, `stop`, `kill`, `destroy` and so on: see `foster events --help`. */
  action: string;
  /** The id of the container, image or network, or the volume's name. */
  id: string;
  name: string;
  /** Attributes of the event, and the container's labels and image. */
  attributes: Record<string, string>;
}

/** A volume. */
export interface VolumeInfo {
  name: string;
  created: Date;
  labels: Record<string, string>;
  /** Options of the driver: `type`, `device`, `o`. */
  options: Record<string, string>;
  /** Whether its name was generated. */
  anonymous: boolean;
  /** Absolute path of its files on the host; '' for a volume in memory. */
  mountpoint: string;
  /** The names of the containers that use it. */
  containers: string[];
}

export interface CreateVolumeOptions extends CallOptions {
  labels?: Readonly<Record<string, string>>;
  /** Options of the driver: `{ type: 'none', o: 'bind', device: '/srv/data' }`, `{ type: 'tmpfs', o: 'size=64m' }`. */
  options?: Readonly<Record<string, string>>;
}

/** A range of addresses of a network. */
export interface SubnetInfo {
  /** `10.89.0.0/24` */
  subnet: string;
  gateway: string;
  /** The part that addresses are taken from; undefined for the whole subnet. */
  range?: string;
}

/** A pod: containers that share namespaces. */
export interface PodInfo {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  created: Date;
  state: 'Created' | 'Running' | 'Degraded' | 'Paused' | 'Stopped' | 'Exited';
  /** The namespaces that its containers share, besides the user namespace. */
  shares: ('cgroup' | 'ipc' | 'net' | 'pid' | 'uts')[];
  labels: Record<string, string>;
  /** The id of the container that holds the namespaces; undefined if there is none. */
  infra: string | undefined;
  /** The others, the oldest first. `ready`: it runs, and is healthy if that is checked. */
  containers: { id: string; name: string; status: ContainerInfo['status']; ready: boolean }[];
}

export interface CreatePodOptions
  extends CallOptions,
    Pick<
      CreateOptions,
      | 'labels'
      | 'hostname'
      | 'network'
      | 'ports'
      | 'networkAliases'
      | 'dns'
      | 'hosts'
      | 'volumes'
      | 'limits'
      | 'sysctl'
      | 'securityOpt'
      | 'userns'
      | 'restart'
    > {
  /** `ipc`, `net` and `uts` by default. */
  share?: PodInfo['shares'];
  /** Whether a process holds namespaces, so that some can be shared; true by default. */
  infra?: boolean;
  /** What happens when its last container has ended; `continue` by default. */
  exitPolicy?: 'continue' | 'stop';
}

/** A network. */
export interface NetworkInfo {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  created: Date;
  /** At most one of each address family, IPv4 first. */
  subnets: SubnetInfo[];
  /** Whether its containers cannot reach the outside. */
  internal: boolean;
  /** Whether containers find each other by name. */
  dns: boolean;
  /** Addresses of name servers for names outside of the network; none if the host's are asked. */
  nameServers: string[];
  labels: Record<string, string>;
  /** The names of the containers that are attached to it, running or not. */
  containers: string[];
}

export interface CreateNetworkOptions extends CallOptions {
  /** `10.89.7.0/24`: at most one of each address family. A free one by default. */
  subnets?: readonly string[];
  /** One for each subnet; its first address by default. */
  gateways?: readonly string[];
  /** The parts of the subnets that addresses are taken from; the whole subnets by default. */
  ranges?: readonly string[];
  /** Add an IPv6 subnet. */
  ipv6?: boolean;
  /** Its containers cannot reach the outside. */
  internal?: boolean;
  /** Addresses of name servers for names outside of the network; `false` if containers must not find each other by name. */
  dns?: false | readonly string[];
  labels?: Readonly<Record<string, string>>;
}

export interface UpdateNetworkOptions extends CallOptions {
  /** Addresses of name servers for names outside of the network, in addition to those that it has. */
  addDns?: readonly string[];
  /** Addresses of name servers that are not to be asked any more. */
  dropDns?: readonly string[];
}

export interface ConnectOptions extends CallOptions {
  /** Its addresses in the network; free ones by default. */
  ip?: string;
  ip6?: string;
  mac?: string;
  /** Additional names of the container in the network. */
  aliases?: readonly string[];
}

export interface StopOptions extends CallOptions {
  /** Seconds until the container is killed; negative: never. The container's `stopTimeout` by default. */
  timeout?: number | undefined;
  /** A signal's name or number; the container's `stopSignal` by default. */
  stopSignal?: string | number | undefined;
}

export interface CopyOptions extends CallOptions {
  /** Keep user and group ids. */
  archive?: boolean;
  /** If the source is a symbolic link, copy what it points to. */
  followLink?: boolean;
  /** A directory can replace another file, and the other way round. */
  overwrite?: boolean;
}

/** Processes as `docker top` shows them. */
export interface ProcessList {
  /** Headings of the columns. */
  titles: string[];
  /** The columns of each process. */
  processes: string[][];
}

export interface StatsOptions extends CallOptions {
  /** Names or ids; all running containers by default. */
  containers?: readonly string[];
  /** Milliseconds between two results; 1000 by default. */
  interval?: number;
}

export interface WatchOptions extends CallOptions {
  /** Names or ids; all running containers by default. */
  containers?: readonly string[];
  /** Milliseconds between two looks; 1000 by default. */
  interval?: number;
}

export interface DoctorOptions extends CallOptions {
  /** Names of checks; all by default. */
  names?: readonly string[];
  /** Make the changes that need no root, such as modes of folders. */
  fix?: boolean;
  /** Milliseconds for all checks together; 10,000 by default. A check that takes longer has failed. */
  timeout?: number;
}

/** What a container uses. */
export interface ContainerStats {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** Missing if it is not running. */
  usage?: {
    /** Percent of one CPU since the last result. */
    cpu: number;
    /** Bytes. Without a cgroup, pages that several processes share are divided among them (PSS). */
    memory: number;
    /** Its memory limit, or the machine's memory, in bytes. */
    memoryLimit: number;
    /** Threads. */
    tasks: number;
    /** Bytes since the start; undefined if it shares the host's network. */
    network: { received: number; sent: number } | undefined;
    /** Bytes since the start; undefined if they cannot be read. */
    block: { read: number; written: number } | undefined;
  };
}

/** An image. */
export interface ImageInfo {
  /** `sha256:` and 64 hexadecimal digits: the digest of its config. */
  id: string;
  /** Full names: `docker.io/library/alpine:3.20`. */
  names: string[];
  /** Digest of its manifest. */
  digest: string;
  created: Date | undefined;
  /** `linux/amd64` */
  platform: string;
}

export interface RegistryOptions extends CallOptions {
  /** Check the registry's certificate; true by default. */
  tlsVerify?: boolean;
  /** Used instead of those that `foster login` has stored. */
  credentials?: { username: string; password: string };
}

export interface PullOptions extends RegistryOptions {
  /** `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform?: string;
}

export interface PushOptions extends RegistryOptions {
  /** The image's name here, if it is different from its name in the registry. */
  source?: string;
}

/** An image in a registry. */
export interface PushedImageInfo {
  /** Full name. */
  name: string;
  /** Digest of its manifest. */
  digest: string;
}

export interface BuildOptions extends RegistryOptions {
  /** A directory. */
  context: string;
  /** The Dockerfile; by default Containerfile or Dockerfile in the context. */
  file?: string;
  /** Names of the image. */
  tags?: readonly string[];
  /** Values of ARG. */
  buildArgs?: Readonly<Record<string, string>>;
  /** The stage to build; the last one by default. */
  target?: string;
  /** Use the results of steps of earlier builds; true by default. */
  cache?: boolean;
  /** Check for newer base images. */
  pull?: boolean;
  labels?: Readonly<Record<string, string>>;
  /** Network for RUN: `none`, `host` or the name of a network; `bridge` by default. */
  network?: string;
  /** Time of all files and of the image, in seconds since 1970. It makes the same input give the same digest. */
  timestamp?: number;
  /** Of each RUN. */
  limits?: LimitOptions;
  /** Contents of secrets for `RUN --mount=type=secret,id=NAME`, by their ids. */
  secrets?: Readonly<Record<string, string | Uint8Array>>;
}

export interface SaveOptions extends CallOptions {
  /** Path of the archive, or of the directory for `oci-dir` and `docker-dir`. */
  output: string;
  /** `docker-archive` by default. */
  format?: 'docker-archive' | 'oci-archive' | 'oci-dir' | 'docker-dir';
}

export interface LoadOptions extends CallOptions {
  /** Path of an archive or an OCI directory. */
  input: string;
  /** Which platform to load of an image for several, `OS/ARCHITECTURE[/VARIANT]`; this machine's by default. */
  platform?: string;
}
