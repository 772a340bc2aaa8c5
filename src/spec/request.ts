import type { Config } from './oci/config.js';
import type { Mount, Rlimit } from './types.js';

/**
 * What a person asked `foster run` for, every flag parsed and checked, nothing of the root filesystem known yet.
 * `buildSpec` (from-request.ts) makes a Spec of it.
 */
export interface RunRequest {
  /** ROOT as given: a directory, a tar file, `-` or the name of a recipe. */
  root: string;
  /** An OCI bundle: then `root` is its folder, and all that its config.json says is not said here. */
  bundle?: Bundle | undefined;
  /** COMMAND [ARG...]; may be empty. */
  command: string[];
  name: string | undefined;
  rm: boolean;
  /** Do not wait for it. */
  detach: boolean;
  restart: RestartPolicy;
  logging: LogOptions;
  /** 'none' also where the image has one; undefined for the image's. */
  health: HealthCheck | 'none' | undefined;
  /** Whether an image is pulled: when it is not there, always when there is a newer one, or never. */
  pull: 'missing' | 'always' | 'newer' | 'never';
  /** `OS/ARCHITECTURE[/VARIANT]`; undefined for the machine's own. */
  platform: string | undefined;
  /** The bytes that detach from a container with a terminal. */
  detachKeys: Buffer;
  /** Absolute path on the host. */
  cidfile: string | undefined;
  labels: Record<string, string>;
  interactive: boolean;
  tty: boolean;
  init: boolean;
  initSignalGroup: boolean;
  initVerbose: boolean;
  /** `[]` clears what the image says, undefined keeps it. */
  entrypoint: string[] | undefined;
  /** `NAME=value`, from --env-file, then -e; the last of a name wins. */
  env: string[];
  /** Absolute path inside the container. */
  workdir: string | undefined;
  /** `name|uid[:group|gid]`, looked up later in the container's own /etc/passwd. */
  user: string | undefined;
  hostname: string | undefined;
  /** Of -v, --mount and --tmpfs in command-line order; sources absolute. */
  mounts: Mount[];
  readOnly: boolean;
  network: NetworkMode;
  pid: PidMode;
  userns: UsernsMode;
  rlimits: Rlimit[];
  sysctl: Record<string, string>;
  /** IP addresses. */
  dns: string[];
  addHosts: HostEntry[];
  /** Resolved: `CAP_...` names the container gets at the most. */
  capabilities: string[];
  /** CAP_MKNOD was asked for, by its name or as ALL; by default it counts in a user namespace alone, where it does nothing. */
  makesDevices: boolean;
  noNewPrivileges: boolean;
  seccomp: SeccompChoice;
  privileged: boolean;
  /** undefined for what the image says, else SIGTERM. */
  stopSignal: number | undefined;
  /** Seconds. */
  stopTimeout: number;
  /** Bytes. */
  maxUnpackedSize: number | undefined;
  dryRun: boolean;
  explain: boolean;
}

/** A directory with a config.json of the OCI runtime-spec, which has been read. */
export interface Bundle {
  /** Absolute. */
  folder: string;
  config: Config;
  /** JSON paths of what the specification does not have. */
  unknown: string[];
}

export type NetworkMode = 'none' | 'host';

/** `reference` is a container's name, id or an unambiguous start of its id. */
export type PidMode = { kind: 'private' } | { kind: 'host' } | { kind: 'container'; reference: string };

export type UsernsMode = 'default' | 'host' | 'keep-id' | 'auto';

/** `file` is an absolute path on the host of a profile in Docker's JSON. */
export type SeccompChoice = 'default' | 'unconfined' | { file: string };

/** A line for /etc/hosts. */
export interface HostEntry {
  name: string;
  address: string;
}

/** What happens when a container has ended: `--restart`. */
export interface RestartPolicy {
  policy: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** Of on-failure: how often at the most; 0 for any number. */
  max: number;
}

/** `--log-opt`: bytes at which a log file is put aside, 0 for never, and how many files are kept, the current one too. */
export interface LogOptions {
  maxSize: number;
  maxFiles: number;
}

/** `--health-cmd` and its companions; times in milliseconds. */
export interface HealthCheck {
  /** A command with its arguments. */
  command: string[];
  interval: number;
  timeout: number;
  startPeriod: number;
  retries: number;
}
