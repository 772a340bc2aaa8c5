import { imagineAttachment } from '../container/attachment.js';
import { readProfile } from '../container/seccomp-profile.js';
import { buildDriver } from '../image/rootfs/storage.js';
import type { BuildCacheEntry } from '../image/store/build-cache.js';
import { findImage } from '../image/store/images.js';
import { findUnpackedLayers, unpackedSize } from '../image/store/layers.js';
import { MEDIA, ownPlatform } from '../image/store/oci.js';
import { closeAll } from '../launch/streams.js';
import type { Plan } from '../plan/step.js';
import type { IdMaps } from '../spec/id-maps.js';
import type { Spec } from '../spec/types.js';
import { FosterError } from '../sys/errors.js';
import { stateOf } from './base.js';
import { emptyState, type StageLayer, type StageState } from './dockerfile/state.js';
import type { LayerMaker, RunWork, StepWork } from './layer-maker.js';
import type { AppliedStep } from './options.js';
import type { FilesWork } from './steps/files-step.js';
import { networkDraftOf, planOfOrder } from './steps/run-plan.js';
import { orderOf, type RunStep } from './steps/run-step.js';

/** What an instruction of a Dockerfile would do. */
export interface ForeseenStep {
  /** The name of its stage, or its number, counted from 0. */
  stage: string;
  /** Of the Dockerfile, counted from 1. */
  line: number;
  /** The instruction as it is written, with continued lines joined. */
  text: string;
  /**
   * Of a FROM: `image`, one that is in the store; `pull`, one that is not; `stage`, an earlier one; `empty`. Of others: `cached`, a
   * layer that an earlier build has made; `unchanged`, the same without a layer, because nothing was changed; `layer`, a new one;
   * `config`, a line in the image's config.
   */
  does: 'image' | 'pull' | 'stage' | 'empty' | 'cached' | 'unchanged' | 'layer' | 'config';
  /** The layers that it takes or has, the lowest first: their uncompressed digests, and their bytes if that is known. */
  layers: { digest: string; size?: number }[];
  /** Of a RUN that the cache does not have. */
  run?: ForeseenRun;
}

/** The container of a RUN. */
export interface ForeseenRun {
  plan: Plan;
  spec: Spec;
  /** The layers that it reads, topmost first: folders, or which layer it will be, in angle brackets. */
  layers: string[];
  /** Stands for the folder of what it writes. */
  upper: string;
  driver: string;
  /** The USER, if an earlier step has to be done before it is known who that is. */
  unknownUser?: string;
}

const FORESEEN = 'foreseen:';
/** Stands for the folder of a layer that is being made. */
const NEW_LAYER = '<new layer>';

/** Makes nothing, and notes what would be made. */
export class ForeseeingMaker implements LayerMaker {
  readonly steps: ForeseenStep[] = [];
  /** Names of images that are not in the store. */
  readonly #missing = new Set<string>();
  /** What layers that are not there will be, in words, by what stands for their digests. */
  readonly #words = new Map<string, string>();
  /** How many layers a stage had after its last instruction. */
  readonly #counts = new Map<object, number>();
  #run: ForeseenRun | undefined;
  readonly #maps: IdMaps;

  constructor(maps: IdMaps) {
    this.#maps = maps;
  }

  async image(name: string): Promise<StageState> {
    const image = findImage(name);
    if (image !== undefined) return stateOf(image);
    this.#missing.add(name);
    const state = emptyState(ownPlatform());
    return { ...state, layers: [this.#layer(`layers of ${name}`)] };
  }

  async unpacked(layers: StageLayer[]): Promise<string[] | undefined> {
    const digests = layers.map(({ diffID }) => diffID);
    return digests.some((each) => this.#words.has(each))
      ? undefined
      : findUnpackedLayers(digests, this.#maps);
  }

  /** What will be downloaded is not known, so neither is whether the cache has the result. */
  async download(): Promise<FilesWork> {
    return { changes: [], inputs: [], digest: `${FORESEEN}download` };
  }

  async make(_key: string, below: StageLayer[], { run }: StepWork): Promise<BuildCacheEntry> {
    if (run !== undefined) this.#run = await this.#foresee(below, run);
    return { created: '', layer: this.#layer('') };
  }

  #layer(words: string): StageLayer {
    const digest = `${FORESEEN}${this.#words.size}`;
    this.#words.set(digest, words);
    return { diffID: digest, descriptor: { mediaType: MEDIA.layer, digest, size: 0 } };
  }

  /** Notes what an instruction has done. */
  note({ stage, instruction, state }: AppliedStep): void {
    const { keyword, flags, rest, line } = instruction;
    const isFrom = instruction === stage.from;
    const added = state.layers.slice(this.#counts.get(stage) ?? 0);
    this.#counts.set(stage, state.layers.length);
    const isNew = added.some(({ diffID }) => this.#words.get(diffID) === '');
    for (const { diffID } of added)
      if (this.#words.get(diffID) === '') this.#words.set(diffID, `layer of line ${line}`);
    const shownFlags = flags
      .map(({ name, value }) => `--${name}${value === '' ? '' : `=${value}`} `)
      .join('');
    this.steps.push({
      stage: stage.name ?? String(stage.index),
      line,
      text: `${keyword} ${shownFlags}${rest}`,
      does: isFrom ? this.#base(stage.base) : doneBy(keyword, added.length > 0, isNew),
      layers: added
        .filter(({ diffID }) => !diffID.startsWith(FORESEEN))
        .map(({ diffID }) => {
          const size = unpackedSize(diffID);
          return { digest: diffID, ...(size !== undefined && { size }) };
        }),
      ...(this.#run && { run: this.#run }),
    });
    this.#run = undefined;
  }

  #base(base: AppliedStep['stage']['base']): ForeseenStep['does'] {
    if (typeof base !== 'string') return 'stage';
    if (base === 'scratch') return 'empty';
    return this.#missing.has(base) ? 'pull' : 'image';
  }

  async #foresee(below: StageLayer[], run: RunWork): Promise<ForeseenRun> {
    const { names, paths } = this.#named(below);
    const step = run.foresee(paths);
    const driver = await buildDriver(this.#maps);
    const seccompProfile = await readProfile(step.settings);
    const orderFor = (each: RunStep) => orderOf(each, { folder: NEW_LAYER, driver, seccompProfile });
    const { order, unknownUser } = withKnownUser(step, orderFor);
    const { facts, spec } = order;
    const network = await imagineAttachment(networkDraftOf(order));
    closeAll([network?.namespace]);
    const told = { ...order, facts: { ...facts, storage: { ...facts.storage, layers: names } } };
    return {
      plan: planOfOrder(told, network, paths),
      spec,
      layers: names,
      upper: NEW_LAYER,
      driver,
      ...(unknownUser !== undefined && { unknownUser }),
    };
  }

  /** The layers of a stage, topmost first: as a plan names them, and the folders of those that are there. */
  #named(layers: StageLayer[]): { names: string[]; paths: string[] } {
    const isForeseen = ({ diffID }: StageLayer) => this.#words.has(diffID);
    const known = layers.filter((layer) => !isForeseen(layer)).map(({ diffID }) => diffID);
    const paths = known.length === 0 ? [] : (findUnpackedLayers(known, this.#maps) ?? []);
    const coming = layers.filter(isForeseen).map(({ diffID }) => `<${this.#words.get(diffID)}>`);
    const packed = paths.length > 0 ? paths : known.map((diffID) => `<${diffID}>`).reverse();
    return { names: [...coming.reverse(), ...packed], paths };
  }
}

function doneBy(keyword: string, hasLayer: boolean, isNew: boolean): ForeseenStep['does'] {
  if (hasLayer) return isNew ? 'layer' : 'cached';
  return ['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(keyword) ? 'unchanged' : 'config';
}

/** The order of a step; as root's, if its user may be made by a step that was not done yet. */
function withKnownUser<T>(step: RunStep, orderFor: (step: RunStep) => T): { order: T; unknownUser?: string } {
  const { User: user } = step.defaults;
  try {
    return { order: orderFor(step) };
  } catch (error) {
    if (!(error instanceof FosterError) || !user) throw error;
    const { User: _, ...defaults } = step.defaults;
    return { order: orderFor({ ...step, defaults }), unknownUser: user };
  }
}
