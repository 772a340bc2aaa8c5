import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

/** `foster pod start`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Start the containers of pods that do not run, the init containers first.');
  addPodSelection(command, { all: 'all pods that do not run', hasFile: true });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod start shop', '  foster pod start --all']);
  command.action(async (references: string[], flags: PodSelectionFlags) => {
    const pods = await chosenPods(command, references, flags, 'not running');
    const { start } = await import('../../engine/pods.js');
    await forEachPod(pods, start);
  });
}
