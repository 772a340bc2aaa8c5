import { type Command, Option } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addTimeout, type TimeoutFlags, timeoutOf } from '../container/timeout.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

interface StopFlags extends PodSelectionFlags, TimeoutFlags {
  /** The id of a container that has just ended. */
  after?: string;
}

/** `foster pod stop`. */
export function configure(command: Command, argv: string[]): void {
  command.description(
    'Stop the containers of pods: with a signal, then with SIGKILL if that takes too long.',
  );
  addTimeout(
    command,
    'how long to wait before SIGKILL; -1 waits forever (default: the --stop-timeout of each container)',
  );
  addPodSelection(command, { all: 'all pods that run', hasFile: true, mayIgnore: true });
  // what a container's monitor runs at its end: src/container/last-program.ts
  command.addOption(new Option('--after <CONTAINER>').hideHelp());
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod stop shop', '  foster pod stop -t 60 --all']);
  command.action(async (references: string[], flags: StopFlags) => {
    const { stop, stopIfDone } = await import('../../engine/pods.js');
    const { after } = flags;
    if (after !== undefined) {
      for (const pod of references) await stopIfDone(pod, after);
      return;
    }
    const pods = await chosenPods(command, references, flags, 'alive');
    await forEachPod(pods, (pod) => stop(pod, { timeout: timeoutOf(flags) }));
  });
}
