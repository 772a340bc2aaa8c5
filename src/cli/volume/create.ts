import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';

interface CreateFlags {
  driver?: string;
  ignore?: boolean;
  label?: string[];
  opt?: string[];
}

/** `foster volume create`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Create a volume, and print its name.')
    .argument('[NAME]', 'its name; random without one')
    .option('-d, --driver <DRIVER>', 'local, a folder on this machine (default), is the only one')
    .option('--ignore', 'do not fail if it exists already')
    .option('-l, --label <KEY=VALUE>', 'set a label', collect)
    .option('-o, --opt <KEY=VALUE>', 'set an option of the driver: type, device, o', collect);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster volume create data',
    '  foster volume create -l project=shop db',
    '  foster volume create -o type=none -o o=bind -o device=/srv/www www   a directory of the host',
    '  foster volume create -o type=tmpfs -o o=size=64m cache               memory, empty at each start',
  ]);
  command.action(async (name: string | undefined, flags: CreateFlags) => {
    const { create } = await import('../../engine/volumes.js');
    const created = await create({
      name,
      driver: flags.driver,
      ignore: flags.ignore,
      labels: pairs('--label', flags.label),
      options: pairs('--opt', flags.opt),
    });
    print(`${created}\n`);
  });
}

function pairs(flag: string, values: string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const equals = value.indexOf('=');
      const key = equals < 0 ? value : value.slice(0, equals);
      if (key === '') throw flagError(flag, value, 'expected KEY=VALUE');
      return [key, equals < 0 ? '' : value.slice(equals + 1)];
    }),
  );
}
