import type { Command } from 'commander';
import { humanSince } from '../../engine/views/duration.js';
import type { StoredImage } from '../../image/store/images.js';
import { acceptBooleanValues, addHelpAfter, collect } from '../command.js';
import { formatList, type ListFormat } from '../format/list.js';
import { decimalSize } from '../format/size.js';
import { print } from '../output.js';

interface ImagesOptions {
  all?: boolean;
  quiet?: boolean;
  digests?: boolean;
  trunc: boolean;
  filter?: string[];
  format?: string;
  tree?: boolean;
}

type Field = 'Repository' | 'Tag' | 'Digest' | 'ID' | 'CreatedSince' | 'CreatedAt' | 'Size';

/** Docker's names. */
const FORMAT: ListFormat<Field> = {
  headings: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    Size: 'SIZE',
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
      'list only matching images: dangling, label, reference, before, since',
      collect,
    )
    .option('--format <FORMAT>', "table, json, or a template such as '{{.Repository}}:{{.Tag}}'")
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
    '.Size',
  ]);
  command.action(async (name: string | undefined, options: ImagesOptions) => {
    const { listImages } = await import('../../image/store/images.js');
    const { imageMatcher } = await import('../../engine/views/image-filter.js');
    const matches = imageMatcher([...(options.filter ?? []), ...(name ? [`reference=${name}`] : [])]);
    const images = listImages()
      .filter((image) => image.names.length > 0 || matches(image, undefined))
      .map((image) => ({ image, names: image.names.filter((each) => matches(image, each)) }))
      .filter(({ image, names }) => names.length > 0 || image.names.length === 0)
      .map(({ image, names }) => ({ ...image, names }))
      .toSorted((a, b) => createdOf(b) - createdOf(a));
    if (options.tree) {
      const { drawImageTree } = await import('./draw-tree.js');
      print(drawImageTree(images));
      return;
    }
    print(listing(await viewsOf(images, options), options));
  });
}

function createdOf({ config }: StoredImage): number {
  return Date.parse(config.created ?? '') || 0;
}

/** The text that `foster images` prints. */
export function listing(
  rows: Record<Field, string>[],
  options: Pick<ImagesOptions, 'quiet' | 'digests' | 'format'>,
): string {
  if (options.quiet) return [...new Set(rows.map(({ ID }) => `${ID}\n`))].join('');
  const columns: Field[] = options.digests
    ? ['Repository', 'Tag', 'Digest', 'ID', 'CreatedSince', 'Size']
    : FORMAT.columns;
  return formatList(rows, { ...FORMAT, columns }, options.format);
}

/** A row for each name of each image. */
async function viewsOf(
  images: StoredImage[],
  options: Pick<ImagesOptions, 'trunc'>,
): Promise<Record<Field, string>[]> {
  const [{ imageSize }, { familiarName, parseReference }] = await Promise.all([
    import('../../image/store/size.js'),
    import('../../image/store/reference.js'),
  ]);
  return images.flatMap((image) => {
    const { id, config, descriptor, names } = image;
    const rest = {
      Digest: descriptor.digest,
      ID: options.trunc ? id.replace('sha256:', '').slice(0, 12) : id,
      CreatedSince: config.created === undefined ? 'N/A' : `${humanSince(config.created, Date.now())} ago`,
      CreatedAt: config.created ?? '',
      Size: decimalSize(imageSize(image)),
    };
    if (names.length === 0) return [{ Repository: '<none>', Tag: '<none>', ...rest }];
    return names.map((name) => {
      const reference = parseReference(name);
      return { Repository: familiarName(reference), Tag: reference.tag ?? '<none>', ...rest };
    });
  });
}
