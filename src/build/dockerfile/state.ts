import type { HistoryEntry, Platform } from '../../image/store/oci.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import type { MadeLayer } from '../steps/make-layer.js';

/** What an image says, and Docker's ONBUILD. */
export type BuildConfig = ImageDefaults & { OnBuild?: string[] };

/** A layer that an image is to have. */
export type StageLayer = Pick<MadeLayer, 'descriptor' | 'diffID'>;

/** An image that is being built, as far as a stage has come. */
export interface StageState {
  platform: Platform;
  config: BuildConfig;
  author: string | undefined;
  /** The lowest first. */
  layers: StageLayer[];
  history: HistoryEntry[];
  /** ARGs that were declared and have a value. */
  args: Map<string, string>;
  /** The shell of RUN, CMD and ENTRYPOINT in shell form. */
  shell: string[];
  /** CMD was given in this stage, so that ENTRYPOINT leaves it. */
  hasOwnCommand: boolean;
}

export const DEFAULT_SHELL = ['/bin/sh', '-c'];
export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A new stage, from nothing. */
export function emptyState(platform: Platform): StageState {
  return {
    platform,
    config: { Env: [DEFAULT_PATH], WorkingDir: '/' },
    author: undefined,
    layers: [],
    history: [],
    args: new Map(),
    shell: DEFAULT_SHELL,
    hasOwnCommand: false,
  };
}

/** What a stage has made, as the start of another. */
export function copyState(state: StageState): StageState {
  const { OnBuild: _, ...config } = structuredClone(state.config);
  return {
    ...state,
    config,
    layers: [...state.layers],
    history: [...state.history],
    args: new Map(),
    shell: config.Shell ?? DEFAULT_SHELL,
    hasOwnCommand: false,
  };
}

/** The value of a variable: ENV goes before ARG. */
export function variableOf(state: StageState, name: string): string | undefined {
  const prefix = `${name}=`;
  const found = state.config.Env?.findLast((variable) => variable.startsWith(prefix));
  return found?.slice(prefix.length) ?? state.args.get(name);
}

/** Sets a variable of the image, in its place where there is one. */
export function setVariable(config: BuildConfig, name: string, value: string): void {
  const all = config.Env ?? [];
  const at = all.findIndex((variable) => variable.startsWith(`${name}=`));
  config.Env = at < 0 ? [...all, `${name}=${value}`] : all.with(at, `${name}=${value}`);
}
