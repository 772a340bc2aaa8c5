import type { Command } from 'commander';
import { addHelpAfter, collect } from '../command.js';

interface ConnectFlags {
  ip?: string;
  ip6?: string;
  macAddress?: string;
  alias?: string[];
  gwPriority?: string;
  driverOpt?: string[];
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
    .option('--alias <NAME>', 'another name of the container in the network', collect)
    .option('--gw-priority <NUMBER>', 'the network with the highest is the way to the outside (default: 0)')
    .option(
      '--driver-opt <KEY=VALUE>',
      'com.docker.network.endpoint.ifname=NAME names the interface in the container',
      collect,
    );
  addHelpAfter(command, [
    'Examples:',
    '  foster network connect shop web',
    '  foster network connect --ip 10.89.7.5 --alias database shop db',
  ]);
  command.action(async (network: string, container: string, flags: ConnectFlags) => {
    const { ip, ip6, macAddress: mac, alias = [], gwPriority, driverOpt = [] } = flags;
    const { parseEndpointOption, parseGwPriority } = await import('../../spec/parse/network.js');
    const options = driverOpt.map((value) => parseEndpointOption('--driver-opt', value));
    const { connect } = await import('../../engine/networks.js');
    const aliases = alias.flatMap((value) => value.split(','));
    await connect(network, container, {
      ...{ ip, ip6, mac, aliases },
      ...Object.assign({}, ...options),
      ...(gwPriority !== undefined && { gwPriority: parseGwPriority('--gw-priority', gwPriority) }),
    });
  });
}
