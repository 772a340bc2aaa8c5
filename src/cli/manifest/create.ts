import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';

interface CreateFlags {
  amend?: boolean;
  tlsVerify: boolean;
  insecure?: boolean;
}

/** `foster manifest create`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Make a list of images for several platforms, which registries call an index.')
    .argument('<LIST>', 'its name')
    .argument('[IMAGE...]', 'its first images, which are pulled if they are missing')
    .option('-a, --amend', 'add the images to the list if it exists already')
    .option('--all', 'no effect: all images of a list are always added')
    .option('--tls-verify', 'false allows plain HTTP and unverified certificates', true)
    .option('--insecure', 'same as --tls-verify=false');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster manifest create registry.example.com/app:1.0',
    '  foster manifest create app:1.0 app:amd64 app:arm64',
  ]);
  command.action(async (list: string, images: string[], flags: CreateFlags) => {
    const { createList } = await import('../../engine/manifest-lists.js');
    const { amend = false, insecure = false } = flags;
    print(`${await createList(list, images, { amend, tlsVerify: flags.tlsVerify && !insecure })}\n`);
  });
}
