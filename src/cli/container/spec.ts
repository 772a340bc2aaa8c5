import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { addHelpAfter } from '../command.js';
import { parseRunArguments } from './run.js';

/** `foster spec`. */
export function configure(command: Command): void {
  command
    .description(
      'Write the config.json of an OCI bundle: a container with a shell, for the user who runs this.',
    )
    .option('-b, --bundle <DIR>', 'write it to DIR (default: the working directory)')
    .addOption(new Option('--rootless').hideHelp()); // the config.json is always for rootless containers
  addHelpAfter(command, [
    'Its root filesystem is the directory "rootfs" beside it. Change what you like, then',
    'run it with "foster run --bundle DIR", or with another OCI runtime.',
    '',
    'Examples:',
    '  mkdir -p bundle/rootfs && tar -C bundle/rootfs -xf rootfs.tar',
    '  foster spec --bundle bundle && foster run --rm --bundle bundle',
  ]);
  command.action(async ({ bundle = '.' }: { bundle?: string }) => {
    const { writeConfig } = await import('../../engine/bundles.js');
    const request = parseRunArguments(['--tty', '--hostname', 'foster', 'rootfs', 'sh']);
    await writeConfig(join(resolve(bundle), 'config.json'), request);
  });
}
