import type { StoredImage } from '../../image/store/images.js';
import { layerSizes } from '../../image/store/size.js';
import { createdAt, createdSince } from './image-row.js';
import { decimalSize } from './size.js';

/** The fields of a step in a template of `history --format`, which have Docker's names. */
export type HistoryField =
  | 'ID'
  | 'CreatedSince'
  | 'CreatedAt'
  | 'CreatedBy'
  | 'Size'
  | 'Comment'
  | 'Created'
  | 'Tags';

export type HistoryRow = Record<HistoryField, string>;

/**
 * The steps that created an image, the last one first, as `docker history --no-trunc` shows them.
 * @param options.isHuman shows rounded sizes and ages, else bytes and ISO times
 */
export function historyRows(
  image: StoredImage,
  { now, isHuman }: { now: number; isHuman: boolean },
): HistoryRow[] {
  const sizes = layerSizes(image);
  const rows = (image.config.history ?? []).map((entry): HistoryRow => {
    const size = entry.empty_layer ? 0 : (sizes.shift() ?? 0);
    const created = isHuman ? createdSince(entry.created, now) : (entry.created ?? '');
    return {
      ID: '<missing>', // Docker's word for a step that is not an image itself
      CreatedSince: created,
      CreatedAt: isHuman ? createdAt(entry.created) : (entry.created ?? ''),
      CreatedBy: (entry.created_by ?? '').replace(/\s+/g, ' '),
      Size: isHuman ? decimalSize(size) : String(size),
      Comment: entry.comment ?? '',
      Created: created,
      Tags: '',
    };
  });
  const last = rows.at(-1);
  if (last !== undefined) Object.assign(last, { ID: image.id, Tags: image.names.join(', ') });
  return rows.reverse();
}
