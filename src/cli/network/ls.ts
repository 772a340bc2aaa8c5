import type { Command } from 'commander';
import type { NetworkField, NetworkRow } from '../../engine/views/network.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { print } from '../output.js';

interface ListFlags {
  quiet?: boolean;
  filter?: string[];
  format?: string;
  trunc: boolean;
  noheading?: boolean;
}

/** Podman's fields, in a table. */
const PODMAN = {
  Created: 'CREATED',
  Subnets: 'SUBNETS',
  DNSEnabled: 'DNS ENABLED',
  IPv6Enabled: 'IPV6 ENABLED',
  NetworkInterface: 'NETWORK INTERFACE',
  Options: 'OPTIONS',
  Label: String,
};

/** Docker's names. */
const FORMAT: ListFormat<NetworkField> = {
  headings: {
    ...PODMAN,
    ID: 'NETWORK ID',
    Name: 'NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    IPv4: 'IPV4',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Labels: 'LABELS',
    CreatedAt: 'CREATED AT',
  },
  columns: ['ID', 'Name', 'Driver'],
};

/** `foster network ls`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List networks. The default network, bridge, is always there.')
    .option('-q, --quiet', 'print only names')
    .option(
      '-f, --filter <KEY=VALUE>',
      'list only matching networks: name, id, label, label!, driver, dangling, scope, type, until',
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.ID}} {{.Name}}'")
    .option('--no-trunc', 'do not truncate ids')
    .option('-n, --noheading', 'leave out the headings');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster network ls',
    '  foster network ls -q --filter dangling=true     those that no container uses',
    "  foster network ls --format '{{.Name}}: {{range .Subnets}}{{.subnet}} {{end}}'",
    '',
    'Fields of a template: .ID .Name .Driver .Scope .IPv4 .IPv6 .Internal .Labels .CreatedAt',
    '.Label "KEY"; as in Podman also .Created .Subnets .DNSEnabled .IPv6Enabled .Options',
  ]);
  command.action(async (flags: ListFlags) => {
    const { rows } = await import('../../engine/networks.js');
    const found = await rows(flags.filter);
    const shown = flags.trunc ? found.map(truncated) : found;
    print(
      flags.quiet
        ? shown.map(({ Name }) => `${Name}\n`).join('')
        : formatList(shown, { ...FORMAT, isHeadless: flags.noheading }, flags.format),
    );
  });
}

function truncated(row: NetworkRow): NetworkRow {
  return { ...row, ID: row.ID.slice(0, 12) };
}
