import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print } from '../output.js';

/** `foster image tree`. */
export function configure(command: Command): void {
  command
    .description('Show the layers of an image, the lowest first.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, [
    'Examples:',
    '  foster image tree alpine',
    '  foster images --tree     of all images',
  ]);
  command.action(async (image: string) => {
    const { layersOf } = await import('../../engine/images.js');
    const { drawLayers } = await import('./draw-tree.js');
    print(drawLayers(await layersOf(image)));
  });
}
