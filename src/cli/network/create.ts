import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { labelsOf } from '../../spec/parse/labels.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';

interface CreateFlags {
  driver?: string;
  subnet?: string[];
  gateway?: string[];
  ipRange?: string[];
  auxAddress?: string[];
  ipv4?: boolean;
  ipv6?: boolean;
  internal?: boolean;
  label?: string[];
  dns?: string[];
  disableDns?: boolean;
  opt?: string[];
  ignore?: boolean;
}

/** `foster network create`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Create a network, and print its name.')
    .argument('[NAME]', 'its name (default: foster1, foster2 ...)')
    .option('-d, --driver <DRIVER>', 'bridge (default) is the only one')
    .option('--subnet <SUBNET>', 'its addresses, such as 10.89.7.0/24 (default: a free subnet)', collect)
    .option('--gateway <ADDRESS>', "the router's address in it (default: the first)", collect)
    .option('--ip-range <SUBNET>', 'the part of it that containers get addresses of', collect)
    .option('--aux-address <NAME=ADDRESS>', 'an address that no container gets', collect)
    .option('--ipv4', 'an IPv4 subnet (default); with --ipv4=false and --ipv6, IPv6 only')
    .option('--ipv6', 'both an IPv4 and an IPv6 subnet')
    .option('--internal', 'containers cannot reach the outside')
    .option('-l, --label <KEY=VALUE>', 'set a label', collect)
    .option('--dns <ADDRESS>', 'name server for all names except those of containers', collect)
    .option('--disable-dns', 'containers do not find each other by name')
    .option('-o, --opt <KEY=VALUE>', 'set an option of the driver: mtu, isolate', collect)
    .option('--ignore', 'do not fail if it exists already')
    .option('--attachable', 'no effect: containers can be attached to all networks');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster network create shop',
    '  foster network create --subnet 10.89.7.0/24 --ip-range 10.89.7.128/25 shop',
    '  foster network create --subnet 10.89.7.0/24 --subnet fd00:7::/64 both',
    '  foster network create --subnet 10.89.7.0/24 --aux-address printer=10.89.7.9 office',
    '  foster network create --internal backend     its containers do not reach the outside',
  ]);
  command.action(async (name: string | undefined, flags: CreateFlags) => {
    if (flags.disableDns && flags.dns !== undefined)
      throw new FosterError('--dns and --disable-dns cannot be used together', { kind: 'invalid' });
    const { create } = await import('../../engine/networks.js');
    const created = await create({
      name,
      driver: flags.driver,
      subnets: several(flags.subnet),
      gateways: several(flags.gateway),
      ranges: several(flags.ipRange),
      reserved: several(flags.auxAddress),
      ipv4: flags.ipv4,
      ipv6: flags.ipv6,
      internal: flags.internal,
      hasDns: !flags.disableDns,
      dns: several(flags.dns),
      labels: labelsOf([], flags.label ?? [], () => ''),
      options: options(flags.opt),
      ignore: flags.ignore,
    });
    print(`${created}\n`);
  });
}

/** Podman takes several in one value, with commas. */
function several(values: string[] = []): string[] {
  return values.flatMap((value) => value.split(','));
}

function options(values: string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const [key = '', ...rest] = value.split('=');
      if (key === '' || rest.length === 0) throw flagError('--opt', value, 'expected KEY=VALUE');
      return [key, rest.join('=')];
    }),
  );
}
