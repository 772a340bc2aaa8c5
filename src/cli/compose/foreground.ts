import type { Project } from '../../engine/compose/project.js';
import type { ProjectContainer } from '../../engine/compose/state.js';
import type { UpRequest } from '../../engine/compose/up.js';
import { printError } from '../output.js';
import { LogPrinter } from './log-printer.js';
import { progressReport } from './progress.js';
import type { UpFlags } from './up-options.js';

/** The exit code after Ctrl-C. */
const INTERRUPTED = 130;

/**
 * `up` without -d: prints the logs until all containers have ended, or until Ctrl-C, which stops them in the right order; a
 * second Ctrl-C kills them.
 * @returns the exit code
 */
export async function upInForeground(
  project: Project,
  request: UpRequest,
  named: readonly string[],
  flags: UpFlags,
): Promise<number> {
  const { up } = await import('../../engine/compose/up.js');
  const { jobsOf } = await import('../../engine/compose/needs.js');
  const session = new Session(project, flags, shownServices(project, named, flags), jobsOf(project));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => session.interrupt());
  await up(project, { ...request, onRunning: (id) => void session.follow(id) }, progressReport());
  return await session.end();
}

/** The services whose logs are printed. */
function shownServices(
  { services }: Project,
  named: readonly string[],
  flags: UpFlags,
): (name: string) => boolean {
  const { attach, noAttach = [], attachDependencies } = flags;
  return (name) => {
    if (noAttach.includes(name) || services[name]?.attach === false) return false;
    if (attach !== undefined) return attach.includes(name);
    return named.length === 0 || named.includes(name) || attachDependencies === true;
  };
}

class Session {
  readonly #since = BigInt(Date.now()) * 1_000_000n;
  readonly #followed = new Map<string, Promise<void>>();
  readonly #printer: LogPrinter;
  #interrupts = 0;
  #isStarting = true;
  #isEnding = false;
  /** That of the container that has ended everything. */
  #exitCode = 0;
  /** That of the service of --exit-code-from. */
  #chosenCode: number | undefined;

  constructor(
    readonly project: Project,
    readonly flags: UpFlags,
    readonly isShown: (service: string) => boolean,
    readonly jobs: ReadonlySet<string>,
  ) {
    const { color, logPrefix, timestamps = false } = flags;
    const labels = Object.keys(project.services)
      .filter(isShown)
      .map((name) => `${name}-1`);
    this.#printer = new LogPrinter({ hasColour: color, hasPrefix: logPrefix, hasTime: timestamps }, labels);
  }

  /** Prints the log of a container from now on, until it has ended. */
  follow(id: string): void {
    if (!this.#followed.has(id)) this.#followed.set(id, this.#follow(id));
  }

  async #follow(id: string): Promise<void> {
    const { findProjectContainer } = await import('../../engine/compose/state.js');
    const { linesOf } = await import('../../engine/compose/logs.js');
    const { wait } = await import('../../engine/containers.js');
    const one = findProjectContainer(id);
    if (one === undefined) return;
    const isShown = this.isShown(one.service);
    if (isShown)
      for await (const line of linesOf(one, { since: this.#since }, true)) this.#printer.print(line);
    const code = await wait(id).catch(() => 0); // it may be gone
    const label = `${one.service}-${one.number}`;
    if (isShown) this.#printer.printNote(label, `${label} exited with code ${code}`);
    this.#ended(one, code);
  }

  /** Waits, when everything has started, until all containers have ended. @returns the exit code */
  async end(): Promise<number> {
    this.#isStarting = false;
    if (this.#isEnding) this.#stop();
    const watching = this.flags.watch ? await this.#watch() : undefined;
    await Promise.all(this.#followed.values());
    await this.#stopping;
    watching?.abort();
    return this.#interrupts > 0 ? INTERRUPTED : (this.#chosenCode ?? this.#exitCode);
  }

  async #watch(): Promise<AbortController> {
    const { watchProject } = await import('./watch.js');
    const controller = new AbortController();
    void watchProject(this.project, [], controller.signal);
    return controller;
  }

  #ended({ service }: ProjectContainer, code: number): void {
    if (service === this.flags.exitCodeFrom) this.#chosenCode ??= code;
    if (this.#isEnding || !this.#endsAll(service, code)) return;
    this.#exitCode = code;
    printError('Aborting on container exit...\n');
    this.#stop();
  }

  /** Whether the end of a container of a service is to end all. */
  #endsAll(service: string, code: number): boolean {
    const { exitCodeFrom, abortOnContainerExit, abortOnContainerFailure = false } = this.flags;
    if (service === exitCodeFrom) return true;
    if (abortOnContainerFailure && code !== 0) return true;
    // as in Docker Compose: --exit-code-from means --abort-on-container-exit, unless only failures are to end all
    const abortsOnExit = abortOnContainerExit ?? (exitCodeFrom !== undefined && !abortOnContainerFailure);
    // others wait for a job to succeed: then they start
    return abortsOnExit && !(code === 0 && this.jobs.has(service));
  }

  interrupt(): void {
    if (this.#isStarting) return; // that undoes what has started: engine/compose/up.ts
    this.#interrupts++;
    if (this.#interrupts === 1) {
      printError('Gracefully stopping... (press Ctrl+C again to force)\n');
      this.#stop();
    } else if (this.#interrupts === 2) void this.#kill();
  }

  #stopping: Promise<void> | undefined;

  /** Not before everything has started: what starts later would run on. */
  #stop(): void {
    this.#isEnding = true;
    if (this.#isStarting) return;
    this.#stopping ??= this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    const { stopContainers } = await import('../../engine/compose/end.js');
    const { containersOf } = await import('../../engine/compose/state.js');
    const { name } = this.project;
    const now = containersOf(name).filter(({ id }) => this.#followed.has(id));
    await stopContainers({ name, project: this.project }, now, this.flags.timeout, progressReport());
  }

  async #kill(): Promise<void> {
    const { killContainers } = await import('../../engine/compose/end.js');
    const { containersOf } = await import('../../engine/compose/state.js');
    await killContainers(containersOf(this.project.name), 'SIGKILL', progressReport());
  }
}
