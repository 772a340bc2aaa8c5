import type { RegistryAccess } from '../image/registry/registry.js';
import type { ChosenMaps } from '../spec/choose-id-maps.js';
import type { NetworkMode } from '../spec/request.js';

/** How a build tells people what it does. */
export interface BuildVoice {
  /** Progress: a line of text. */
  line(text: string): void;
  warn(sentence: string): void;
}

/** What of a request concerns each step. */
export interface BuildOptions {
  buildArgs: ReadonlyMap<string, string>;
  /** TARGETPLATFORM and the like. */
  platformArgs: ReadonlyMap<string, string>;
  useCache: boolean;
  network: NetworkMode;
  /** Of everything that is made, in seconds since 1970; undefined for the time it is made. */
  timestamp: number | undefined;
  isQuiet: boolean;
  maps: ChosenMaps;
  secrets: Secrets;
}

/** By their ids: what `RUN --mount=type=secret` may ask for. No layer, history or cache key has anything of them. */
export type Secrets = ReadonlyMap<string, Buffer>;

/** What a person asked `foster build` for, every flag parsed. */
export interface BuildRequest {
  /** A directory, or `-`. */
  context: string;
  file: string | undefined;
  /** Whole names. */
  tags: string[];
  buildArgs: Map<string, string>;
  target: string | undefined;
  useCache: boolean;
  /** Base images are looked for in their registries even if they are there. */
  pull: boolean;
  labels: Record<string, string>;
  network: NetworkMode;
  timestamp: number | undefined;
  isQuiet: boolean;
  /** A path of the host. */
  iidfile: string | undefined;
  platform: string | undefined;
  secrets: Secrets;
  /** How the registries of base images are spoken to. */
  access: RegistryAccess;
}
