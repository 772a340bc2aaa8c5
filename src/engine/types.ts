import type { Readable, Writable } from 'node:stream';
import type { CallOptions } from './call.js';

/** How containers get their files: the caller's wish, where foster's own choice will not do. */
export type StorageDriver = 'overlay' | 'fuse-overlayfs' | 'copy';

/** Of a `Foster`. */
export interface FosterOptions {
  /**
   * Environment variables: where data is kept (`HOME`, `XDG_DATA_HOME`), where programs are (`PATH`), proxies,
   * `TERM`, credentials for registries. As in `process.env` when the `Foster` is made, unless given.
   */
  env?: Readonly<Record<string, string | undefined>>;
  /** Else `FOSTER_STORAGE_DRIVER` of the environment, else what works here. */
  storageDriver?: StorageDriver;
}

/** What a container is made of. All that is left out is as `foster run` has it without the flag. */
export interface CreateOptions extends CallOptions {
  /**
   * Its root file system: a directory, a tar file, the name of an image, which is pulled where it is not there, or one
   * that foster builds by itself: `busybox`, `host`, `debian`.
   */
  root: string;
  /** The program and its arguments; what the image says, or a shell, where there is none. */
  command?: readonly string[];
  /** By default two words that nobody else has. */
  name?: string;
  /** Remove it as soon as it has ended. */
  remove?: boolean;
  /** Variables besides those of the image. */
  env?: Readonly<Record<string, string>>;
  /** Where the program starts: an absolute path in the container. */
  workdir?: string;
  /** `USER[:GROUP]`, names or ids of the container. */
  user?: string;
  hostname?: string;
  /** What comes before `command`; `[]` for nothing. */
  entrypoint?: readonly string[];
  labels?: Readonly<Record<string, string>>;
  /** `[SOURCE:]DESTINATION[:OPTION,...]`, as `foster run -v` takes them: `/srv/www:/www:ro`. */
  volumes?: readonly string[];
  /** `DESTINATION[:OPTION,...]`, as `foster run --tmpfs` takes them: `/tmp:size=16m`. */
  tmpfs?: readonly string[];
  /** Let nothing write to the root file system. */
  readOnly?: boolean;
  /** `none`, a loopback device only, by default. */
  network?: 'none' | 'host';
  /** IP addresses of name servers. */
  dns?: readonly string[];
  /** Lines for /etc/hosts: names to addresses. */
  hosts?: Readonly<Record<string, string>>;
  /** Keep standard input open. Not needed for `run` with `stdin`. */
  interactive?: boolean;
  /** A terminal of its own. Standard error then goes where standard output goes. */
  tty?: boolean;
  /** Run the reaper as PID 1 and the command as its child; true by default. */
  init?: boolean;
  /** `NAME=SOFT[:HARD]` of setrlimit(2), as `foster run --ulimit` takes them: `nproc=64`, `as=268435456`, `cpu=5` (seconds). */
  ulimits?: readonly string[];
  /** Kernel parameters. */
  sysctl?: Readonly<Record<string, string>>;
  capAdd?: readonly string[];
  capDrop?: readonly string[];
  /** `no-new-privileges`, `seccomp=unconfined`, `seccomp=FILE`. */
  securityOpt?: readonly string[];
  privileged?: boolean;
  /** `private`, `host` or `container:NAME`. */
  pid?: string;
  userns?: 'default' | 'host' | 'keep-id' | 'auto';
  /** `no`, `on-failure[:MAX]`, `always`, `unless-stopped`. */
  restart?: string;
  /** A name such as `SIGINT`, or a number. */
  stopSignal?: string;
  /** Seconds between that signal and SIGKILL; 10 by default. */
  stopTimeout?: number;
  /** When an image is fetched. */
  pull?: 'missing' | 'always' | 'newer' | 'never';
  /** `OS/ARCHITECTURE[/VARIANT]` of an image. */
  platform?: string;
  /** Log files are put aside at this size, in bytes, and so many are kept. */
  log?: { maxSize?: number; maxFiles?: number };
}

/** How the streams of a program are connected. */
export interface StreamOptions {
  /** What it reads; nothing by default. */
  stdin?: string | Uint8Array | Readable;
  /** Where its output goes, in place of the result. */
  stdout?: Writable;
  stderr?: Writable;
  /** Its streams are those of this process: for a program with a terminal. Nothing is in the result. */
  inherit?: boolean;
  /** Milliseconds after which it is killed, with all of its processes. No end by default. */
  timeout?: number;
  /** Bytes of output, of each of the two streams, after which it is killed; 64 MiB by default. */
  maxOutput?: number;
}

export interface RunOptions extends CreateOptions, StreamOptions {}

/** How a program has ended. */
export interface RunResult {
  /** Its exit code, or 128 and the number of the signal that has ended it. */
  exitCode: number;
  /** What it wrote, as UTF-8; '' where that went to a stream. */
  stdout: string;
  stderr: string;
  /** It was killed, since its time was over. */
  timedOut: boolean;
  /** It was killed, since it had written too much. */
  outputExceeded: boolean;
}

export interface ContainerResult extends RunResult {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
}

export interface ExecOptions extends CallOptions, StreamOptions {
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  workdir?: string;
  user?: string;
  tty?: boolean;
  privileged?: boolean;
}

/** A container, as it was when it was asked for. */
export interface ContainerInfo {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** The root file system as it was named. */
  root: string;
  command: string[];
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead';
  /** PID 1 in the numbers of the host; 0 where it does not run. */
  pid: number;
  /** How often the restart policy has started it anew. */
  restarts: number;
  labels: Record<string, string>;
  created: Date;
  started?: Date;
  finished?: Date;
  exitCode?: number;
  health?: 'starting' | 'healthy' | 'unhealthy';
  /** Orphans that its PID 1 has adopted, and zombies that it has reaped. */
  orphans?: { adopted: number; reaped: number };
}

export interface LogOptions extends CallOptions {
  /** Go on with what comes, until the container has ended. */
  follow?: boolean;
  /** Only so many lines from the end. */
  tail?: number;
  since?: Date;
  until?: Date;
}

export interface LogEntry {
  stream: 'stdout' | 'stderr';
  time: Date;
  data: Buffer;
}

export interface EventOptions extends CallOptions {
  /** What came since. Without it only what comes from now on. */
  since?: Date;
  /** Ends there. Without it there is no end but that of `signal`. */
  until?: Date;
}

export interface ContainerEvent {
  time: Date;
  /** `create`, `start`, `die`, `adopt`, `reap`, `stop`, `kill`, `destroy`, ...: docs of `foster events`. */
  action: string;
  /** Of the container. */
  id: string;
  name: string;
  /** Of the event, and the container's labels and image. */
  attributes: Record<string, string>;
}

export interface StopOptions extends CallOptions {
  /** Seconds until it is killed; the container's own by default. */
  timeout?: number;
  /** In place of the container's own. */
  stopSignal?: string;
}

export interface CopyOptions extends CallOptions {
  /** Keep the ids of users and groups. */
  archive?: boolean;
  /** Of a source that is a symbolic link, copy what it leads to. */
  followLink?: boolean;
}

/** An image of the store. */
export interface ImageInfo {
  /** `sha256:` and 64 hexadecimal digits: the digest of its config. */
  id: string;
  /** Whole names: `docker.io/library/alpine:3.20`. */
  names: string[];
  /** Of its manifest. */
  digest: string;
  created: Date | undefined;
  /** `linux/amd64` */
  platform: string;
}

export interface RegistryOptions extends CallOptions {
  /** Whether the registry's certificate is checked; true by default. */
  tlsVerify?: boolean;
  credentials?: { username: string; password: string };
}

export interface PullOptions extends RegistryOptions {
  platform?: string;
}

export interface BuildOptions extends RegistryOptions {
  /** A directory. */
  context: string;
  /** The Dockerfile; Containerfile or Dockerfile of the context by default. */
  file?: string;
  tags?: readonly string[];
  buildArgs?: Readonly<Record<string, string>>;
  /** The stage to build; the last one by default. */
  target?: string;
  /** Whether steps that were done before are not done again; true by default. */
  cache?: boolean;
  /** Look for newer base images. */
  pull?: boolean;
  labels?: Readonly<Record<string, string>>;
  /** Of RUN; `none` by default. */
  network?: 'none' | 'host';
  /** Seconds since 1970 of all files and of the image, so that the same input has the same digest. */
  timestamp?: number;
  /** What `RUN --mount=type=secret,id=NAME` shows. */
  secrets?: Readonly<Record<string, string | Uint8Array>>;
}

export interface SaveOptions extends CallOptions {
  /** The archive, or the directory of `oci-dir`. */
  output: string;
  /** `docker-archive` by default. */
  format?: 'docker-archive' | 'oci-archive' | 'oci-dir';
}

export interface LoadOptions extends CallOptions {
  /** An archive, or an OCI directory. */
  input: string;
  platform?: string;
}
