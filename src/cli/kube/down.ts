import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { withPodmansCode } from './exit-code.js';
import { addFile } from './play-options.js';
import { printRemoved } from './print-report.js';

/** `foster kube down`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Stop and remove the pods that a file of Kubernetes describes.');
  addFile(command).option('--force', 'remove the volumes of claims, too');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Pods that are gone already are no failure.',
    '',
    'Examples:',
    '  foster kube down shop.yaml',
    '  foster kube down --force shop.yaml',
    '  foster kube down - < shop.yaml',
  ]);
  command.action(async (file: string, { force }: { force?: boolean }) => {
    const { down } = await import('../../engine/kube/down.js');
    printRemoved(await withPodmansCode(() => down(file, { force })));
  });
}
