import type { Command } from 'commander';
import { addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';
import { addEntryOptions, type EntryFlags, entryChanges } from './entry-options.js';

/** `foster manifest annotate`. */
export function configure(command: Command): void {
  command
    .description('Change the entry of an image in a list.')
    .argument('<LIST>', 'the list')
    .argument('<IMAGE>', 'the digest of its manifest, or its name');
  addEntryOptions(command);
  command.option('--os-features <FEATURE>', 'feature of the operating system that it needs', collect);
  addHelpAfter(command, [
    'Examples:',
    '  foster manifest annotate --arch arm64 --variant v8 app:1.0 app:arm',
    '  foster manifest annotate --annotation reviewed=yes app:1.0 app:amd64',
  ]);
  command.action(async (list: string, image: string, flags: EntryFlags) => {
    const { annotateList } = await import('../../engine/manifest-lists.js');
    print(`${await annotateList(list, image, entryChanges(flags))}\n`);
  });
}
