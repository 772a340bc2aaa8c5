import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster lab`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description(
    'Learn containers by experiments: predict, run, see, and have it checked against the kernel.',
  );
  const entries: GroupEntry[] = [
    { name: 'list', aliases: ['ls'], summary: 'list the labs', load: () => import('./list.js') },
    { name: 'start', summary: 'begin a lab, or go on with it', load: () => import('./start.js') },
    { name: 'predict', summary: 'record what you predict', load: () => import('./predict.js') },
    { name: 'check', summary: 'check the present step', load: () => import('./check.js') },
    { name: 'hint', summary: 'help with the present step', load: () => import('./hint.js') },
    { name: 'solve', summary: 'do the present step for you', load: () => import('./solve.js') },
    { name: 'reset', summary: 'remove all that a lab has made', load: () => import('./reset.js') },
    { name: 'run', summary: 'play all steps of a lab', load: () => import('./run.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster lab list',
    '  foster lab start zombies',
    '  foster lab check',
    '  foster lab start signals --lang zh',
  ]);
}
