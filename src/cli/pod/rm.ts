import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { addTimeout, type TimeoutFlags, timeoutOf } from '../container/timeout.js';
import { settings } from '../output.js';
import { addPodSelection, chosenPods, forEachPod, type PodSelectionFlags } from './selection.js';

interface RmFlags extends PodSelectionFlags, TimeoutFlags {
  force?: boolean;
}

/** `foster pod rm`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Remove pods with their containers.')
    .option('-f, --force', 'stop containers that run first; ignore missing pods');
  addTimeout(command, 'with --force: how long to wait before SIGKILL');
  addPodSelection(command, { all: 'all pods', hasFile: true, mayIgnore: true });
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster pod rm shop', '  foster pod rm -f -t 0 --all']);
  command.action(async (references: string[], flags: RmFlags) => {
    const { force = false } = flags;
    const timeout = timeoutOf(flags);
    if (timeout !== undefined && !force)
      throw new FosterError('pod rm --time needs --force: without it, no container is stopped', {
        kind: 'invalid',
      });
    const pods = await chosenPods(command, references, { ...flags, ignore: flags.ignore ?? force });
    const { remove } = await import('../../engine/pods.js');
    await forEachPod(pods, async (pod) => {
      await remove(pod, { force, timeout });
      return [];
    });
    settings.exitCode = Math.min(settings.exitCode, 1); // as in Podman
  });
}
