import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf, parseCount } from './options.js';
import { reportOf } from './progress.js';

/** `foster compose restart`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Restart containers. What has changed in the files has no effect: that needs up.')
    .argument('[SERVICE...]', 'only the containers of these services')
    .option(
      '-t, --timeout <SECONDS>',
      'how long they may take to end before SIGKILL',
      parseCount('--timeout'),
    )
    .option('--no-deps', 'leave services alone that want to be restarted with these');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose restart', '  foster compose restart -t 60 db']);
  command.action(async (services: string[], { timeout, deps }: { timeout?: number; deps: boolean }) => {
    const existing = await existingOf(command);
    const { chosenContainers } = await import('../../engine/compose/end.js');
    const { restartContainers } = await import('../../engine/compose/start.js');
    const containers = chosenContainers(existing, services);
    await restartContainers(existing, containers, { timeout, noDeps: !deps }, reportOf(command));
  });
}
