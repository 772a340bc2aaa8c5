import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { PodSuits } from '../../engine/pods.js';
import { readFlagFile } from '../../spec/parse/flag-file.js';
import { FosterError } from '../../sys/errors.js';
import { collect, missingArgument } from '../command.js';
import { printDone, reportError, settings } from '../output.js';

/** The options of commands that select pods, as commander returns them. */
export interface PodSelectionFlags {
  all?: boolean;
  latest?: boolean;
  podIdFile?: string[];
  ignore?: boolean;
}

/**
 * Adds the arguments and options that select pods to a command.
 * @param all what `--all` selects; undefined if there is no such option
 * @param hasFile whether it has `--pod-id-file`, and `--ignore`
 */
export function addPodSelection(
  command: Command,
  { all, hasFile = false, mayIgnore = false }: { all?: string; hasFile?: boolean; mayIgnore?: boolean },
): Command {
  command.argument('[POD...]', 'names or ids; the start of an id is enough');
  if (all !== undefined) command.option('-a, --all', all);
  command.option('-l, --latest', 'the pod that was created last');
  if (hasFile) command.option('--pod-id-file <FILE>', 'the pod whose id is in FILE', collect);
  if (mayIgnore) command.option('-i, --ignore', 'ignore pods that do not exist');
  return command;
}

/**
 * The pods that a command line selects.
 * @throws FosterError if none is selected, or in two ways that exclude each other
 */
export async function chosenPods(
  command: Command,
  references: string[],
  { all, latest, podIdFile = [], ignore }: PodSelectionFlags,
  suits: PodSuits = 'any',
): Promise<string[]> {
  const named = [...references, ...podIdFile.flatMap((file) => idIn(file, ignore) ?? [])];
  const ways = [
    ...(references.length > 0 || podIdFile.length > 0 ? ['names of pods'] : []),
    ...(all ? ['--all'] : []),
    ...(latest ? ['--latest'] : []),
  ];
  if (ways.length === 0) missingArgument(command, 'POD');
  if (ways.length > 1)
    throw new FosterError(`${ways[0]} and ${ways[1]} cannot be used together`, { kind: 'invalid' });
  const { exists, select } = await import('../../engine/pods.js');
  if (all || latest) return await select(latest ? 'latest' : suits);
  if (!ignore) return named;
  const found = await Promise.all(named.map(exists));
  return named.filter((_, index) => found[index]);
}

function idIn(file: string, mayBeMissing: boolean | undefined): string | undefined {
  if (mayBeMissing && !existsSync(file)) return undefined;
  const context = { cwd: process.cwd(), readText: (path: string) => readFileSync(path, 'utf8') };
  return readFlagFile('--pod-id-file', file, context).split('\n')[0]?.trim() ?? '';
}

/** Does the same with several pods, and prints the id of each for which it succeeds, as Podman does. */
export async function forEachPod(
  references: readonly string[],
  act: (reference: string) => Promise<unknown[]>,
): Promise<void> {
  const { inspect } = await import('../../engine/pods.js');
  const report = (error: unknown) => {
    settings.exitCode = Math.max(settings.exitCode, reportError(error));
  };
  for (const reference of references) {
    try {
      const { Id: id } = await inspect(reference);
      const failures = await act(reference);
      failures.forEach(report);
      if (failures.length === 0) printDone(`${id}\n`);
    } catch (error) {
      report(error);
    }
  }
}
