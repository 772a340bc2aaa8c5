import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { formatObjects } from '../format/inspection.js';
import { print, reportError, settings } from '../output.js';
import { addPodSelection, chosenPods, type PodSelectionFlags } from './selection.js';

/** `foster pod inspect`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show the details of pods as JSON: an object for one, as Podman does, or an array.')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.State}}'");
  addPodSelection(command, {});
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pod inspect shop',
    "  foster pod inspect -f '{{.State}} {{.NumContainers}}' shop",
    "  foster pod inspect -f '{{range .Containers}}{{.Name}} {{.State}}{{println}}{{end}}' shop",
  ]);
  command.action(async (references: string[], flags: PodSelectionFlags & { format?: string }) => {
    const pods = await chosenPods(command, references, flags);
    const { inspect } = await import('../../engine/pods.js');
    const found: Record<string, unknown>[] = [];
    for (const pod of pods) {
      try {
        found.push(await inspect(pod));
      } catch (error) {
        settings.exitCode = Math.max(settings.exitCode, reportError(error));
      }
    }
    if (found.length === 0) return;
    const isOne = pods.length === 1 && (flags.format ?? 'json') === 'json';
    print(isOne ? `${JSON.stringify(found[0], null, 4)}\n` : formatObjects(found, flags.format));
  });
}
