import type { Command } from 'commander';
import { humanSince } from '../../engine/views/duration.js';
import { acceptBooleanValues, addHelpAfter } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { decimalSize } from '../format/size.js';
import { ellipsis } from '../format/table.js';
import { print } from '../output.js';

type Field = 'ID' | 'CreatedSince' | 'CreatedAt' | 'CreatedBy' | 'Size' | 'Comment';

const FORMAT: ListFormat<Field> = {
  headings: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
  },
  columns: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
};

/** `foster history`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('Show the steps that created an image, the last one first.')
    .argument('<IMAGE>', 'its name or id; the start of the id is enough')
    .option('-q, --quiet', 'print only ids')
    .option('--no-trunc', 'do not truncate ids and commands')
    .option('--format <FORMAT>', "table, json, or a template such as '{{.CreatedBy}}'");
  acceptBooleanValues(command, argv);
  addHelpAfter(command, ['Examples:', '  foster history alpine', '  foster history --no-trunc alpine']);
  command.action(async (text: string, options: { quiet?: boolean; trunc: boolean; format?: string }) => {
    const { getImage } = await import('../../image/store/images.js');
    const { layerSizes } = await import('../../image/store/size.js');
    const image = getImage(text);
    const sizes = layerSizes(image);
    const id = options.trunc ? image.id.replace('sha256:', '').slice(0, 12) : image.id;
    const rows = (image.config.history ?? []).map((entry): Record<Field, string> => {
      const madeBy = (entry.created_by ?? '').replace(/\s+/g, ' ');
      return {
        ID: '<missing>', // Docker's word for a step that is no image of its own
        CreatedSince: entry.created === undefined ? 'N/A' : `${humanSince(entry.created, Date.now())} ago`,
        CreatedAt: entry.created ?? '',
        CreatedBy: options.trunc ? ellipsis(madeBy, 45) : madeBy,
        Size: decimalSize(entry.empty_layer ? 0 : (sizes.shift() ?? 0)),
        Comment: entry.comment ?? '',
      };
    });
    const last = rows.at(-1);
    if (last !== undefined) last.ID = id;
    rows.reverse();
    print(
      options.quiet ? rows.map(({ ID }) => `${ID}\n`).join('') : formatList(rows, FORMAT, options.format),
    );
  });
}
