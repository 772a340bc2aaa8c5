import type { Command } from 'commander';
import type { LabRow } from '../../engine/labs.js';
import { addHelpAfter } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { wrapWords } from '../format/wrap.js';
import { addLanguage, type LanguageFlags, languageOf } from '../language.js';
import { print } from '../output.js';

/** Columns of a terminal below which a table of titles cannot be read. */
const NARROW = 60;

const FORMAT: ListFormat<keyof LabRow> = {
  headings: { Name: 'NAME', Title: 'TITLE', Steps: 'STEPS', State: 'STATE' },
  columns: ['Name', 'State', 'Title'],
};

/** `foster lab list`. */
export function configure(command: Command): void {
  command
    .description('List the labs, in the order in which to do them, and how far you have come.')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}} {{.State}}'");
  addLanguage(command);
  addHelpAfter(command, [
    'Examples:',
    '  foster lab list',
    '  foster lab list --format json',
    '',
    'Fields of a template: .Name .Title .Steps .State',
  ]);
  command.action(async (flags: LanguageFlags & { format?: string }) => {
    const { rows } = await import('../../engine/labs.js');
    const labs = await rows(languageOf(flags));
    const width = process.stdout.columns ?? NARROW;
    const isNarrow = flags.format === undefined && width < NARROW;
    print(isNarrow ? paragraphs(labs, width) : formatList(labs, FORMAT, flags.format));
  });
}

/** A lab in lines of its own: the name and how far it is, and below them the title. */
function paragraphs(labs: LabRow[], width: number): string {
  const lines = labs.flatMap(({ Name, State, Title }) => [
    ...wrapWords(`${Name} (${State})`, width, { hanging: '  ' }),
    ...wrapWords(Title, width, { first: '  ', hanging: '  ' }),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}
