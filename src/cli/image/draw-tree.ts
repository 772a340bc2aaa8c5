import type { ImageLayers } from '../../engine/views/image-layers.js';
import { decimalSize } from '../../engine/views/size.js';
import { visible } from '../../spec/parse/flag.js';
import { ellipsis } from '../format/table.js';

/** Images with their layers, the lowest first. Layers of several images are marked. */
export function drawImageTree(images: ImageLayers[]): string {
  return images.map((image) => `${headOf(image)}\n${image.layers.map(lineOf).join('')}`).join('');
}

/** The layers of one image below its description, in Podman's words. */
export function drawLayers({ id, names, layers }: ImageLayers): string {
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  const head = [
    `Image ID: ${shortDigest(id)}`,
    `Tags:     [${names.join(' ')}]`,
    `Size:     ${decimalSize(size)}`,
    'Image Layers',
  ];
  return `${head.map((line) => `${line}\n`).join('')}${layers.map(lineOf).join('')}`;
}

function headOf({ names, id }: ImageLayers): string {
  return `${names.length === 0 ? '<none>' : names.join(', ')} (${shortDigest(id)})`;
}

function lineOf(
  { diffID, size, imageCount, createdBy }: ImageLayers['layers'][number],
  index: number,
  all: unknown[],
): string {
  const branch = index === all.length - 1 ? '└─' : '├─';
  const shared = imageCount > 1 ? `  (in ${imageCount} images)` : '';
  const step = visible(ellipsis(createdBy, 60));
  return `${branch} ${shortDigest(diffID)} ${decimalSize(size).padStart(7)}${shared}  ${step}`
    .trimEnd()
    .concat('\n');
}

function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12);
}
