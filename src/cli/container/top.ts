import type { Command } from 'commander';
import { flagError, quoted } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { drawTable } from '../format/table.js';
import { print } from '../output.js';
import { orReport } from './each.js';
import { addLatest, chosenContainer } from './selection.js';

interface Options {
  latest?: boolean;
  tree?: boolean;
  format?: string;
}

/** `foster top`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List the processes of a container, with their PIDs on the host.')
    .usage('[options] CONTAINER [PS_OPTIONS]')
    .argument('[CONTAINER]', 'its name or id; the start of the id is enough')
    .argument('[PS_OPTIONS...]', '-ef, aux, or -o with columns, as for ps; or names of columns')
    .option('--tree', 'show the process tree, with PIDs inside and outside, and mark zombies and orphans')
    .option('--format <FORMAT>', 'json instead of a table')
    .passThroughOptions();
  addLatest(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Columns: user, ruser, uid, group, rgroup, groups, pid, nspid (inside), ppid, pgid,',
    'sid, c, pcpu, pmem, vsz, rss, stime, etime, time, tty, stat, nice, nlwp, comm, args,',
    'cmd, seccomp, capbnd, capeff, capinh, capprm.',
    '',
    'Examples:',
    '  foster top web',
    '  foster top --tree web             parents and children, orphans and zombies',
    '  foster top web -o pid,nspid,stat,cmd',
    '  foster top web aux',
  ]);
  command.action(async (first: string | undefined, others: string[], options: Options) => {
    // with --latest, all words are for ps
    const rest = options.latest && first !== undefined ? [first, ...others] : others;
    const wanted = psOptions(rest, options);
    const reference = await chosenContainer(command, options.latest ? undefined : first, options);
    if (wanted.tree) {
      const { printTrees } = await import('./draw-process-tree.js');
      return printTrees([reference], wanted.format);
    }
    await orReport(async () => print(await listing(reference, wanted)));
  });
}

async function listing(reference: string, { columns, format }: Wanted): Promise<string> {
  const { list } = await import('../../engine/processes.js');
  const { titles, processes } = await list(reference, columns);
  // as in Docker's API
  return format === 'json'
    ? json({ Titles: titles, Processes: processes })
    : drawTable([titles, ...processes]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

interface Wanted {
  tree: boolean | undefined;
  format: string | undefined;
  columns: 'full' | 'user' | string[];
}

/** The words after the container: options of ps, or our own. */
function psOptions(words: string[], options: Options): Wanted {
  const wanted: Wanted = { tree: options.tree, format: options.format, columns: 'full' };
  const columns: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, letters, attached] = /^-([eAaxwf]*)o(.*)$/.exec(word) ?? [];
    const format = /^--format(?:=(.*))?$/.exec(word);
    if (letters !== undefined) columns.push(attached || (rest.shift() ?? ''));
    else if (word === '--tree') wanted.tree = true;
    else if (format !== null) wanted.format = format[1] ?? rest.shift() ?? '';
    else if (/^-?[ax]*u[axw]*$/.test(word)) wanted.columns = 'user';
    else if (!word.startsWith('-') && !/^[axwef]+$/.test(word)) columns.push(word);
    else if (!/^-?[eAaxwf]+$/.test(word)) {
      throw new FosterError(`top does not support the ps option ${quoted(word)}`, {
        advice: "see 'foster top --help'",
      });
    }
  }
  if (wanted.format !== undefined && wanted.format !== 'json') {
    throw flagError('--format', wanted.format, 'expected json');
  }
  if (columns.length > 0) wanted.columns = columns;
  return wanted;
}
