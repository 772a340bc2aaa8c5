import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workplace } from '../image/rootfs/cache.js';
import {
  type BuildCacheEntry,
  buildCacheKey,
  findInBuildCache,
  rememberInBuildCache,
} from '../image/store/build-cache.js';
import { diffIDsOf, shortDigest, stackOf } from '../image/store/layers.js';
import { unpackLayers } from '../image/store/unpack-layers.js';
import type { Mount } from '../spec/types.js';
import type { ContextFiles } from './context/context.js';
import { configure, workingDirectory } from './dockerfile/configure.js';
import { type Dockerfile, type Instruction, lineError } from './dockerfile/dockerfile.js';
import { type RunWords, readRun, runText, SCRIPT } from './dockerfile/run-words.js';
import { PREDEFINED_ARGS, readArgs } from './dockerfile/stages.js';
import { copyState, type StageState, variableOf } from './dockerfile/state.js';
import type { BuildOptions, BuildVoice } from './options.js';
import {
  type FilesStep,
  type FilesWork,
  readFilesStep,
  workFromContext,
  workFromLayers,
} from './steps/files-step.js';
import { type LayerWork, type MadeLayer, makeLayer } from './steps/make-layer.js';
import { mountContents, secretVariables } from './steps/mount-contents.js';
import { withMounts } from './steps/mount-sources.js';
import { MOUNT_POINTS, runStep } from './steps/run-step.js';

/** What all stages of a build share. */
export interface BuildWorld {
  file: Dockerfile;
  context: ContextFiles;
  options: BuildOptions;
  voice: BuildVoice;
  globals: ReadonlyMap<string, string>;
  /** The tree that `COPY --from` names: a stage that is finished, or an image. */
  treeOf(name: string): Promise<StageState>;
}

/** Takes a stage through its instructions, each on what the one before has left. */
export class StageBuilder {
  readonly #world: BuildWorld;
  readonly state: StageState;

  constructor(world: BuildWorld, base: StageState) {
    this.#world = world;
    this.state = copyState(base);
  }

  /** @throws FosterError */
  async apply(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file } = this.#world;
    switch (instruction.keyword) {
      case 'ARG':
        this.#declare(instruction);
        return;
      case 'RUN':
        return await this.#run(instruction);
      case 'COPY':
      case 'ADD':
        return await this.#files(instruction);
      case 'WORKDIR':
        return await this.#workdir(instruction);
      default:
        if (!configure(state, instruction, file))
          throw lineError(file.name, instruction.line, `${instruction.keyword} cannot be here`);
        this.#note(`${instruction.keyword} ${instruction.rest}`);
    }
  }

  #declare(instruction: Instruction): void {
    const { file, options, globals } = this.#world;
    for (const { name, value } of readArgs(file, instruction, (known) => variableOf(this.state, known))) {
      const chosen =
        options.buildArgs.get(name) ?? value ?? globals.get(name) ?? options.platformArgs.get(name);
      if (chosen !== undefined) this.state.args.set(name, chosen);
    }
    this.#note(`ARG ${instruction.rest}`);
  }

  async #run(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file, options } = this.#world;
    const words = readRun(instruction, state, file);
    const mounts = await mountContents(words.mounts, options.secrets, (step) => this.#filesWork(step));
    const network = words.network ?? options.network;
    const args = this.#argsOfRun();
    const key = {
      run: words.argv,
      script: words.script,
      mounts: mounts.map(({ mount, work }) => ({ ...mount, digest: work?.digest })),
      env: state.config.Env ?? [],
      args: args.filter((arg) => !PREDEFINED_ARGS.has(nameOf(arg))),
      user: state.config.User ?? '',
      directory: state.config.WorkingDir ?? '',
      network,
    };
    const shownArgs = key.args.length === 0 ? '' : `|${key.args.length} ${key.args.join(' ')} `;
    await this.#layerStep(`RUN ${shownArgs}${runText(words)}`, key, () => ({
      changes: [],
      inputs: [],
      mountPoints: [...mounts.flatMap(({ mount }) => mount.target ?? []), ...MOUNT_POINTS],
      run: (layers) => async (place) =>
        await withMounts(
          mounts,
          options.maps,
          place,
          async (specMounts) =>
            await this.#runContainer(
              instruction,
              words,
              {
                layers,
                args: [...args, ...secretVariables(words.mounts, options.secrets)],
                network,
                mounts: specMounts,
              },
              place,
            ),
        ),
    }));
  }

  /** ARGs that ENV does not hide, and those that need no ARG. */
  #argsOfRun(): string[] {
    const { state } = this;
    const predefined = [...this.#world.options.buildArgs].filter(([name]) => PREDEFINED_ARGS.has(name));
    const all = new Map([...predefined, ...state.args]);
    const own = new Set((state.config.Env ?? []).map(nameOf));
    return [...all].filter(([name]) => !own.has(name)).map(([name, value]) => `${name}=${value}`);
  }

  async #runContainer(
    instruction: Instruction,
    { argv, script }: RunWords,
    {
      layers,
      args,
      network,
      mounts,
    }: { layers: string[]; args: string[]; network: 'none' | 'host'; mounts: Mount[] },
    place: Workplace,
  ): Promise<void> {
    const { file, options } = this.#world;
    const specMounts = [...mounts];
    if (script !== undefined) {
      const path = join(place.folder, 'script');
      writeFileSync(path, script, { mode: 0o755 });
      specMounts.push({ destination: SCRIPT, type: 'bind', source: path, options: ['bind', 'ro'] });
    }
    const code = await runStep(
      {
        argv,
        env: args,
        defaults: this.state.config,
        layers,
        maps: options.maps,
        network,
        mounts: specMounts,
        isQuiet: options.isQuiet,
      },
      place,
    );
    if (code === 0) return;
    const shown = script === undefined ? argv.join(' ') : `<<${instruction.heredocs[0]?.name}`;
    throw lineError(
      file.name,
      instruction.line,
      `The command '${shown}' returned a non-zero code: ${code}`,
      network === 'none' && WANTS_NETWORK.test(shown)
        ? "RUN has no network unless you say '--network host'"
        : undefined,
    );
  }

  async #files(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file } = this.#world;
    const layers = await this.#stack();
    const step = readFilesStep(instruction, state, layers, file);
    const work = await this.#filesWork(step);
    const { sources, text, from, ...rest } = step;
    const key = { copy: sources, ...rest, digest: work.digest };
    await this.#layerStep(text, key, () => ({
      changes: work.changes,
      inputs: work.inputs,
      mountPoints: [],
    }));
  }

  async #filesWork(step: FilesStep): Promise<FilesWork> {
    const { context, treeOf } = this.#world;
    if (step.from === undefined) return await workFromContext(step, context);
    const source = await treeOf(step.from);
    const layers = await this.#unpacked(source);
    return workFromLayers(step, layers, buildCacheKey(source.layers.map(({ diffID }) => diffID)));
  }

  async #workdir(instruction: Instruction): Promise<void> {
    const { state } = this;
    const path = workingDirectory(state, instruction, this.#world.file);
    state.config.WorkingDir = path;
    await this.#layerStep(`WORKDIR ${path}`, { directory: path }, () => ({
      changes: [{ kind: 'directory', path }],
      inputs: [],
      mountPoints: [],
    }));
  }

  /** An entry of the image's history that stands for no layer. */
  #note(text: string): void {
    this.state.history.push({ created_by: text, empty_layer: true });
  }

  /**
   * A step that makes a layer, or has been made before.
   * @param key what it depends on, besides what is below
   */
  async #layerStep(
    text: string,
    key: object,
    work: () => Pick<LayerWork, 'changes' | 'inputs' | 'mountPoints'> & {
      run?: (layers: string[]) => NonNullable<LayerWork['run']>;
    },
  ): Promise<void> {
    const { state } = this;
    const { options, voice } = this.#world;
    const whole = buildCacheKey({
      version: 1,
      below: state.layers.map(({ diffID }) => diffID),
      timestamp: options.timestamp,
      ...key,
    });
    const known = options.useCache ? findInBuildCache(whole) : undefined;
    if (known !== undefined) {
      this.#add(text, known);
      voice.line(`--> CACHED ${shortDigest(known.layer?.diffID ?? '') || 'no change'}`);
      return;
    }
    const layers = await this.#stack();
    const { run, ...rest } = work();
    const made = await makeLayer({
      ...rest,
      maps: options.maps,
      layers,
      timestamp: options.timestamp,
      ...(run && { run: run(layers) }),
    });
    if (made.lostOwners > 0)
      voice.warn(`files whose owner is not mapped belong to root now: ${made.lostOwners}`);
    const entry = entryOf(made, options.timestamp);
    rememberInBuildCache(whole, entry);
    this.#add(text, entry);
    voice.line(`--> ${entry.layer === undefined ? 'no change' : shortDigest(made.diffID)}`);
  }

  #add(text: string, { created, layer }: BuildCacheEntry): void {
    this.state.history.push({ created, created_by: text, ...(layer === undefined && { empty_layer: true }) });
    if (layer !== undefined) this.state.layers.push(layer);
  }

  async #stack(): Promise<string[]> {
    return await this.#unpacked(this.state);
  }

  /** The unpacked layers; one that a cached step has brought may be packed still. */
  async #unpacked({ layers }: StageState): Promise<string[]> {
    const { maps } = this.#world.options;
    const image = {
      manifest: { layers: layers.map(({ descriptor }) => descriptor) },
      config: { rootfs: { type: 'layers' as const, diff_ids: layers.map(({ diffID }) => diffID) } },
    };
    return (
      stackOf(diffIDsOf({ manifest: image.manifest, config: image.config }), maps) ??
      (await unpackLayers(image, { maps }))
    );
  }
}

/** What most likely fails without. */
const WANTS_NETWORK =
  /\b(apt|apt-get|apk|dnf|yum|zypper|pacman|npm|pnpm|yarn|pip3?|curl|wget|git|go|cargo|gem)\b/;

function nameOf(variable: string): string {
  return variable.slice(0, variable.indexOf('='));
}

function entryOf(made: MadeLayer, timestamp: number | undefined): BuildCacheEntry {
  const created = new Date(timestamp === undefined ? Date.now() : timestamp * 1000).toISOString();
  const { isEmpty, descriptor, diffID } = made;
  return isEmpty ? { created } : { created, layer: { descriptor, diffID } };
}
