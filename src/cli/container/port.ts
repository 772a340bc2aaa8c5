import type { Command } from 'commander';
import type { PublishedPort } from '../../engine/networks.js';
import { flagError } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { chosenContainer } from './selection.js';

interface PortFlags {
  all?: boolean;
  latest?: boolean;
}

/** `foster port`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show which ports of the host lead to the ports of a container.')
    .argument('[CONTAINER]', 'its name or id; the start of the id is enough')
    .argument('[PORT[/PROTOCOL]]', 'show only this port of the container')
    .option('-a, --all', 'show the ports of all containers')
    .option('-l, --latest', 'show the ports of the container that was created last');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster port web',
    '  foster port web 80            only the addresses, such as 0.0.0.0:8080',
    '  foster port --all',
  ]);
  command.action(async (first: string | undefined, second: string | undefined, flags: PortFlags) => {
    const { ports } = await import('../../engine/networks.js');
    if (flags.all) {
      if (first !== undefined || flags.latest)
        throw new FosterError(
          `--all and ${flags.latest ? '--latest' : 'a container'} cannot be used together`,
          {
            kind: 'invalid',
          },
        );
      print((await ports(undefined)).map((one) => `${one.id.slice(0, 12)}\t${line(one)}`).join(''));
      return;
    }
    // with --latest, the first word is the port
    const [name, wanted] = flags.latest ? [undefined, first] : [first, second];
    if (flags.latest && second !== undefined)
      throw new FosterError('--latest and a container cannot be used together', { kind: 'invalid' });
    const port = wanted === undefined ? undefined : parsePort(wanted);
    const container = await chosenContainer(command, name, { latest: flags.latest ?? false });
    const found = await ports([container]);
    if (port === undefined) return print(found.map(line).join(''));
    const matching = found.filter((one) => one.port === port);
    if (matching.length === 0)
      throw new FosterError(`container ${name ?? container.slice(0, 12)} does not publish its port ${port}`, {
        kind: 'not-found',
        advice: "'foster port' with the container alone shows those that it publishes",
        exitCode: 1,
      });
    print(matching.map(({ host }) => `${host}\n`).join(''));
  });
}

function line({ port, host }: PublishedPort): string {
  return `${port} -> ${host}\n`;
}

/** `80/tcp` */
function parsePort(value: string): string {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(value) ?? [];
  if (port === '' || Number(port) < 1 || Number(port) > 65_535)
    throw flagError('port', value, 'expected PORT or PORT/PROTOCOL, such as 53/udp');
  return `${Number(port)}/${protocol}`;
}
