import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print, settings } from '../output.js';
import { existingOf } from './options.js';
import { progressReport } from './progress.js';

/** `foster compose wait`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Wait until the first container of these services exits, and return its exit code.')
    .argument('<SERVICE...>')
    .option('--down-project', 'then stop and remove everything');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose wait tests']);
  command.action(async (services: string[], { downProject }: { downProject?: boolean }) => {
    const existing = await existingOf(command);
    const { chosenContainers, down } = await import('../../engine/compose/end.js');
    const { wait } = await import('../../engine/containers.js');
    const containers = chosenContainers(existing, services);
    if (containers.length === 0) return;
    const { name, code } = await Promise.race(
      containers.map(async (one) => ({ name: one.name, code: await wait(one.id) })),
    );
    print(`container ${name} exited with code ${code}\n`);
    settings.exitCode = code;
    if (downProject) await down(existing, { services: [] }, progressReport());
  });
}
