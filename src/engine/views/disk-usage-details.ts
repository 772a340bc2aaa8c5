import { containerSizes, rootSizes, volumeSizes } from '../../container/disk-usage.js';
import { containersOf } from '../../container/image-use.js';
import { listImages } from '../../image/store/images.js';
import { containerRow } from './container-row.js';
import { imageLayers } from './image-layers.js';
import { imageRows, listedImage } from './image-row.js';
import { decimalSize } from './size.js';

/** What `docker system df -v` shows, and foster's root filesystems. */
export interface DiskUsageDetails {
  images: Record<
    'Repository' | 'Tag' | 'ID' | 'CreatedSince' | 'Size' | 'SharedSize' | 'UniqueSize' | 'Containers',
    string
  >[];
  containers: (Record<
    'ID' | 'Image' | 'LocalVolumes' | 'Size' | 'RunningFor' | 'Status' | 'Names',
    string
  > & {
    command: string[];
  })[];
  volumes: { name: string; links: string; size: string }[];
  roots: { name: string; size: string; isInUse: boolean }[];
}

/** @param now in milliseconds since 1970 */
export function diskUsageDetails(now: number): DiskUsageDetails {
  return {
    images: imagesUsage(now),
    containers: containerSizes().map(({ container, size }) => ({
      ...containerRow(container, now).fields,
      command: container.record.command,
      Size: decimalSize(size),
    })),
    volumes: volumeSizes().map(({ name, users, size }) => ({
      name,
      links: String(users),
      size: decimalSize(size),
    })),
    roots: rootSizes().map(({ name, size, isActive }) => ({
      name,
      size: decimalSize(size),
      isInUse: isActive,
    })),
  };
}

/** The disk space of each image. Layers of several images count as shared. */
function imagesUsage(now: number): DiskUsageDetails['images'] {
  const images = listImages();
  const withLayers = imageLayers(images);
  return images.flatMap((image, index) => {
    const layers = withLayers[index]?.layers ?? [];
    const sum = (isWanted: (imageCount: number) => boolean) =>
      decimalSize(
        layers.reduce((total, { size, imageCount }) => total + (isWanted(imageCount) ? size : 0), 0),
      );
    const sizes = {
      Size: sum(() => true),
      SharedSize: sum((count) => count > 1),
      UniqueSize: sum((count) => count === 1),
      Containers: String(containersOf(image.descriptor.digest).length),
    };
    return imageRows(listedImage(image, 0), now).map((row) => ({ ...row, ...sizes }));
  });
}
