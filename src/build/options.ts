import type { RegistryAccess } from '../image/registry/registry.js';
import type { ManifestFormat } from '../image/store/manifest-format.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import type {
  BuildNetwork,
  HostEntry,
  HostOrPrivate,
  IpcMode,
  Limits,
  SeccompChoice,
} from '../spec/request.js';
import type { Mount, Rlimit } from '../spec/types.js';
import { resolveCapabilities } from '../sys/capabilities.js';
import type { Instruction } from './dockerfile/dockerfile.js';
import type { Stage } from './dockerfile/stages.js';
import type { StageState } from './dockerfile/state.js';

/** Where a build prints its progress. */
export interface BuildOutput {
  /** Prints a line of progress. */
  printLine(text: string): void;
  warn(sentence: string): void;
  /** Receives each instruction when it was applied, FROM included. */
  applied?(step: AppliedStep): void;
}

/** An instruction, and what its stage is after it. */
export interface AppliedStep {
  stage: Stage;
  instruction: Instruction;
  state: StageState;
}

/** The options of a build that concern all steps. */
export interface BuildOptions {
  buildArgs: ReadonlyMap<string, string>;
  /** TARGETPLATFORM and the like. */
  platformArgs: ReadonlyMap<string, string>;
  useCache: boolean;
  network: BuildNetwork;
  /** Time of everything that is made, in seconds since 1970; undefined for the current time. */
  timestamp: number | undefined;
  isQuiet: boolean;
  maps: ChosenMaps;
  secrets: Secrets;
  container: RunSettings;
  limits: Limits;
  agents: Agents;
}

/** What the containers of RUN have besides the image: in the words of `foster run`. */
export interface RunSettings {
  /** `CAP_...` names. */
  capabilities: string[];
  noNewPrivileges: boolean;
  seccomp: SeccompChoice;
  rlimits: Rlimit[];
  addHosts: HostEntry[];
  /** IP addresses. */
  dns: string[];
  /** Replaces the host's. */
  dnsSearch?: string[];
  dnsOptions?: string[];
  /** Files that stay as the image has them: /etc/hosts. */
  without?: string[];
  /** Bytes of /dev/shm. */
  shmSize?: number;
  /** Namespaces that are not the container's own. */
  ipc?: IpcMode;
  uts?: HostOrPrivate;
  cgroupns?: HostOrPrivate;
  /** Bind mounts of --volume. What RUN writes there is not in the image. */
  volumes: Mount[];
}

/** The default settings of RUN. */
export function usualSettings(): RunSettings {
  return {
    capabilities: resolveCapabilities([], []),
    noNewPrivileges: true,
    seccomp: 'default',
    rlimits: [],
    addHosts: [],
    dns: [],
    volumes: [],
  };
}

export function isUsual(settings: RunSettings): boolean {
  return JSON.stringify({ ...usualSettings(), ...settings }) === JSON.stringify(usualSettings());
}

/** Sockets of SSH agents for `RUN --mount=type=ssh`, by id; absolute paths on the host. */
export type Agents = ReadonlyMap<string, string>;

/** What --build-context gives a name: a directory, or the name of an image. */
export type NamedContext = { folder: string } | { image: string };

/** Secrets for `RUN --mount=type=secret`, by id. They never get into a layer, the history or a cache key. */
export type Secrets = ReadonlyMap<string, Buffer>;

/** A request for `foster build`, with all flags parsed. */
export interface BuildRequest {
  /** A directory, or `-`. */
  context: string;
  file: string | undefined;
  /** Full names. */
  tags: string[];
  buildArgs: Map<string, string>;
  target: string | undefined;
  useCache: boolean;
  /** When to pull base images. */
  pull: 'missing' | 'always' | 'newer' | 'never';
  labels: Record<string, string>;
  network: BuildNetwork;
  timestamp: number | undefined;
  isQuiet: boolean;
  /** Path on the host. */
  iidfile: string | undefined;
  platform: string | undefined;
  secrets: Secrets;
  container: RunSettings;
  /** Of each RUN. They are no part of the cache's keys, since what a command makes does not depend on them. */
  limits: Limits;
  agents: Agents;
  /** By the names that FROM, COPY --from and RUN --mount=from= have for them. */
  contexts: ReadonlyMap<string, NamedContext>;
  /** In place of the image of the first FROM. */
  from: string | undefined;
  /** Stages, by name or number, whose steps are all done again. */
  uncachedStages: readonly string[];
  /** Annotations of the manifest. */
  annotations: Record<string, string>;
  /** `NAME=value`: variables that each stage begins with. */
  env: readonly string[];
  /** Variables that the image does not keep. */
  unsetEnv: readonly string[];
  format: ManifestFormat;
  /** Whether all layers, including those of the base image, become one. */
  squashesAll: boolean;
  omitsHistory: boolean;
  /** Path on the host of the file to read instead of .dockerignore. */
  ignoreFile: string | undefined;
  /** How to access the registries of base images. */
  access: RegistryAccess;
}
