import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster healthcheck`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Run the health checks of containers.');
  const entries: GroupEntry[] = [
    {
      name: 'run',
      summary: 'run the health check of a container',
      load: () => import('./healthcheck-run.js'),
    },
  ];
  await configureGroup(command, argv, entries, ['  foster healthcheck run web']);
}
