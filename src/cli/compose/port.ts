import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { existingOf, parseCount } from './options.js';

/** `foster compose port`. */
export function configure(command: Command): void {
  command
    .description('Print the address of the host that leads to a port of a service.')
    .argument('<SERVICE>')
    .argument('<PORT>', 'a port of the container')
    .option(
      '--index <NUMBER>',
      'of this container of the service (default: the first)',
      parseCount('--index'),
    )
    .option('--protocol <PROTOCOL>', 'tcp or udp', 'tcp');
  addHelpAfter(command, ['Examples:', '  foster compose port web 80            0.0.0.0:8080']);
  command.action(
    async (service: string, port: string, { index, protocol }: { index?: number; protocol: string }) => {
      const [, number, own = protocol] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(port) ?? [];
      if (number === undefined) throw flagError('PORT', port, 'expected a port of the container');
      const existing = await existingOf(command);
      const { containerOf } = await import('../../engine/compose/start.js');
      const { publishedAddress } = await import('../../engine/compose/views.js');
      const container = containerOf(existing, service, index);
      const address = publishedAddress(container, Number(number), own);
      if (address === undefined)
        throw new FosterError(`no port ${number}/${own} is published by container ${container.name}`, {
          kind: 'not-found',
          exitCode: 1,
          advice: 'foster compose ps lists its ports',
        });
      print(`${address}\n`);
    },
  );
}
