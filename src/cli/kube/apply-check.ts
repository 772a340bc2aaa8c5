import type { Command } from 'commander';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { withPodmansCode } from './exit-code.js';
import { addFile, addPlayOptions, type PlayFlags, playRequest } from './play-options.js';

/** `foster kube apply-check`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Check a file of Kubernetes as kube play does, without making anything.');
  addPlayOptions(addFile(command));
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Prints the pods and volumes that the file would make. The exit code is 0 if it can be played.',
    '',
    'Examples:',
    '  foster kube apply-check shop.yaml',
    '  foster kube apply-check --strict=false shop.yaml',
  ]);
  command.action(async (file: string, flags: PlayFlags) => {
    const { check } = await import('../../engine/kube/play.js');
    const { volumes, pods } = await withPodmansCode(() => check(file, playRequest(flags)));
    for (const name of volumes) print(`volume ${name}\n`);
    for (const { plan } of pods) {
      const containers = plan.spec.containers.map(({ name }) => name);
      print(`pod ${plan.meta.name}: ${containers.join(', ')}\n`);
    }
  });
}
