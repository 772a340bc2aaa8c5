import type { Command } from 'commander';
import type { HistoryField, HistoryRow } from '../../engine/views/image-history.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { ellipsis } from '../format/table.js';
import { print } from '../output.js';

const FORMAT: ListFormat<HistoryField> = {
  headings: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
    Created: 'CREATED',
    Tags: 'TAGS',
  },
  columns: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
};

interface HistoryOptions {
  quiet?: boolean;
  human: boolean;
  trunc: boolean;
  format?: string;
}

/** `foster history`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show the steps that created an image, the last one first.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough')
    .option('-q, --quiet', 'print only ids')
    .option('-H, --human', 'rounded sizes and ages; false for bytes and ISO times', true)
    .option('--no-trunc', 'do not truncate ids and commands')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.CreatedBy}}'");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster history alpine', '  foster history --no-trunc alpine']);
  command.action(async (text: string, options: HistoryOptions) => {
    const { history } = await import('../../engine/images.js');
    const found = await history(text, { isHuman: options.human });
    const rows = options.trunc ? found.map(truncated) : found;
    print(
      options.quiet ? rows.map(({ ID }) => `${ID}\n`).join('') : formatList(rows, FORMAT, options.format),
    );
  });
}

function truncated(row: HistoryRow): HistoryRow {
  const ID = row.ID.startsWith('sha256:') ? row.ID.slice('sha256:'.length).slice(0, 12) : row.ID;
  return { ...row, ID, CreatedBy: ellipsis(row.CreatedBy, 45) };
}
