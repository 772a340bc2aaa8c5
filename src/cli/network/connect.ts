import type { Command } from 'commander';
import { addHelpAfter, collect } from '../command.js';

interface ConnectFlags {
  ip?: string;
  ip6?: string;
  macAddress?: string;
  alias?: string[];
}

/** `foster network connect`. */
export function configure(command: Command): void {
  command
    .description('Attach a container to one more network.')
    .argument('<NETWORK>', 'its name or id; the start of the id is enough')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough')
    .option('--ip <ADDRESS>', 'IPv4 address in the network')
    .option('--ip6 <ADDRESS>', 'IPv6 address in the network')
    .option('--mac-address <ADDRESS>', 'MAC address in the network')
    .option('--alias <NAME>', 'another name of the container in the network', collect);
  addHelpAfter(command, [
    'Examples:',
    '  foster network connect shop web',
    '  foster network connect --ip 10.89.7.5 --alias database shop db',
  ]);
  command.action(async (network: string, container: string, flags: ConnectFlags) => {
    const { ip, ip6, macAddress: mac, alias = [] } = flags;
    const { connect } = await import('../../engine/networks.js');
    const aliases = alias.flatMap((value) => value.split(','));
    await connect(network, container, { ip, ip6, mac, aliases });
  });
}
