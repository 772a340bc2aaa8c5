import type { Command } from 'commander';
import { IMAGE_ORDERS } from '../../engine/views/image-orders.js';
import type { ImageField, ImageRow } from '../../engine/views/image-row.js';
import { flagError } from '../../spec/parse/flag.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { print } from '../output.js';

interface ImagesOptions {
  all?: boolean;
  quiet?: boolean;
  digests?: boolean;
  trunc: boolean;
  filter?: string[];
  format?: string;
  tree?: boolean;
  noheading?: boolean;
  sort: string;
}

/** Docker's names. */
const FORMAT: ListFormat<ImageField> = {
  headings: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    Size: 'SIZE',
    VirtualSize: 'VIRTUAL SIZE',
    Containers: 'CONTAINERS',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    Created: 'CREATED',
    CreatedTime: 'CREATED AT',
  },
  columns: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'],
};

/** `foster images`. */
export function configure(command: Command, argv: string[]): void {
  command
    .description('List images.')
    .argument('[NAME]', 'list only images with this name, or NAME:TAG; * matches anything')
    .option('-a, --all', 'no effect: foster keeps no intermediate images')
    .option('-q, --quiet', 'print only ids')
    .option('--digests', 'show digests')
    .option('--no-trunc', 'do not truncate ids')
    .option(
      '-f, --filter <KEY=VALUE>',
      'list only matching images: reference, dangling, label, label!, before, since, until, containers, id, digest',
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Repository}}:{{.Tag}}'")
    .option('-n, --noheading', 'leave out the headings')
    .option('--sort <KEY>', IMAGE_ORDERS.join(', '), 'created')
    .option('--tree', 'show the layers of each image and the steps that made them');
  acceptBooleanValues(command, argv);
  addHelpAfter(command, [
    'Examples:',
    '  foster images',
    '  foster images --filter dangling=true -q        images without a name',
    "  foster images --format '{{.ID}} {{.Repository}}:{{.Tag}}'",
    '  foster images --tree alpine',
    '',
    'Fields of a template: .ID .Repository .Tag .Digest .CreatedSince .CreatedAt',
    '.Size .Labels .Containers .Names .RepoTags .RepoDigests',
  ]);
  command.action(async (name: string | undefined, options: ImagesOptions) => {
    const { layers, rows } = await import('../../engine/images.js');
    const order = IMAGE_ORDERS.find((each) => each === options.sort);
    if (order === undefined)
      throw flagError('--sort', options.sort, `expected one of ${IMAGE_ORDERS.join(', ')}`);
    const filters = [...(options.filter ?? []), ...(name ? [`reference=${name}`] : [])];
    if (options.tree) {
      const { drawImageTree } = await import('./draw-tree.js');
      print(drawImageTree(await layers(filters)));
      return;
    }
    const found = await rows(filters, order);
    print(listing(options.trunc ? found.map(truncated) : found, options));
  });
}

function truncated(row: ImageRow): ImageRow {
  return { ...row, ID: row.ID.replace('sha256:', '').slice(0, 12) };
}

/** The text that `foster images` prints. */
function listing(
  rows: ImageRow[],
  options: Pick<ImagesOptions, 'quiet' | 'digests' | 'format' | 'noheading'>,
): string {
  if (options.quiet) return [...new Set(rows.map(({ ID }) => `${ID}\n`))].join('');
  const columns: ImageField[] = options.digests
    ? ['Repository', 'Tag', 'Digest', 'ID', 'CreatedSince', 'Size']
    : FORMAT.columns;
  return formatList(rows, { ...FORMAT, columns, isHeadless: options.noheading }, options.format);
}
