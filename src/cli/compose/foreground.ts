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
  const { containersOf } = await import('../../engine/compose/state.js');
  const session = new Session(project, flags);
  // while everything starts, an interrupt undoes it: engine/compose/up.ts
  const isStarting = { value: true };
  const interrupt = () => {
    if (!isStarting.value) session.interrupt();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  const since = BigInt(Date.now()) * 1_000_000n;
  const shown = shownServices(project, named, flags);
  const chosen = await up(project, request, progressReport());
  isStarting.value = false;
  const all = containersOf(project.name).filter(({ service }) => chosen.includes(service));
  return await session.follow(all, shown, since);
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
  #interrupts = 0;
  #isEnding = false;
  #exitCode = 0;
  #containers: ProjectContainer[] = [];

  constructor(
    readonly project: Project,
    readonly flags: UpFlags,
  ) {}

  /** Prints the logs of containers until all have ended. @returns the exit code */
  async follow(
    containers: ProjectContainer[],
    isShown: (service: string) => boolean,
    since: bigint,
  ): Promise<number> {
    const { linesOf } = await import('../../engine/compose/logs.js');
    const { wait } = await import('../../engine/containers.js');
    this.#containers = containers;
    const { color, logPrefix, timestamps = false } = this.flags;
    const labels = containers
      .filter(({ service }) => isShown(service))
      .map(({ service, number }) => `${service}-${number}`);
    const printer = new LogPrinter({ hasColour: color, hasPrefix: logPrefix, hasTime: timestamps }, labels);
    const watching = this.flags.watch ? await this.#watch() : undefined;
    await Promise.all(
      containers.map(async (one) => {
        if (isShown(one.service)) for await (const line of linesOf(one, { since }, true)) printer.print(line);
        const code = await wait(one.id).catch(() => 0);
        if (isShown(one.service))
          printer.printNote(
            `${one.service}-${one.number}`,
            `${one.service}-${one.number} exited with code ${code}`,
          );
        this.#ended(one, code);
      }),
    );
    watching?.abort();
    return this.#interrupts > 0 ? INTERRUPTED : this.#exitCode;
  }

  async #watch(): Promise<AbortController> {
    const { watchProject } = await import('./watch.js');
    const controller = new AbortController();
    void watchProject(this.project, [], controller.signal);
    return controller;
  }

  #ended({ service }: ProjectContainer, code: number): void {
    if (this.#isEnding) return;
    const { exitCodeFrom, abortOnContainerExit, abortOnContainerFailure } = this.flags;
    const isWanted = exitCodeFrom === undefined ? abortOnContainerExit : service === exitCodeFrom;
    const isFailure = abortOnContainerFailure && code !== 0;
    if (!isWanted && !isFailure) return;
    this.#exitCode = code;
    printError('Aborting on container exit...\n');
    void this.#end();
  }

  interrupt(): void {
    this.#interrupts++;
    if (this.#interrupts === 1) {
      printError('Gracefully stopping... (press Ctrl+C again to force)\n');
      void this.#end();
    } else if (this.#interrupts === 2) void this.#kill();
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    const { stopContainers } = await import('../../engine/compose/end.js');
    const { containersOf } = await import('../../engine/compose/state.js');
    const ids = new Set(this.#containers.map(({ id }) => id));
    const now = containersOf(this.project.name).filter(({ id }) => ids.has(id));
    await stopContainers(
      { name: this.project.name, project: this.project },
      now,
      this.flags.timeout,
      progressReport(),
    );
  }

  async #kill(): Promise<void> {
    const { killContainers } = await import('../../engine/compose/end.js');
    const { containersOf } = await import('../../engine/compose/state.js');
    await killContainers(containersOf(this.project.name), 'SIGKILL', progressReport());
  }
}
