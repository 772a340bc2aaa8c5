import { type BuildCacheEntry, rememberInBuildCache } from '../image/store/build-cache.js';
import { type BaseOptions, baseState } from './base.js';
import type { StageLayer, StageState } from './dockerfile/state.js';
import type { BuildOptions, BuildOutput } from './options.js';
import type { FilesStep, FilesWork } from './steps/files-step.js';
import { type LayerWork, type MadeLayer, makeLayer } from './steps/make-layer.js';
import type { RunStep } from './steps/run-step.js';
import { unpackedLayers } from './steps/squash.js';
import { workFromURLs } from './steps/url-sources.js';

/** How the layers of a build come to be there. `foster explain build` has another one, which makes none. */
export interface LayerMaker {
  /** The image of that name. */
  image(name: string): Promise<StageState>;
  /** The unpacked layers of a stage, topmost first; undefined if they are not there and nobody may make them. */
  unpacked(layers: StageLayer[]): Promise<string[] | undefined>;
  /** What ADD downloads. @param clean is given what is to be done when the layer has been made */
  download(step: FilesStep, clean: (cleanup: () => void) => void): Promise<FilesWork>;
  /** The result of a step that the cache does not have. @param key of the cache @param below the layers so far */
  make(key: string, below: StageLayer[], work: StepWork): Promise<BuildCacheEntry>;
}

/** What a step changes, or runs. */
export interface StepWork extends Pick<LayerWork, 'changes' | 'inputs' | 'mountPoints'> {
  run?: RunWork;
  /** Asked when it is done: whether it read other files than the key of the cache says. Then the result is not kept there. */
  hasChanged?: (() => boolean) | undefined;
}

/** The container of a RUN. */
export interface RunWork {
  /** Starts it on top of these layers. */
  start(layers: string[]): NonNullable<LayerWork['run']>;
  /** What would be started. The sources of its mounts are not there yet. */
  foresee(layers: string[]): RunStep;
}

/** Makes layers in the store. */
export class StoreMaker implements LayerMaker {
  readonly #options: Pick<BuildOptions, 'maps' | 'timestamp'>;
  readonly #base: BaseOptions;
  readonly #output: BuildOutput;
  readonly #images = new Map<string, Promise<StageState>>();

  constructor(options: Pick<BuildOptions, 'maps' | 'timestamp'>, base: BaseOptions, output: BuildOutput) {
    this.#options = options;
    this.#base = base;
    this.#output = output;
  }

  image(name: string): Promise<StageState> {
    const known = this.#images.get(name) ?? baseState(name, this.#base);
    this.#images.set(name, known);
    return known;
  }

  async unpacked(layers: StageLayer[]): Promise<string[]> {
    return await unpackedLayers(layers, this.#options.maps);
  }

  download = workFromURLs;

  async make(
    key: string,
    below: StageLayer[],
    { run, hasChanged, ...work }: StepWork,
  ): Promise<BuildCacheEntry> {
    const { maps, timestamp } = this.#options;
    const layers = await this.unpacked(below);
    const made = await makeLayer({
      ...work,
      maps,
      layers,
      timestamp,
      ...(run && { run: run.start(layers) }),
    });
    if (made.lostOwners > 0)
      this.#output.warn(`files whose owner is not mapped now belong to root: ${made.lostOwners}`);
    const entry = entryOf(made, timestamp);
    if (!hasChanged?.()) rememberInBuildCache(key, entry);
    return entry;
  }
}

function entryOf(made: MadeLayer, timestamp: number | undefined): BuildCacheEntry {
  const created = new Date(timestamp === undefined ? Date.now() : timestamp * 1000).toISOString();
  const { isEmpty, descriptor, diffID } = made;
  return isEmpty ? { created } : { created, layer: { descriptor, diffID } };
}
