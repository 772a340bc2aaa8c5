import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { printInspections } from '../format/inspection.js';

/** `foster network inspect`. */
export function configure(command: Command): void {
  command
    .description('Show the details of networks as a JSON array, like docker network inspect.')
    .argument('<NETWORK...>', 'names or ids; the start of an id is enough')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.Internal}}'")
    .option('-v, --verbose', 'no effect: everything is shown');
  addHelpAfter(command, [
    'Examples:',
    '  foster network inspect bridge',
    "  foster network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{end}}' shop",
    "  foster network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{println}}{{end}}' shop",
  ]);
  command.action(async (networks: string[], options: { format?: string }) => {
    const { inspect } = await import('../../engine/networks.js');
    await printInspections(networks, inspect, options.format);
  });
}
