import type { Command } from 'commander';
import { configureGroup, type GroupEntry } from '../group.js';

/** `foster kube`. */
export async function configure(command: Command, argv: string[]): Promise<void> {
  command.description('Run pods that files of Kubernetes describe: docs/kube.md says what is honoured.');
  const entries: GroupEntry[] = [
    {
      name: 'apply-check',
      summary: 'check a file without making anything',
      load: () => import('./apply-check.js'),
    },
    { name: 'down', summary: 'stop and remove the pods of a file', load: () => import('./down.js') },
    {
      name: 'generate',
      summary: 'print a file for pods, containers and volumes that exist',
      load: () => import('./generate.js'),
    },
    { name: 'play', summary: 'create and start the pods of a file', load: () => import('./play.js') },
  ];
  await configureGroup(command, argv, entries, [
    '  foster kube play shop.yaml             create and start its pods',
    '  foster kube play --replace shop.yaml   the same anew',
    '  foster kube apply-check shop.yaml      only check the file',
    '  foster kube generate shop              a file of a pod that exists',
    '  foster kube down shop.yaml             stop and remove its pods',
  ]);
}
