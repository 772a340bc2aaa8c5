import { writeFileSync } from 'node:fs';
import { putDocument } from '../image/store/blobs.js';
import { buildCacheKey, findInBuildCache, rememberInBuildCache } from '../image/store/build-cache.js';
import { keepUntaggedImage, tagImage } from '../image/store/images.js';
import { shortDigest } from '../image/store/layers.js';
import { lockStore } from '../image/store/lock.js';
import { manifestIn, ociLayerType } from '../image/store/manifest-format.js';
import {
  type Descriptor,
  type ImageConfig,
  type Manifest,
  MEDIA,
  ownPlatform,
  type Platform,
} from '../image/store/oci.js';
import { formatPlatform, parsePlatform, satisfiesPlatform } from '../image/store/platform.js';
import { findNetwork } from '../network/store.js';
import { defaultIdMaps } from '../spec/choose-id-maps.js';
import { EXIT, FosterError } from '../sys/errors.js';
import { stopIfInterrupted } from '../worker/interrupt.js';
import { ContextFiles, openContext } from './context/context.js';
import { NamedContexts } from './context/contexts.js';
import { type Dockerfile, type Instruction, parseDockerfile } from './dockerfile/dockerfile.js';
import { loadParser } from './dockerfile/load-parser.js';
import {
  findStage,
  neededStages,
  PREDEFINED_ARGS,
  readStages,
  type Stage,
  withPosition,
} from './dockerfile/stages.js';
import { emptyState, type StageLayer, type StageState, setVariable } from './dockerfile/state.js';
import { ForeseeingMaker, type ForeseenStep } from './foresee.js';
import { type LayerMaker, StoreMaker } from './layer-maker.js';
import type { BuildOptions, BuildOutput, BuildRequest } from './options.js';
import { type BuildEnvironment, StageBuilder } from './stage-builder.js';
import { checkLimits } from './steps/run-limits.js';
import { squashLayers } from './steps/squash.js';

/**
 * Builds an image from a Dockerfile.
 * @returns its id, `sha256:` and 64 hexadecimal digits
 * @throws FosterError; completed steps are cached, incomplete ones leave nothing
 */
export async function buildImage(request: BuildRequest, output: BuildOutput): Promise<string> {
  return await withBuild(request, output, async (build) => await build.run());
}

/**
 * Finds out what a build would do. Nothing is made, run or downloaded.
 * @returns what each instruction would do, in the order in which they would be done
 * @throws FosterError for what a build would refuse, as far as that can be known before
 */
export async function foreseeBuild(request: BuildRequest, output: BuildOutput): Promise<ForeseenStep[]> {
  const maker = new ForeseeingMaker(defaultIdMaps());
  await withBuild(request, { ...output, applied: (step) => maker.note(step) }, async (build) => {
    await build.walk(maker);
  });
  return maker.steps;
}

async function withBuild<T>(
  request: BuildRequest,
  output: BuildOutput,
  use: (build: Build) => Promise<T>,
): Promise<T> {
  await lockStore();
  const context = await openContext(request.context, request.file);
  let files: ContextFiles | undefined;
  let contexts: NamedContexts | undefined;
  try {
    const file = parseDockerfile(context.text, context.name, loadParser());
    files = new ContextFiles(context, request.ignoreFile);
    contexts = new NamedContexts(request.contexts);
    return await use(new Build(request, output, file, files, contexts));
  } finally {
    files?.close();
    contexts?.close();
    context.discard?.();
  }
}

class Build {
  readonly #request: BuildRequest;
  readonly #output: BuildOutput;
  readonly #file: Dockerfile;
  readonly #files: ContextFiles;
  readonly #contexts: NamedContexts;
  readonly #options: BuildOptions;
  readonly #finished = new Map<Stage, StageState>();

  constructor(
    request: BuildRequest,
    output: BuildOutput,
    file: Dockerfile,
    files: ContextFiles,
    contexts: NamedContexts,
  ) {
    this.#request = request;
    const said = new Set<string>();
    const warn = (sentence: string) => {
      if (!said.has(sentence)) output.warn(sentence); // each RUN has a reason to warn of the same
      said.add(sentence);
    };
    this.#output = { ...output, warn };
    this.#file = file;
    this.#files = files;
    this.#contexts = contexts;
    checkPlatform(request.platform);
    for (const { name } of request.network.networks) findNetwork(name, { exitCode: EXIT.FOSTER });
    const { buildArgs, useCache, network, timestamp, isQuiet, secrets, container, limits, agents } = request;
    checkLimits(limits);
    this.#options = {
      buildArgs,
      useCache,
      network,
      timestamp,
      isQuiet,
      secrets,
      container,
      limits,
      agents,
      platformArgs: platformArgs(ownPlatform()),
      maps: defaultIdMaps(),
    };
    if (this.#options.maps.isSingle) {
      output.warn(
        'you have no range in /etc/subuid and /etc/subgid, so all files of the image will belong to root',
      );
    }
  }

  /** Does it. @returns the id of the image */
  async run(): Promise<string> {
    const { pull, access } = this.#request;
    const { maps, isQuiet } = this.#options;
    const base = { maps, pull, platform: ownPlatform(), access, isQuiet };
    return await this.#commit(await this.walk(new StoreMaker(this.#options, base, this.#output)));
  }

  /** Applies all instructions that are needed. @returns the state of the stage that was asked for */
  async walk(maker: LayerMaker): Promise<StageState> {
    const { buildArgs, platformArgs: platforms } = this.#options;
    const { all, globals } = readStages(this.#file, buildArgs, platforms);
    const [first] = all;
    if (first !== undefined && this.#request.from !== undefined) first.base = this.#request.from;
    const target = this.#target(all);
    const stages = neededStages(all, target);
    for (const [index, stage] of stages.entries()) {
      const prefix = stages.length === 1 ? '' : `[${index + 1}/${stages.length}] `;
      this.#finished.set(stage, await this.#stage(stage, { all, globals, maker, prefix }));
    }
    this.#warnOfUnusedArgs();
    const state = this.#finished.get(target);
    if (state === undefined) throw new Error('the target was not built');
    return state;
  }

  #target(all: Stage[]): Stage {
    const { target } = this.#request;
    const found = target === undefined ? all.at(-1) : findStage(all, target);
    if (found !== undefined) return found;
    const names = all.flatMap(({ name }) => name ?? []);
    throw new FosterError(`${this.#file.name} has no stage '${target}'`, {
      exitCode: 1,
      advice:
        names.length === 0
          ? 'its stages have no names: use a number, counted from 0'
          : `it has ${names.join(', ')}`,
    });
  }

  async #stage(
    stage: Stage,
    {
      all,
      globals,
      maker,
      prefix,
    }: { all: Stage[]; globals: ReadonlyMap<string, string>; maker: LayerMaker; prefix: string },
  ): Promise<StageState> {
    const total = stage.instructions.length + 1;
    const printStep = (index: number, { keyword, flags, rest }: Instruction) => {
      const words = flags
        .map((flag) => `--${flag.name}${flag.value === '' ? '' : `=${flag.value}`} `)
        .join('');
      this.#output.printLine(`${prefix}STEP ${index}/${total}: ${keyword} ${words}${rest}`);
    };
    printStep(1, stage.from);
    const environment: BuildEnvironment = {
      file: this.#file,
      context: this.#files,
      options: { ...this.#options, useCache: this.#options.useCache && !this.#isUncached(stage) },
      output: this.#output,
      maker,
      globals,
      contexts: this.#contexts,
      findTree: (wanted) => this.#treeOf(wanted, stage, { all, maker }),
    };
    let builder: StageBuilder;
    try {
      const base = await this.#base(stage, maker);
      builder = new StageBuilder(environment, base);
      this.#output.applied?.({ stage, instruction: stage.from, state: builder.state });
      for (const [name, value] of this.#request.env.map(splitVariable))
        setVariable(builder.state.config, name, value);
      for (const trigger of base.config.OnBuild ?? []) {
        for (const instruction of this.#trigger(trigger, stage)) {
          this.#output.printLine(`${prefix}ONBUILD: ${instruction.keyword} ${instruction.rest}`);
          await this.#apply(builder, stage, instruction, `ONBUILD of ${stage.from.rest}`);
        }
      }
    } catch (error) {
      throw withPosition(this.#file, stage.from.line, error);
    }
    for (const [index, instruction] of stage.instructions.entries()) {
      printStep(index + 2, instruction);
      await this.#apply(builder, stage, instruction, this.#file.name);
    }
    return builder.state;
  }

  async #apply(builder: StageBuilder, stage: Stage, instruction: Instruction, name: string): Promise<void> {
    await stopIfInterrupted();
    try {
      await builder.apply(instruction);
    } catch (error) {
      throw withPosition({ name }, instruction.line, error);
    }
    this.#output.applied?.({ stage, instruction, state: builder.state });
  }

  #trigger(text: string, { from }: Stage): Instruction[] {
    return parseDockerfile(text, `ONBUILD of ${from.rest}`, loadParser()).instructions;
  }

  async #base({ base, platform }: Stage, maker: LayerMaker): Promise<StageState> {
    checkPlatform(platform);
    if (typeof base === 'string') return await this.#baseNamed(base, maker);
    const state = this.#finished.get(base);
    if (state === undefined) throw new Error('a stage was built before the one it needs');
    return state;
  }

  async #baseNamed(base: string, maker: LayerMaker): Promise<StageState> {
    const context = this.#contexts.find(base);
    if (context !== undefined && 'files' in context)
      throw new FosterError(`FROM ${base}: --build-context ${base} is a directory`, {
        advice: `use FROM scratch and COPY --from=${base}`,
      });
    const image = context?.image ?? base;
    return image === 'scratch' ? emptyState(ownPlatform()) : await maker.image(image);
  }

  #isUncached({ index, name }: Stage): boolean {
    const { uncachedStages } = this.#request;
    return uncachedStages.includes(String(index)) || (name !== undefined && uncachedStages.includes(name));
  }

  async #treeOf(
    wanted: string,
    stage: Stage,
    { all, maker }: { all: Stage[]; maker: LayerMaker },
  ): Promise<StageState> {
    const other = findStage(all.slice(0, stage.index), wanted);
    if (other === undefined) {
      if (/^\d+$/.test(wanted))
        throw new FosterError(`--from=${wanted}: there is no earlier stage with that number`);
      const context = this.#contexts.find(wanted);
      return await maker.image(context !== undefined && 'image' in context ? context.image : wanted);
    }
    const state = this.#finished.get(other);
    if (state === undefined) throw new FosterError(`--from=${wanted}: the stage is not built yet`);
    return state;
  }

  #warnOfUnusedArgs(): void {
    const text = this.#file.instructions.filter(({ keyword }) => keyword === 'ARG').map(({ rest }) => rest);
    const declared = new Set(
      text.flatMap((rest) => [...rest.matchAll(/[A-Za-z_]\w*/g)].map(([word]) => word)),
    );
    const unused = [...this.#options.buildArgs.keys()].filter(
      (name) => !declared.has(name) && !PREDEFINED_ARGS.has(name),
    );
    if (unused.length > 0) this.#output.warn(`no ARG for these --build-arg options: ${unused.join(', ')}`);
  }

  async #commit(state: StageState): Promise<string> {
    const { tags, labels, iidfile, timestamp, unsetEnv, omitsHistory } = this.#request;
    const layers = this.#request.squashesAll ? await this.#squashed(state) : state.layers;
    const steps = this.#request.squashesAll ? [{ created_by: 'foster build --squash-all' }] : state.history;
    const config = { ...state.config };
    if (unsetEnv.length > 0)
      config.Env = (config.Env ?? []).filter((variable) => !unsetEnv.includes(splitVariable(variable)[0]));
    if (Object.keys(labels).length > 0) config.Labels = { ...config.Labels, ...labels };
    const image: Omit<ImageConfig, 'created'> = {
      ...state.platform,
      ...(state.author === undefined ? {} : { author: state.author }),
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffID }) => diffID) },
      history: omitsHistory ? [] : steps,
    };
    const created = timestamp === undefined ? this.#created(image) : new Date(timestamp * 1000).toISOString();
    const history = (image.history ?? []).map((entry) => ({ created, ...entry }));
    const descriptor = this.#put({ ...image, history, created }, layers);
    for (const tag of tags) {
      this.#output.printLine(`COMMIT ${tag}`);
      await tagImage(tag, descriptor.manifest);
    }
    if (tags.length === 0) await keepUntaggedImage(descriptor.manifest);
    this.#output.printLine(`--> ${shortDigest(descriptor.id)}`);
    for (const tag of tags) this.#output.printLine(`Successfully tagged ${tag}`);
    if (iidfile !== undefined) writeFileSync(iidfile, descriptor.id);
    return descriptor.id;
  }

  /** If the same image has been built before, its first creation time, so that it has the same id. */
  #created(image: Omit<ImageConfig, 'created'>): string {
    const key = buildCacheKey({ version: 1, image });
    const known = this.#options.useCache ? findInBuildCache(key)?.created : undefined;
    if (known !== undefined) return known;
    const created = new Date().toISOString();
    rememberInBuildCache(key, { created });
    return created;
  }

  /** One layer with all files of the stage. */
  async #squashed({ layers }: StageState): Promise<StageLayer[]> {
    const { maps, timestamp } = this.#options;
    if (layers.length < 2) return layers;
    return [await squashLayers(layers, { maps, timestamp })];
  }

  #put(config: ImageConfig, layers: StageLayer[]): { id: string; manifest: Descriptor } {
    const { annotations, format } = this.#request;
    const descriptor = putDocument(config, MEDIA.config);
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MEDIA.manifest,
      config: descriptor,
      layers: layers.map((layer) => ({
        ...layer.descriptor,
        mediaType: ociLayerType(layer.descriptor.mediaType),
      })),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
    const document = format === 'oci' ? manifest : manifestIn(format, manifest, 'the image');
    return { id: descriptor.digest, manifest: putDocument(document, document.mediaType ?? MEDIA.manifest) };
  }
}

/** `NAME=value`, whose value may be empty. */
function splitVariable(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** Programs for other platforms do not run here. @throws FosterError */
function checkPlatform(text: string | undefined): void {
  if (text === undefined) return;
  const own = ownPlatform();
  if (satisfiesPlatform(own, parsePlatform(text))) return;
  throw new FosterError(`cannot build for ${text}: this machine is ${formatPlatform(own)}`, {
    kind: 'unsupported',
    exitCode: 1,
  });
}

function platformArgs(own: Platform): Map<string, string> {
  return new Map(
    ['TARGET', 'BUILD'].flatMap((prefix): [string, string][] => [
      [`${prefix}PLATFORM`, formatPlatform(own)],
      [`${prefix}OS`, own.os],
      [`${prefix}ARCH`, own.architecture],
      [`${prefix}VARIANT`, own.variant ?? ''],
    ]),
  );
}
