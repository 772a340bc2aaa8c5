import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { VERSION } from '../version.js';

/** `foster compose version`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show the version of foster.')
    .option('-f, --format <FORMAT>', 'pretty or json', 'pretty')
    .option('--short', 'print only the version');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster compose version --short']);
  command.action(({ format, short }: { format: string; short?: boolean }) => {
    if (format !== 'pretty' && format !== 'json')
      throw flagError('--format', format, 'expected pretty or json');
    const text =
      format === 'json' ? JSON.stringify({ version: VERSION }) : `foster compose version ${VERSION}`;
    print(`${short ? VERSION : text}\n`);
  });
}
