import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { withPodmansCode } from './exit-code.js';

/** `foster kube generate`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Print a file of Kubernetes that describes pods, containers and volumes.')
    .argument('<NAME...>', 'pods, containers and volumes')
    .option('-f, --filename <FILE>', 'write it to a new file')
    .option('-s, --service', 'add a service for each pod that has ports');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'A container that is in no pod becomes a pod of its own. What a file of Kubernetes',
    'cannot say is a warning.',
    '',
    'Examples:',
    '  foster kube generate shop > shop.yaml',
    '  foster kube generate -f all.yaml shop data',
    '  foster kube generate --service web',
  ]);
  command.action(async (names: string[], { filename, service }: { filename?: string; service?: boolean }) => {
    const { generate } = await import('../../engine/kube/generate.js');
    const text = await withPodmansCode(() => generate(names, { service }));
    if (filename === undefined) print(text);
    else writeNew(filename, text);
  });
}

/** @throws FosterError if the file exists */
function writeNew(file: string, text: string): void {
  if (existsSync(file)) throw flagError('--filename', file, 'the file exists already');
  writeFileSync(file, text);
}
