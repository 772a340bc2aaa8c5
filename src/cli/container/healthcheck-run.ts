import type { Command } from 'commander';
import { addHelpAfter } from '../command.js';
import { print, settings } from '../output.js';

/** `foster healthcheck run`. */
export function configure(command: Command): void {
  command
    .description('Run the health check of a container now.')
    .argument('<CONTAINER>', 'its name or id; the start of the id is enough');
  addHelpAfter(command, [
    'The exit code is 0 if the container is healthy, 1 if it is not, and 125 if the',
    'check cannot be run. The status that foster ps shows does not change: it is that of the checks at the interval.',
    '',
    'Examples:',
    '  foster healthcheck run web && echo "web is well"',
  ]);
  command.action(async (container: string) => {
    const { checkHealth } = await import('../../engine/health.js');
    if (await checkHealth(container)) return;
    print('unhealthy\n');
    settings.exitCode = 1;
  });
}
