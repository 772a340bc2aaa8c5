import type { Command } from 'commander';
import { flagError, visible } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { print } from '../output.js';
import { addLatest, chosenContainer } from './selection.js';

/** `foster diff`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the files that a container has added (A), changed (C) or deleted (D).')
    .argument('[CONTAINER]', 'its name or id; the start of the id is enough')
    .option('--format <FORMAT>', 'json: an object with lists of added, changed and deleted files');
  addLatest(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster diff web', '  foster diff --format json web']);
  command.action(async (reference: string | undefined, flags: { latest?: boolean; format?: string }) => {
    const { format } = flags;
    if (format !== undefined && format !== 'json') throw flagError('--format', format, 'expected json');
    const container = await chosenContainer(command, reference, flags);
    const { changes } = await import('../../engine/containers.js');
    const lines = await changes(container);
    print(format === 'json' ? asJson(lines) : lines.map((line) => `${visible(line)}\n`).join(''));
  });
}

/** As Podman prints it: only the lists that have something in them. @param lines a letter and a path each */
function asJson(lines: string[]): string {
  const lists: Record<string, string[]> = {};
  for (const [letter, list] of [
    ['C', 'changed'],
    ['A', 'added'],
    ['D', 'deleted'],
  ] as const) {
    const paths = lines.filter((line) => line.startsWith(letter)).map((line) => line.slice(2));
    if (paths.length > 0) lists[list] = paths;
  }
  return `${JSON.stringify(lists, null, 2)}\n`;
}
