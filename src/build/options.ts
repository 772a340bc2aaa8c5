import type { RegistryAccess } from '../image/registry/registry.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import type { NetworkMode } from '../spec/request.js';

/** Where a build prints its progress. */
export interface BuildOutput {
  /** Prints a line of progress. */
  printLine(text: string): void;
  warn(sentence: string): void;
}

/** The options of a build that concern all steps. */
export interface BuildOptions {
  buildArgs: ReadonlyMap<string, string>;
  /** TARGETPLATFORM and the like. */
  platformArgs: ReadonlyMap<string, string>;
  useCache: boolean;
  network: NetworkMode;
  /** Time of everything that is made, in seconds since 1970; undefined for the current time. */
  timestamp: number | undefined;
  isQuiet: boolean;
  maps: ChosenMaps;
  secrets: Secrets;
}

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
  /** Whether to pull base images even if they are in the store. */
  pull: boolean;
  labels: Record<string, string>;
  network: NetworkMode;
  timestamp: number | undefined;
  isQuiet: boolean;
  /** Path on the host. */
  iidfile: string | undefined;
  platform: string | undefined;
  secrets: Secrets;
  /** How to access the registries of base images. */
  access: RegistryAccess;
}
