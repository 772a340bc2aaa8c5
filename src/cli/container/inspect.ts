import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { printInspections } from '../format/inspection.js';

/** `foster inspect`. */
export function configure(command: Command): void {
  command
    .description('Show the details of containers as a JSON array, like docker inspect.')
    .argument('<CONTAINER...>', 'names or ids; the start of an id is enough')
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.State.Pid}}'");
  addHelpAfter(command, [
    'Examples:',
    '  foster inspect web',
    "  foster inspect -f '{{.State.Status}} {{.State.ExitCode}}' web",
    "  foster inspect -f '{{json .Spec.linux.namespaces}}' web    of its OCI Spec",
    "  foster inspect -f '{{range .Mounts}}{{.Source}} {{end}}' web",
  ]);
  command.action(async (references: string[], options: { format?: string }) => {
    const { inspect } = await import('../../engine/containers.js');
    await printInspections(references, inspect, options.format);
  });
}
