import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { forEachContainer } from '../container/each.js';

/** `foster system start`. */
export function configure(command: Command): void {
  command.description(
    'Start the containers that a reboot, or foster system stop, has ended: those with the restart policy always, and those with unless-stopped that ran until then.',
  );
  addHelpAfter(command, [
    "The unit of 'foster system enable-restart' runs it at boot.",
    '',
    'Examples:',
    '  foster system start',
  ]);
  command.action(async () => {
    const { wantedAtBoot } = await import('../../engine/boot.js');
    const { start } = await import('../../engine/containers.js');
    const { resumeJobs } = await import('../../engine/pods.js');
    await forEachContainer(await wantedAtBoot(), start);
    await resumeJobs();
  });
}
