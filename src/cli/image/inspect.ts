import type { Command } from 'commander';
import type { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { compileTemplate } from '../format/template.js';
import { print, reportError, settings } from '../output.js';

/** `foster image inspect`. */
export function configure(command: Command): void {
  command
    .description('Show the details of images as a JSON array, like docker image inspect.')
    .argument('<IMAGE...>', 'names or ids; the start of an id is enough')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.Config.Cmd}}'");
  addHelpAfter(command, ['Examples:', "  foster image inspect -f '{{.Architecture}} {{.Size}}' alpine"]);
  command.action(async (texts: string[], options: { format?: string }) => {
    const { getImage } = await import('../../image/store/images.js');
    const { imageInspection } = await import('../../image/store/inspect.js');
    const { FosterError: Expected } = await import('../../sys/errors.js');
    const failures: FosterError[] = [];
    const found = texts.flatMap((text) => {
      try {
        return [imageInspection(getImage(text))];
      } catch (error) {
        if (!(error instanceof Expected)) throw error;
        failures.push(error);
        return [];
      }
    });
    print(describe(found, options.format));
    for (const failure of failures) reportError(failure);
    if (failures.length > 0) settings.exitCode = 1;
  });
}

function describe(objects: Record<string, unknown>[], format: string | undefined): string {
  if (format === undefined) return `${JSON.stringify(objects, null, 4)}\n`;
  if (format === 'json') return `${JSON.stringify(objects)}\n`;
  const render = compileTemplate(format);
  return objects.map((object) => `${render(object)}\n`).join('');
}
