import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { type PlatformFlags, platformOf } from '../../spec/parse/platform.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter, collect } from '../command.js';
import { print } from '../output.js';
import { addPlatformOptions } from './platform-options.js';

/** `foster import`. */
export function configure(command: Command): void {
  command
    .description('Create an image from a root filesystem in a tar archive.')
    .argument('<FILE>', 'the archive, compressed or not; - for standard input')
    .argument('[NAME]', 'the name of the image')
    .option(
      '-c, --change <INSTRUCTION>',
      "Dockerfile instruction to apply: 'CMD [\"sh\"]', 'ENV A=b'",
      collect,
    )
    .option('-m, --message <TEXT>', 'comment for the history of the image')
    .option('-q, --quiet', 'no effect: only the id is printed');
  addPlatformOptions(command, 'of the image');
  addHelpAfter(command, [
    'Examples:',
    '  foster import rootfs.tar.gz mine:1.0',
    '  tar -C rootfs -c . | foster import -c \'CMD ["/bin/sh"]\' - mine',
  ]);
  command.action(
    async (
      file: string,
      name: string | undefined,
      options: PlatformFlags & { change?: string[]; message?: string },
    ) => {
      if (file === '-' && isatty(0)) {
        throw new FosterError('cannot import from standard input: it is a terminal', {
          advice: 'give a FILE',
        });
      }
      const { importArchive } = await import('../../engine/images.js');
      const request = {
        changes: options.change,
        message: options.message,
        name,
        platform: platformOf(options, process.arch),
      };
      const id = await importArchive(file === '-' ? undefined : file, request);
      print(`${id}\n`);
    },
  );
}
