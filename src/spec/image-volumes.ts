import { posix } from 'node:path';
import { FosterError } from '../sys/errors.js';
import type { ImageDefaults } from './image-defaults.js';
import { quoted } from './parse/flag.js';

/** Directories with files of the kernel. */
const KERNEL_PATHS = ['/dev', '/proc', '/sys'];

/** Images with systemd have a volume there, which is not needed here. */
const IGNORED = ['/sys/fs/cgroup'];

/**
 * Whether an absolute path is /dev, /proc or /sys, or below one of them. Mounts there affect what a process can do to
 * the host, so only the user may request them, not an image or a Dockerfile.
 */
export function isKernelPath(path: string): boolean {
  return KERNEL_PATHS.some((top) => path === top || path.startsWith(`${top}/`));
}

/**
 * Destinations of an image's volumes, and of those that are ignored, for a warning.
 * @throws FosterError for an invalid destination
 */
export function imageVolumes(image: ImageDefaults | undefined): { paths: string[]; ignored: string[] } {
  const all = [...new Set(Object.keys(image?.Volumes ?? {}).map(volumePath))];
  const ignored = all.filter((path) => IGNORED.includes(path));
  return { paths: all.filter((path) => !ignored.includes(path)), ignored };
}

/** Without a slash in front it counts from the root: `VOLUME [/a, /b]`, which lacks quotes, makes `[/a,` and `/b]`. */
function volumePath(text: string): string {
  const path = posix.resolve('/', text);
  const isValid = path !== '/' && !text.includes('\0');
  if (isValid && isVolumeAllowed(path)) return path;
  throw new FosterError(
    isValid
      ? `the image declares a volume at ${quoted(text)}, where only the user may mount something`
      : `the image declares a volume at ${quoted(text)}, which cannot be a mount point`,
    { advice: 'the image is faulty' },
  );
}

/** Whether an image may have a volume at an absolute path. */
export function isVolumeAllowed(path: string): boolean {
  return !isKernelPath(path) || IGNORED.includes(path);
}
