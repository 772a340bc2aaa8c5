import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

/** `foster pod unpause`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Resume the processes of paused pods.');
  addPodSelection(command, { all: 'all paused pods' });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod unpause shop', '  foster pod unpause --all']);
  command.action(async (references: string[], flags: PodSelectionFlags) => {
    const pods = await chosenPods(command, references, flags, 'alive');
    const { unpause } = await import('../../engine/pods.js');
    await forEachPod(pods, unpause);
  });
}
