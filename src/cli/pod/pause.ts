import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

/** `foster pod pause`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Freeze all processes of pods.');
  addPodSelection(command, { all: 'all pods that run' });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod pause shop', '  foster pod pause --all']);
  command.action(async (references: string[], flags: PodSelectionFlags) => {
    const pods = await chosenPods(command, references, flags, 'alive');
    const { pause } = await import('../../engine/pods.js');
    await forEachPod(pods, pause);
  });
}
