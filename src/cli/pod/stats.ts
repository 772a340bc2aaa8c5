import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addStatsOptions, type StatsFlags, watchStats } from '../container/stats.js';
import { addPodSelection, chosenPods, type PodSelectionFlags } from './selection.js';

/** `foster pod stats`. */
export function configure(command: Command, argv: string[]): void {
  command.description(
    'Show the CPU, memory, network and disk usage of the containers of pods, every second.',
  );
  addPodSelection(command, { all: 'all pods, as without an argument' });
  addStatsOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pod stats shop',
    "  foster pod stats --no-stream --format '{{.Name}} {{.MemUsage}}' shop",
  ]);
  command.action(async (references: string[], flags: PodSelectionFlags & StatsFlags) => {
    const isChosen = references.length > 0 || flags.latest;
    const pods = await chosenPods(command, references, isChosen ? flags : { all: true });
    const { running } = await import('../../engine/pods.js');
    await watchStats(await running(pods), flags);
  });
}
