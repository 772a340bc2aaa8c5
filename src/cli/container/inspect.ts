import type { Command } from 'commander';
import type { Container } from '../../container/store.js';
import { inspection } from '../../engine/views/container-inspection.js';
import { FosterError } from '../../sys/errors.js';
import { addHelpAfter } from '../command.js';
import { compileTemplate } from '../format/template.js';
import { print, reportError, settings } from '../output.js';

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
    const { findContainer } = await import('../../container/store.js');
    const found: Container[] = [];
    const failures: FosterError[] = [];
    for (const reference of references) {
      try {
        found.push(await findContainer(reference));
      } catch (error) {
        settings.exitCode = 1;
        if (!(error instanceof FosterError)) throw error;
        failures.push(error);
      }
    }
    print(describe(found, options.format));
    failures.forEach(reportError);
  });
}

/** The text that `foster inspect` prints. */
export function describe(containers: Container[], format: string | undefined): string {
  const objects = containers.map(inspection);
  if (format === undefined) return `${JSON.stringify(objects, null, 4)}\n`;
  if (format === 'json') return `${JSON.stringify(objects)}\n`;
  const render = compileTemplate(format);
  return objects.map((object) => `${render(object)}\n`).join('');
}
