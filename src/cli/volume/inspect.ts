import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { printInspections } from '../format/inspection.js';

/** `foster volume inspect`. */
export function configure(command: Command): void {
  command
    .description('Show the details of volumes as a JSON array, like docker volume inspect.')
    .argument('[VOLUME...]', 'names; the start of a random one is enough')
    .option('-a, --all', 'all volumes')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.Mountpoint}}'");
  addHelpAfter(command, ['Examples:', "  foster volume inspect -f '{{.Mountpoint}}' data"]);
  command.action(async (volumes: string[], flags: { all?: boolean; format?: string }) => {
    if (flags.all && volumes.length > 0) throw new FosterError('--all and volumes cannot be used together');
    if (!flags.all && volumes.length === 0)
      throw new FosterError('volume inspect needs volumes', { advice: 'name them, or use --all' });
    const { inspect, names } = await import('../../engine/volumes.js');
    await printInspections(flags.all ? await names() : volumes, inspect, flags.format);
  });
}
