import { posix } from 'node:path';
import { FosterError } from '../sys/errors.js';
import type { ImageDefaults } from './image-defaults.js';
import { quoted } from './parse/flag.js';

/** Where the kernel shows itself, and foster what it gives of it. */
const KERNEL_PLACES = ['/dev', '/proc', '/sys'];

/** Images with systemd have a volume there, which does nothing here. */
const HARMLESS = ['/sys/fs/cgroup'];

/**
 * Whether an absolute path is /dev, /proc or /sys, or below one of them. What is mounted there decides what a process
 * may do to the host, so only the person who runs a container has a say in it: not an image, and not a Dockerfile.
 */
export function isKernelPlace(path: string): boolean {
  return KERNEL_PLACES.some((place) => path === place || path.startsWith(`${place}/`));
}

/**
 * Where an image has its volumes, and those of them that are left out, for a warning.
 * @throws FosterError for what can be no place of a volume
 */
export function imageVolumes(image: ImageDefaults | undefined): { places: string[]; leftOut: string[] } {
  const all = [...new Set(Object.keys(image?.Volumes ?? {}).map(volumePlace))];
  const leftOut = all.filter((place) => HARMLESS.includes(place));
  return { places: all.filter((place) => !leftOut.includes(place)), leftOut };
}

function volumePlace(path: string): string {
  const place = posix.resolve('/', path);
  const isPlace = place !== '/' && path.startsWith('/') && !path.includes('\0');
  if (isPlace && isVolumePlace(place)) return place;
  throw new FosterError(
    isPlace
      ? `the image wants a volume at ${quoted(path)}, where only the user may mount something`
      : `the image wants a volume at ${quoted(path)}, which cannot be a mount point`,
    { advice: 'the image itself is faulty' },
  );
}

/** Whether an image may have a volume at an absolute path. */
export function isVolumePlace(path: string): boolean {
  return !isKernelPlace(path) || HARMLESS.includes(path);
}
