import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';

interface UpdateFlags {
  dnsAdd?: string[];
  dnsDrop?: string[];
}

/** `foster network update`. */
export function configure(command: Command): void {
  command
    .description('Change the name servers that a network asks for names that are not those of containers.')
    .argument('<NETWORK>', 'its name or id; the start of the id is enough')
    .option('--dns-add <ADDRESS>', 'ask this one, too', collect)
    .option('--dns-drop <ADDRESS>', 'do not ask this one any more', collect);
  addHelpAfter(command, ['Examples:', '  foster network update --dns-drop 10.0.0.2 --dns-add 10.0.0.3 shop']);
  command.action(async (network: string, { dnsAdd, dnsDrop }: UpdateFlags) => {
    if (dnsAdd === undefined && dnsDrop === undefined)
      throw new FosterError('network update needs --dns-add or --dns-drop', { kind: 'invalid' });
    const { update } = await import('../../engine/networks.js');
    print(`${await update(network, { addDns: several(dnsAdd), dropDns: several(dnsDrop) })}\n`);
  });
}

/** Podman takes several in one value, with commas. */
function several(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(','));
}
