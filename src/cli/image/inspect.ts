import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { printInspections } from '../format/inspection.js';

/** `foster image inspect`. */
export function configure(command: Command): void {
  command
    .description('Show the details of images as a JSON array, like docker image inspect.')
    .argument('<IMAGE...>', 'names or ids; the start of an id is enough')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.Config.Cmd}}'");
  addHelpAfter(command, ['Examples:', "  foster image inspect -f '{{.Architecture}} {{.Size}}' alpine"]);
  command.action(async (images: string[], options: { format?: string }) => {
    const { inspect } = await import('../../engine/images.js');
    await printInspections(images, inspect, options.format);
  });
}
