import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';

/** `foster volume import`. */
export function configure(command: Command): void {
  command
    .description('Unpack a tar archive, compressed or not, into a volume.')
    .argument('<VOLUME>', 'its name')
    .argument('<FILE>', 'the archive; - for standard input');
  addHelpAfter(command, [
    'Files of the volume stay, unless the archive has one of that name. An empty volume that',
    'no container uses gets all files or, after an error, none.',
    '',
    'Examples:',
    '  foster volume create data && foster volume import data data.tar',
    '  ssh other foster volume export data | foster volume import data -',
  ]);
  command.action(async (volume: string, file: string) => {
    const { importFiles } = await import('../../engine/volumes.js');
    await importFiles(volume, file === '-' ? undefined : file);
  });
}
