import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, type CommandModule } from '../command.js';
import { printInspections } from '../format/inspection.js';
import { addLatest, chosenContainers } from './selection.js';

interface InspectFlags {
  format?: string;
  size?: boolean;
  latest?: boolean;
  type?: string;
}

/** `foster inspect`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description(
      'Show the details of containers, images, networks and volumes as a JSON array, like docker inspect.',
    )
    .argument('[NAME...]', 'names or ids; the start of an id is enough')
    .option(
      '-t, --type <TYPE>',
      'container, image, network, volume or all (default: the first of these that there is)',
    );
  addOptions(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster inspect web',
    "  foster inspect -f '{{.State.Status}} {{.State.ExitCode}}' web",
    "  foster inspect -f '{{json .Spec.linux.namespaces}}' web    of its OCI Spec",
    "  foster inspect -f '{{range .Mounts}}{{.Source}} {{end}}' web",
    '  foster inspect --type image alpine',
  ]);
  command.action(async (names: string[], flags: InspectFlags) => {
    await show(command, names, flags, flags.type ?? 'all');
  });
}

/** `foster container inspect`. */
export const containerInspect: CommandModule = {
  configure(command, argv) {
    command
      .description('Show the details of containers as a JSON array, like docker container inspect.')
      .argument('[CONTAINER...]', 'names or ids; the start of an id is enough');
    addOptions(command, argv);
    addHelpAfter(command, ['Examples:', "  foster container inspect -f '{{.State.Pid}}' web"]);
    command.action(async (names: string[], flags: InspectFlags) => {
      await show(command, names, flags, 'container');
    });
  },
};

function addOptions(command: Command, argv: string[]): void {
  command
    .option('-f, --format <TEMPLATE>', "json, or a template such as '{{.State.Pid}}'")
    .option('-s, --size', 'add the sizes of containers: .SizeRw and .SizeRootFs');
  addLatest(command);
  acceptBooleanValues(command, argv);
}

async function show(command: Command, names: string[], flags: InspectFlags, type: string): Promise<void> {
  const { format, size, latest } = flags;
  const inspect = await inspector(type, size);
  const chosen = latest || names.length === 0 ? await chosenContainers(command, names, flags) : names;
  await printInspections(chosen, inspect, format);
}

async function inspector(
  type: string,
  size: boolean | undefined,
): Promise<(name: string) => Promise<Record<string, unknown>>> {
  if (type === 'volume') return (await import('../../engine/volumes.js')).inspect;
  if (type === 'network') return (await import('../../engine/networks.js')).inspect;
  if (type === 'pod') return (await import('../../engine/pods.js')).inspect;
  if (type === 'image') return (await import('../../engine/images.js')).inspect;
  if (type !== 'all' && type !== 'container')
    throw flagError('--type', type, 'expected container, image, network, pod, volume or all');
  const containers = await import('../../engine/containers.js');
  const inspect = type === 'all' ? containers.inspectAny : containers.inspect;
  return (name) => inspect(name, { size });
}
