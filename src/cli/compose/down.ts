import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf, parseCount } from './options.js';
import { reportOf } from './progress.js';

interface DownFlags {
  volumes?: boolean;
  removeOrphans?: boolean;
  rmi?: string;
  timeout?: number;
}

/** `foster compose down`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Stop and remove the containers and networks of a project, in the reverse order of their dependencies.',
    )
    .argument('[SERVICE...]', 'only the containers of these services')
    .option('-v, --volumes', 'remove the volumes of the files, and those without a name')
    .option('--remove-orphans', 'remove containers of services that the files no longer have')
    .option('--rmi <WHICH>', 'remove images of services: local (those without a name of their own) or all')
    .option(
      '-t, --timeout <SECONDS>',
      'how long containers may take to end before SIGKILL',
      parseCount('--timeout'),
    );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose down',
    '  foster compose down -v --remove-orphans',
    '  foster compose -p app down               without its files',
  ]);
  command.action(async (services: string[], flags: DownFlags) => {
    const { rmi } = flags;
    if (rmi !== undefined && rmi !== 'local' && rmi !== 'all')
      throw flagError('--rmi', rmi, 'expected local or all');
    const existing = await existingOf(command);
    const { down } = await import('../../engine/compose/end.js');
    const { volumes, removeOrphans, timeout } = flags;
    await down(existing, { services, volumes, removeOrphans, images: rmi, timeout }, reportOf(command));
  });
}
