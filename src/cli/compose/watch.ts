import type { Command } from 'commander';
import type { Project } from '../../engine/compose/project.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { projectOf } from './options.js';
import { printProgressLine, progressReport } from './progress.js';
import { makeRequest } from './up-options.js';

/** `foster compose watch`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Update containers when files change: the rules of develop.watch. Ctrl-C ends it; the containers keep running.',
    )
    .argument('[SERVICE...]', 'only these services')
    .option('--no-up', 'do not build and start services before')
    .option('--quiet', 'print nothing about what is built');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose watch', '  foster compose watch --no-up web']);
  command.action(async (services: string[], { up: startsFirst, quiet }: { up: boolean; quiet?: boolean }) => {
    const project = await projectOf(command, services);
    const { watchedServices } = await import('../../engine/compose/watch.js');
    watchedServices(project, services);
    if (startsFirst) {
      const { up } = await import('../../engine/compose/up.js');
      await up(
        project,
        makeRequest(project, services, { build: true, ...(quiet && { quietPull: true }) }),
        progressReport(quiet),
      );
    }
    const controller = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
    await watchProject(project, services, controller.signal);
  });
}

/** Watches the files of a project until `signal`. */
export async function watchProject(
  project: Project,
  services: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { watchedServices, watchProject: run } = await import('../../engine/compose/watch.js');
  printProgressLine('Watch enabled');
  const output = { report: progressReport(), printLine: printProgressLine };
  await run(project, watchedServices(project, services), output, signal);
}
