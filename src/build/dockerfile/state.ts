import type { HistoryEntry, Platform } from '../../image/store/oci.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import type { MadeLayer } from '../steps/make-layer.js';

/** The config of an image, with Docker's ONBUILD. */
export type BuildConfig = ImageDefaults & { OnBuild?: string[] };

/** A layer of an image that is being built. */
export type StageLayer = Pick<MadeLayer, 'descriptor' | 'diffID'>;

/** The state of a stage: the image that it has built so far. */
export interface StageState {
  platform: Platform;
  config: BuildConfig;
  author: string | undefined;
  /** Bottommost first. */
  layers: StageLayer[];
  history: HistoryEntry[];
  /** Declared ARGs that have a value. */
  args: Map<string, string>;
  /** The shell of RUN, CMD and ENTRYPOINT in shell form. */
  shell: string[];
  /** Whether CMD was given in this stage, so that ENTRYPOINT keeps it. */
  hasOwnCommand: boolean;
}

export const DEFAULT_SHELL = ['/bin/sh', '-c'];
export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The state of a new stage without a base. */
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

/** The result of a stage as the start of another, which inherits its ARGs, as in Docker. */
export function copyState(state: StageState): StageState {
  const { OnBuild: _, ...config } = structuredClone(state.config);
  return {
    ...state,
    config,
    layers: [...state.layers],
    history: [...state.history],
    args: new Map(state.args),
    shell: config.Shell ?? DEFAULT_SHELL,
    hasOwnCommand: false,
  };
}

/** The value of a variable: ENV takes precedence over ARG. */
export function variableOf(state: StageState, name: string): string | undefined {
  const prefix = `${name}=`;
  const found = state.config.Env?.findLast((variable) => variable.startsWith(prefix));
  return found?.slice(prefix.length) ?? state.args.get(name);
}

/** Sets a variable of the image; replaces an earlier value in place. */
export function setVariable(config: BuildConfig, name: string, value: string): void {
  const all = config.Env ?? [];
  const at = all.findIndex((variable) => variable.startsWith(`${name}=`));
  config.Env = at < 0 ? [...all, `${name}=${value}`] : all.with(at, `${name}=${value}`);
}
