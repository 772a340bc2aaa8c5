import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from '../image/registry-options.js';
import { print } from '../output.js';
import { addEntryOptions, type EntryFlags, entryChanges } from './entry-options.js';

/** `foster manifest add`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Add images to a list.')
    .argument('<LIST>', 'the list')
    .argument('<IMAGE...>', 'images, which are pulled if they are missing')
    .option('--all', 'no effect: all images of a list are always added');
  addEntryOptions(command);
  addRegistryOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster manifest add app:1.0 app:amd64',
    '  foster manifest add --arch arm --variant v7 app:1.0 app:armhf',
  ]);
  command.action(async (list: string, images: string[], flags: RegistryFlags & EntryFlags) => {
    const { addToList } = await import('../../engine/manifest-lists.js');
    print(`${await addToList(list, images, entryChanges(flags), await registryAccess(flags))}\n`);
  });
}
