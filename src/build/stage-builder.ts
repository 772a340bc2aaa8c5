import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from '../image/rootfs/cache.js';
import { type BuildCacheEntry, buildCacheKey, findInBuildCache } from '../image/store/build-cache.js';
import { shortDigest } from '../image/store/layers.js';
import type { BuildNetwork } from '../spec/request.js';
import type { Mount } from '../spec/types.js';
import type { ContextFiles } from './context/context.js';
import type { NamedContexts } from './context/contexts.js';
import { configure, workingDirectory } from './dockerfile/configure.js';
import { type Dockerfile, type Instruction, lineError } from './dockerfile/dockerfile.js';
import { type RunCommand, readRun, runText, SCRIPT } from './dockerfile/run-command.js';
import { PREDEFINED_ARGS, readArgs } from './dockerfile/stages.js';
import { copyState, type StageState, variableOf } from './dockerfile/state.js';
import type { LayerMaker, StepWork } from './layer-maker.js';
import { type BuildOptions, type BuildOutput, isUsual } from './options.js';
import {
  type FilesStep,
  type FilesWork,
  readFilesStep,
  workFromContext,
  workFromLayers,
} from './steps/files-step.js';
import { agentVariables, mountContents, secretVariables } from './steps/mount-contents.js';
import { foreseenMounts, withMounts } from './steps/mount-sources.js';
import { MOUNT_POINTS, type RunStep, runStep } from './steps/run-step.js';
import { joined } from './steps/url-sources.js';

/** What all stages of a build have in common. */
export interface BuildEnvironment {
  file: Dockerfile;
  context: ContextFiles;
  contexts: NamedContexts;
  options: BuildOptions;
  output: BuildOutput;
  maker: LayerMaker;
  globals: ReadonlyMap<string, string>;
  /** The tree that `COPY --from` names: a finished stage or an image. */
  findTree(name: string): Promise<StageState>;
}

/** Applies the instructions of a stage, one after the other. */
export class StageBuilder {
  readonly #environment: BuildEnvironment;
  readonly state: StageState;

  constructor(environment: BuildEnvironment, base: StageState) {
    this.#environment = environment;
    this.state = copyState(base);
  }

  /** @throws FosterError */
  async apply(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file } = this.#environment;
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
          throw lineError(file.name, instruction.line, `${instruction.keyword} is not allowed here`);
        this.#note(`${instruction.keyword} ${instruction.rest}`);
    }
  }

  #declare(instruction: Instruction): void {
    const { file, options, globals } = this.#environment;
    for (const { name, value } of readArgs(file, instruction, (known) => variableOf(this.state, known))) {
      const chosen =
        options.buildArgs.get(name) ?? value ?? globals.get(name) ?? options.platformArgs.get(name);
      if (chosen !== undefined) this.state.args.set(name, chosen);
    }
    this.#note(`ARG ${instruction.rest}`);
  }

  async #run(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file, options } = this.#environment;
    const words = readRun(instruction, state, file);
    const mounts = await mountContents(words.mounts, options, (step) => this.#filesWork(step));
    const network: BuildNetwork =
      words.network === undefined ? options.network : { mode: words.network, networks: [], isUsual: false };
    const args = this.#argsOfRun();
    const key = {
      run: words.argv,
      script: words.script,
      mounts: mounts.map(({ mount, work }) => ({ ...mount, digest: work?.digest })),
      env: state.config.Env ?? [],
      args: args.filter((arg) => !PREDEFINED_ARGS.has(nameOf(arg))),
      user: state.config.User ?? '',
      directory: state.config.WorkingDir ?? '',
      network: network.mode === 'bridge' ? network.networks : network.mode,
      ...(isUsual(options.container) ? {} : { container: options.container }),
    };
    const shownArgs = key.args.length === 0 ? '' : `|${key.args.length} ${key.args.join(' ')} `;
    const env = [
      ...args,
      ...secretVariables(words.mounts, options.secrets),
      ...agentVariables(words.mounts, options.agents),
    ];
    const container = (layers: string[], specMounts: Mount[]) =>
      this.#container(words, { layers, env, network, mounts: specMounts });
    await this.#layerStep(`RUN ${shownArgs}${runText(words)}`, key, () => ({
      changes: [],
      inputs: [],
      mountPoints: [
        ...mounts.flatMap(({ mount }) => mount.target ?? []),
        ...options.container.volumes.map(({ destination }) => destination),
        ...MOUNT_POINTS,
      ],
      hasChanged: () => mounts.some(({ work }) => work?.hasChanged?.()),
      run: {
        start: (layers) => async (workspace) =>
          await withMounts(
            mounts,
            options.maps,
            workspace,
            async (specMounts) =>
              await this.#runContainer(instruction, words, container(layers, specMounts), workspace),
          ),
        foresee: (layers) => container(layers, foreseenMounts(mounts, options.maps)),
      },
    }));
  }

  /** ARGs that are not hidden by ENV, including predefined ones. */
  #argsOfRun(): string[] {
    const { state } = this;
    const predefined = [...this.#environment.options.buildArgs].filter(([name]) => PREDEFINED_ARGS.has(name));
    const all = new Map([...predefined, ...state.args]);
    const own = new Set((state.config.Env ?? []).map(nameOf));
    return [...all].filter(([name]) => !own.has(name)).map(([name, value]) => `${name}=${value}`);
  }

  #container(
    { argv }: RunCommand,
    { mounts, ...rest }: Pick<RunStep, 'layers' | 'env' | 'network' | 'mounts'>,
  ): RunStep {
    const { options, output } = this.#environment;
    return {
      argv,
      ...rest,
      defaults: this.state.config,
      maps: options.maps,
      mounts: [...mounts, ...options.container.volumes],
      settings: options.container,
      limits: options.limits,
      isQuiet: options.isQuiet,
      warn: output.warn,
    };
  }

  async #runContainer(
    instruction: Instruction,
    { argv, script }: RunCommand,
    container: RunStep,
    workspace: Workspace,
  ): Promise<void> {
    const { file, output } = this.#environment;
    const { network } = container;
    const mounts = [...container.mounts];
    if (script !== undefined) {
      const path = join(workspace.folder, 'script');
      writeFileSync(path, script, { mode: 0o755 });
      mounts.push({ destination: SCRIPT, type: 'bind', source: path, options: ['bind', 'ro'] });
    }
    const shown = script === undefined ? argv.join(' ') : `<<${instruction.heredocs[0]?.name}`;
    const hasNetwork = network.mode !== 'none';
    if (!hasNetwork && network.isUsual && LIKELY_DOWNLOADS.test(script ?? shown))
      output.warn(`this RUN may need a network, and has none; ${USE_NETWORK}`);
    const code = await runStep({ ...container, mounts }, workspace);
    if (code === 0) return;
    throw lineError(
      file.name,
      instruction.line,
      `The command '${shown}' returned a non-zero code: ${code}`,
      !hasNetwork && NEEDS_NETWORK.test(shown) ? `it has no network; ${USE_NETWORK}` : undefined,
    );
  }

  async #files(instruction: Instruction): Promise<void> {
    const { state } = this;
    const { file } = this.#environment;
    const layers = await this.#environment.maker.unpacked(state.layers);
    const step = readFilesStep(instruction, state, layers, file);
    const cleanups: (() => void)[] = [];
    try {
      const work = await this.#sourcesOf(step, (cleanup) => cleanups.push(cleanup));
      const { sources, text, from, urls, checksum, ...rest } = step;
      const key = { copy: sources, ...rest, ...(urls.length > 0 && { urls }), digest: work.digest };
      await this.#layerStep(text, key, () => ({
        changes: work.changes,
        inputs: work.inputs,
        mountPoints: [],
        hasChanged: work.hasChanged,
      }));
    } finally {
      for (const cleanup of cleanups.toReversed()) cleanup();
    }
  }

  async #sourcesOf(step: FilesStep, clean: (cleanup: () => void) => void): Promise<FilesWork> {
    if (step.urls.length === 0) return await this.#filesWork(step);
    const downloaded = await this.#environment.maker.download(step, clean);
    const isAll = step.sources.length + step.heredocs.length === 0;
    return isAll ? downloaded : joined([await this.#filesWork(step), downloaded]);
  }

  async #filesWork(step: FilesStep): Promise<FilesWork> {
    const { context, contexts, findTree, maker } = this.#environment;
    if (step.from === undefined) return await workFromContext(step, context);
    const named = contexts.find(step.from);
    if (named !== undefined && 'files' in named) return await workFromContext(step, named.files);
    const source = await findTree(step.from);
    const layers = await maker.unpacked(source.layers);
    return workFromLayers(step, layers ?? [], buildCacheKey(source.layers.map(({ diffID }) => diffID)));
  }

  async #workdir(instruction: Instruction): Promise<void> {
    const { state } = this;
    const path = workingDirectory(state, instruction, this.#environment.file);
    state.config.WorkingDir = path;
    await this.#layerStep(`WORKDIR ${path}`, { directory: path }, () => ({
      changes: [{ kind: 'directory', path }],
      inputs: [],
      mountPoints: [],
    }));
  }

  /** Adds an entry without a layer to the image's history. */
  #note(text: string): void {
    this.state.history.push({ created_by: text, empty_layer: true });
  }

  /**
   * Runs a step that makes a layer, or takes its result from the cache.
   * @param key what it depends on, besides the layers below
   */
  async #layerStep(text: string, key: object, work: () => StepWork): Promise<void> {
    const { state } = this;
    const { options, output, maker } = this.#environment;
    const whole = buildCacheKey({
      version: 1,
      below: state.layers.map(({ diffID }) => diffID),
      timestamp: options.timestamp,
      ...key,
    });
    const known = options.useCache ? findInBuildCache(whole) : undefined;
    if (known !== undefined) {
      this.#add(text, known);
      output.printLine(`--> CACHED ${shortDigest(known.layer?.diffID ?? '') || 'no change'}`);
      return;
    }
    const entry = await maker.make(whole, state.layers, work());
    this.#add(text, entry);
    output.printLine(`--> ${entry.layer === undefined ? 'no change' : shortDigest(entry.layer.diffID)}`);
  }

  #add(text: string, { created, layer }: BuildCacheEntry): void {
    this.state.history.push({ created, created_by: text, ...(layer === undefined && { empty_layer: true }) });
    if (layer !== undefined) this.state.layers.push(layer);
  }
}

const USE_NETWORK = "use '--network bridge'";

/** Commands that most likely fail without a network. */
const NEEDS_NETWORK =
  /\b(apt|apt-get|apk|dnf|yum|zypper|pacman|npm|pnpm|yarn|pip3?|curl|wget|git|go|cargo|gem)\b/;

/** Those that download nearly always: said before they have failed, which may take a minute. */
const LIKELY_DOWNLOADS =
  /\b(apt(-get)? (-\S+ )*(update|install|upgrade|dist-upgrade)|apk (-\S+ )*(add|update|upgrade)|(dnf|yum|microdnf|zypper) (-\S+ )*(install|update)|npm (ci|i|install)|(pnpm|yarn) (add|install)|pip3? (-\S+ )*install|curl|wget|git clone|go (get|mod download)|cargo (fetch|install)|gem install|bundle install)\b/;

function nameOf(variable: string): string {
  return variable.slice(0, variable.indexOf('='));
}
