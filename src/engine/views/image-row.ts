import type { StoredImage } from '../../image/store/images.js';
import { familiarName, parseReference } from '../../image/store/reference.js';
import { imageSize } from '../../image/store/size.js';
import { humanSince } from './duration.js';
import type { ImageOrder } from './image-orders.js';
import { decimalSize } from './size.js';

/** The fields of an image in a template of `images --format`: Docker's, and those that only Podman has. */
export type ImageField =
  | 'Repository'
  | 'Tag'
  | 'Digest'
  | 'ID'
  | 'CreatedSince'
  | 'CreatedAt'
  | 'Size'
  | 'VirtualSize'
  | 'Containers'
  | 'SharedSize'
  | 'UniqueSize'
  | 'Created'
  | 'CreatedTime';

export interface ImageRow extends Record<ImageField, string> {
  Labels: Record<string, string>;
  /** Full names. */
  Names: string[];
  RepoTags: string[];
  RepoDigests: string[];
  ReadOnly: boolean;
  Dangling: boolean;
}

/** An image in a list, with what its rows are sorted by. */
export interface ListedImage {
  image: StoredImage;
  size: number;
  /** How many containers were made from it. */
  containers: number;
}

/** An image as rows of `docker images --no-trunc`, one for each name. @param now in milliseconds since 1970 */
export function imageRows({ image, size, containers }: ListedImage, now: number): ImageRow[] {
  const { id, config, descriptor, names } = image;
  const since = createdSince(config.created, now);
  const at = createdAt(config.created);
  const repositories = new Set(names.map((name) => familiarName(parseReference(name))));
  const rest = {
    Digest: descriptor.digest,
    ID: id,
    CreatedSince: since,
    CreatedAt: at,
    Size: decimalSize(size),
    VirtualSize: decimalSize(size),
    Containers: String(containers),
    SharedSize: 'N/A', // as in Docker, which determines it only for `system df`
    UniqueSize: 'N/A',
    Created: since,
    CreatedTime: at,
    Labels: config.config?.Labels ?? {},
    Names: names,
    RepoTags: names.filter((name) => parseReference(name).tag !== undefined),
    RepoDigests: [...repositories].map((name) => `${name}@${descriptor.digest}`),
    ReadOnly: false,
    Dangling: names.length === 0,
  };
  if (names.length === 0) return [{ Repository: '<none>', Tag: '<none>', ...rest }];
  return names.map((name) => {
    const reference = parseReference(name);
    return { Repository: familiarName(reference), Tag: reference.tag ?? '<none>', ...rest };
  });
}

/** `3 hours ago`, or `N/A`. */
export function createdSince(created: string | undefined, now: number): string {
  return created === undefined ? 'N/A' : `${humanSince(created, now)} ago`;
}

/** `2024-01-02 03:04:05 +0000 UTC`, as Docker and Podman print it, or `N/A`. */
export function createdAt(created: string | undefined): string {
  const time = Date.parse(created ?? '');
  if (Number.isNaN(time)) return 'N/A';
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}

/** Sorted rows: the newest or the largest first, names in alphabetical order. */
export function sortedRows(images: ListedImage[], order: ImageOrder, now: number): ImageRow[] {
  const rows = images.flatMap((listed) => imageRows(listed, now).map((row) => ({ row, listed })));
  const compare: Record<ImageOrder, (a: (typeof rows)[number], b: (typeof rows)[number]) => number> = {
    created: (a, b) => createdTime(b.listed.image) - createdTime(a.listed.image),
    id: (a, b) => byText(a.row.ID, b.row.ID),
    repository: (a, b) => byText(a.row.Repository, b.row.Repository),
    size: (a, b) => b.listed.size - a.listed.size,
    tag: (a, b) => byText(a.row.Tag, b.row.Tag),
  };
  return rows.toSorted(compare[order]).map(({ row }) => row);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** When an image was created, in milliseconds since 1970; 0 if it does not say. */
export function createdTime({ config }: StoredImage): number {
  return Date.parse(config.created ?? '') || 0;
}

/** An image as `images` lists it. @param containers how many were made from it */
export function listedImage(image: StoredImage, containers: number): ListedImage {
  return { image, size: imageSize(image), containers };
}
