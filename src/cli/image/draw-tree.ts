import type { StoredImage } from '../../image/store/images.js';
import { shortDigest } from '../../image/store/layers.js';
import { familiarReference } from '../../image/store/reference.js';
import { layerSizes } from '../../image/store/size.js';
import { visible } from '../../spec/parse/flag.js';
import { decimalSize } from '../format/size.js';
import { ellipsis } from '../format/table.js';

/** Images with their layers, the lowest first; a layer that several images have says so. */
export function drawImageTree(images: StoredImage[]): string {
  const users = new Map<string, number>();
  for (const { config } of images) {
    for (const id of new Set(config.rootfs.diff_ids)) users.set(id, (users.get(id) ?? 0) + 1);
  }
  return images.map((image) => `${headOf(image)}\n${layersOf(image, users)}`).join('');
}

function headOf({ names, id }: StoredImage): string {
  return `${names.length === 0 ? '<none>' : names.map(familiarReference).join(', ')} (${shortDigest(id)})`;
}

function layersOf(image: StoredImage, users: ReadonlyMap<string, number>): string {
  const sizes = layerSizes(image);
  const makers = (image.config.history ?? []).filter(({ empty_layer: isEmpty }) => !isEmpty);
  const ids = image.config.rootfs.diff_ids;
  return ids
    .map((diffID, index) => {
      const branch = index === ids.length - 1 ? '└─' : '├─';
      const size = decimalSize(sizes[index] ?? 0).padStart(7);
      const count = users.get(diffID) ?? 1;
      const shared = count > 1 ? `  (in ${count} images)` : '';
      const maker = makers[index];
      const made = visible(ellipsis(maker?.created_by || maker?.comment || '', 60));
      return `${branch} ${shortDigest(diffID)} ${size}${shared}  ${made}`.trimEnd().concat('\n');
    })
    .join('');
}
