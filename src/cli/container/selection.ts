import { existsSync, readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Suits } from '../../engine/selection.js';
import { readFlagFile } from '../../spec/parse/flag-file.js';
import { FosterError } from '../../sys/errors.js';
import { collect, missingArgument } from '../command.js';

/** The options of commands that select containers, as commander returns them. */
export interface SelectionFlags {
  all?: boolean;
  latest?: boolean;
  filter?: string[];
  cidfile?: string[];
  ignore?: boolean;
}

const TEXTS: Readonly<Record<string, string>> = {
  '--latest': 'the container that was created last',
  '--filter': 'containers that match, as for foster ps',
  '--cidfile': 'the container whose id is in FILE',
  '--ignore': 'ignore containers that do not exist',
};

/** Ways to choose containers that can be used together. */
const PAIRS = ['names of containers --cidfile', 'names of containers --filter', '--all --filter'];

/**
 * Adds the arguments and options that select containers to a command.
 * @param flags `-a, --all`, `-l, --latest`, `-f, --filter <KEY=VALUE>`, `--cidfile <FILE>`, `-i, --ignore`; without the letter
 * if it means something else
 * @param all what `--all` selects
 */
export function addSelection(command: Command, flags: readonly string[], all = 'all containers'): Command {
  command.argument('[CONTAINER...]', 'names or ids; the start of an id is enough');
  return addChoices(command, flags, all);
}

/** The option `-l, --latest` of a command for one container, which then needs no name. */
export function addLatest(command: Command): Command {
  return addChoices(command, ['-l, --latest']);
}

function addChoices(command: Command, flags: readonly string[], all = ''): Command {
  for (const text of flags) {
    const option = new Option(text);
    option.description = TEXTS[option.long ?? ''] ?? all;
    if (option.required) option.argParser(collect);
    command.addOption(option);
  }
  return command;
}

/**
 * The containers that a command line selects.
 * @param suits what --all means
 * @throws FosterError if none is selected, or in two ways that exclude each other
 */
export async function chosenContainers(
  command: Command,
  references: string[],
  flags: SelectionFlags,
  suits: Suits = 'any',
): Promise<string[]> {
  const { all, latest, filter, cidfile = [], ignore } = flags;
  const ways = [
    ...(references.length > 0 ? ['names of containers'] : []),
    ...(cidfile.length > 0 ? ['--cidfile'] : []),
    ...(all ? ['--all'] : []),
    ...(latest ? ['--latest'] : []),
    ...(filter ? ['--filter'] : []),
  ];
  const pair = ways.slice(0, 2).join(' ');
  if (ways.length === 0) missingArgument(command, 'CONTAINER');
  // a file is as good as a name, and a filter can narrow all, or those with the names
  if (ways.length > 1 && !PAIRS.includes(pair))
    throw new FosterError(`${ways[0]} and ${ways[1]} cannot be used together`, { kind: 'invalid' });
  const { select } = await import('../../engine/selection.js');
  const inFiles = cidfile.flatMap((file) => idIn(file, ignore) ?? []);
  return await select(
    { references: [...references, ...inFiles], all, latest, filters: filter, ignoresMissing: ignore },
    suits,
  );
}

/**
 * The container of a command for a single one.
 * @throws FosterError
 */
export async function chosenContainer(
  command: Command,
  reference: string | undefined,
  flags: { latest?: boolean },
): Promise<string> {
  const [only = ''] = await chosenContainers(command, reference === undefined ? [] : [reference], flags);
  return only;
}

function idIn(file: string, mayBeMissing: boolean | undefined): string | undefined {
  if (mayBeMissing && !existsSync(file)) return undefined;
  const context = { cwd: process.cwd(), readText: (path: string) => readFileSync(path, 'utf8') };
  return readFlagFile('--cidfile', file, context).split('\n')[0]?.trim() ?? '';
}
