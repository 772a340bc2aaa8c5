import type { Command } from 'commander';
import { parseSignal } from '../../spec/parse/signals.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

/** `foster pod kill`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Send a signal to the containers of pods, by default SIGKILL.')
    .option(
      '-s, --signal <SIGNAL>',
      'by name or number',
      (value) => parseSignal('--signal', value),
      parseSignal('--signal', 'KILL'),
    );
  addPodSelection(command, { all: 'all pods that run' });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster pod kill shop              end it at once',
    '  foster pod kill -s HUP shop       many servers reload their configuration',
  ]);
  command.action(async (references: string[], flags: PodSelectionFlags & { signal: number }) => {
    const pods = await chosenPods(command, references, flags, 'alive');
    const { kill } = await import('../../engine/pods.js');
    await forEachPod(pods, (pod) => kill(pod, flags.signal));
  });
}
