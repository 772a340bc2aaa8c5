import type { Command } from 'commander';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { withPodmansCode } from './exit-code.js';
import { addFile, addMakingOptions, addPlayOptions, type PlayFlags, playRequest } from './play-options.js';
import { printPlayed, printRemoved } from './print-report.js';

interface Flags extends PlayFlags {
  down?: boolean;
  force?: boolean;
  wait?: boolean;
  ready?: boolean;
}

/** `foster kube play`. */
export function configure(command: Command, argv: string[]): void {
  command.description('Create and start the pods that a file of Kubernetes describes.');
  addFile(command)
    .option('--replace', 'remove pods that have the names first')
    .option('--down', 'as foster kube down')
    .option('--force', 'with --down: remove the volumes of claims, too')
    .option('--start', 'start the pods (default)')
    .option('--no-start', 'only create them')
    .option('--ready', 'return when the containers are ready, as their probes say')
    .option('-w, --wait', 'wait until the pods have ended, and remove them');
  addPlayOptions(command);
  addMakingOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'What a failed play has made is removed again. A field or a kind that foster does not',
    'honour is an error that says where it is; docs/kube.md has all that it honours.',
    '',
    'Examples:',
    '  foster kube play shop.yaml',
    '  foster kube play --ready shop.yaml && wget -qO- http://127.0.0.1:8080/',
    '  foster kube play --replace --configmap test.yaml shop.yaml',
    '  foster kube play -p 8080:80 - < shop.yaml',
    '  foster kube play --wait job.yaml',
  ]);
  command.action(async (file: string, flags: Flags) => {
    const request = playRequest(flags);
    if (flags.force && !flags.down) throw new FosterError('--force needs --down', { kind: 'invalid' });
    if (flags.down) {
      const { down } = await import('../../engine/kube/down.js');
      return printRemoved(await withPodmansCode(() => down(file, { force: flags.force })));
    }
    const waits = flags.wait ? '--wait' : flags.ready ? '--ready' : undefined;
    if (waits !== undefined && flags.start === false)
      throw new FosterError(`${waits} and --start=false cannot be used together`, { kind: 'invalid' });
    const { play } = await import('../../engine/kube/play.js');
    const report = await withPodmansCode(() => play(file, { ...request, ready: flags.ready }));
    printPlayed(report);
    if (!flags.wait) return;
    const { waitAndRemove } = await import('../../engine/kube/wait.js');
    printRemoved(await waitAndRemove(report));
  });
}
