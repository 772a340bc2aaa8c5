import type { StoredImage } from '../../image/store/images.js';
import { layerSizes } from '../../image/store/size.js';
import { createdSince } from './image-row.js';
import { decimalSize } from './size.js';

/** What a template of `history --format` sees of a step: Docker's names. */
export type HistoryField = 'ID' | 'CreatedSince' | 'CreatedAt' | 'CreatedBy' | 'Size' | 'Comment';

export type HistoryRow = Record<HistoryField, string>;

/** The steps that have created an image, the last one first, as `docker history --no-trunc` shows them. */
export function historyRows(image: StoredImage, now: number): HistoryRow[] {
  const sizes = layerSizes(image);
  const rows = (image.config.history ?? []).map(
    (entry): HistoryRow => ({
      ID: '<missing>', // Docker's word for a step that is no image of its own
      CreatedSince: createdSince(entry.created, now),
      CreatedAt: entry.created ?? '',
      CreatedBy: (entry.created_by ?? '').replace(/\s+/g, ' '),
      Size: decimalSize(entry.empty_layer ? 0 : (sizes.shift() ?? 0)),
      Comment: entry.comment ?? '',
    }),
  );
  const last = rows.at(-1);
  if (last !== undefined) last.ID = image.id;
  return rows.reverse();
}
