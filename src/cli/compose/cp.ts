import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { existingOf, parseCount, waitBlocking } from './options.js';

interface CpFlags {
  archive?: boolean;
  followLink?: boolean;
  index?: number;
}

/** `foster compose cp`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Copy files between a service and the host.')
    .usage('[options] SERVICE:PATH PATH | PATH SERVICE:PATH')
    .argument('<SOURCE>')
    .argument('<DESTINATION>')
    .option('-a, --archive', 'keep user and group ids')
    .option('-L, --follow-link', 'copy what a symbolic link points to')
    .option(
      '--index <NUMBER>',
      'of this container of the service (default: the first)',
      parseCount('--index'),
    );
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster compose cp web:/etc/nginx ./nginx',
    '  foster compose cp ./site/. web:/var/www',
  ]);
  command.action(async (source: string, destination: string, flags: CpFlags) => {
    const [from, to] = [source, destination].map((text) => /^([\w.-]+):(.*)$/s.exec(text));
    if ((from === null) === (to === null))
      throw new FosterError('cp copies between a service and the host', {
        kind: 'invalid',
        advice: 'write SERVICE:PATH for one of the two',
      });
    const existing = await existingOf(command);
    const { containerOf } = await import('../../engine/compose/start.js');
    const { copy } = await import('../../engine/copy.js');
    const [, service = '', path = ''] = from ?? to ?? [];
    const { id } = containerOf(existing, service, flags.index);
    waitBlocking();
    await copy({
      direction: from === null ? 'in' : 'out',
      container: id,
      source: from === null ? source : path,
      destination: from === null ? path : destination,
      archive: flags.archive ?? false,
      followLink: flags.followLink ?? false,
      overwrite: false,
    });
  });
}
