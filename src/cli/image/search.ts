import type { Command } from 'commander';
import type { SearchField, SearchRow } from '../../engine/views/search.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { drawTable, ellipsis } from '../format/table.js';
import { print } from '../output.js';
import { addRegistryOptions, type RegistryFlags, registryAccess } from './registry-options.js';

const FORMAT: ListFormat<SearchField> = {
  headings: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
    IsAutomated: 'AUTOMATED',
    Stars: 'STARS',
    Official: 'OFFICIAL',
    Automated: 'AUTOMATED',
  },
  columns: ['Name', 'Description', 'StarCount', 'IsOfficial'],
};

const MAX_LIMIT = 100;

interface SearchFlags extends RegistryFlags {
  filter?: string[];
  format?: string;
  limit: string;
  trunc: boolean;
  listTags?: boolean;
}

/** `foster search`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Search a registry for images.')
    .argument('<TERM>', 'part of their names; REGISTRY/TERM for a registry other than docker.io')
    .option('-f, --filter <KEY=VALUE>', 'only what matches: stars, is-official, is-automated', collect)
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Name}}'")
    .option('--limit <NUMBER>', 'the maximum number of results', '25')
    .option('--list-tags', 'list the tags of the repository TERM')
    .option('--no-trunc', 'do not truncate descriptions')
    .option('--compatible', 'no effect: stars are always shown');
  addRegistryOptions(command);
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster search nginx',
    '  foster search --filter is-official=true --limit 5 python',
    '  foster search localhost:5000/            everything in your own registry',
    '  foster search --list-tags alpine',
  ]);
  command.action(async (term: string, flags: SearchFlags) => {
    const limit = /^\d{1,3}$/.test(flags.limit) ? Number(flags.limit) : 0;
    if (limit < 1 || limit > MAX_LIMIT)
      throw flagError('--limit', flags.limit, `expected a number from 1 to ${MAX_LIMIT}`);
    const access = await registryAccess(flags);
    const { search, tagsOf } = await import('../../engine/images.js');
    if (flags.listTags) {
      const names = (await tagsOf(term, access)).toSorted().slice(0, limit);
      print(drawTable([['NAME', 'TAG'], ...names.map(nameAndTag)]));
      return;
    }
    const found = await search(term, { limit, filters: flags.filter ?? [], access });
    print(formatList(flags.trunc ? found.map(truncated) : found, FORMAT, flags.format));
  });
}

function nameAndTag(name: string): string[] {
  const colon = name.lastIndexOf(':');
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function truncated(row: SearchRow): SearchRow {
  return { ...row, Description: ellipsis(row.Description, 45) };
}
