import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

/** `foster pod restart`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Stop the containers of pods, and start them again.');
  addPodSelection(command, { all: 'all pods' });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod restart shop', '  foster pod restart --all']);
  command.action(async (references: string[], flags: PodSelectionFlags) => {
    const pods = await chosenPods(command, references, flags, 'any');
    const { restart } = await import('../../engine/pods.js');
    await forEachPod(pods, restart);
  });
}
