import { closeSync, lstatSync, openSync, type Stats } from 'node:fs';
import { errnoName } from '../sys/errno.js';
import { errnoOfAny, SystemCallError } from '../sys/ffi.js';
import { getExtendedAttribute, makeWhiteout, setExtendedAttribute } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { OPAQUE_MARKER, WHITEOUT_PREFIX } from './whiteout.js';

/**
 * Whiteouts of layers on the disk, in overlayfs's format (kernel documentation, "whiteouts and opaque directories"). If
 * the file system does not support that, no overlay can be mounted there either, and whiteouts are empty files without
 * permissions that have the names of the image-spec ("layer.md", "Whiteouts"). Paths have one character for each byte.
 */
const OPAQUE = 'user.overlay.opaque';

/** Errors of file systems without such devices or attributes, such as an overlay. */
const UNSUPPORTED_CODES = ['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Hides a name in the layers below. */
export function writeWhiteout(directory: string, name: string): void {
  withFallback(
    () => makeWhiteout(pathOf(`${directory}/${name}`)),
    () => createMarker(`${directory}/${WHITEOUT_PREFIX}${name}`),
  );
}

/** Hides everything that the layers below have in a directory. */
export function markOpaque(directory: string): void {
  withFallback(
    () => setExtendedAttribute(pathOf(directory), OPAQUE, Buffer.from('y')),
    () => createMarker(`${directory}/${OPAQUE_MARKER}`),
  );
}

function withFallback(preferred: () => void, otherwise: () => void): void {
  try {
    preferred();
  } catch (error) {
    const code = errnoOfAny(error);
    if (!UNSUPPORTED_CODES.includes(code ?? '')) throw error;
    otherwise();
  }
}

function createMarker(path: string): void {
  closeSync(openSync(pathOf(path), 'w', 0));
}

/** The name that an entry of a layer hides; `''` for all names of the directory; undefined for an ordinary file. */
export function hiddenName(name: string, info: Stats): string | undefined {
  if (info.isCharacterDevice() && info.rdev === 0) return name;
  if (!isMarker(name, info)) return undefined;
  return name === OPAQUE_MARKER ? '' : name.slice(WHITEOUT_PREFIX.length);
}

function isMarker(name: string, info: Stats): boolean {
  return name.startsWith(WHITEOUT_PREFIX) && info.isFile() && info.size === 0 && (info.mode & 0o7777) === 0;
}

/** Whether a directory hides the layers below. */
export function isOpaque(directory: string): boolean {
  try {
    if (getExtendedAttribute(pathOf(directory), OPAQUE)?.toString() === 'y') return true;
  } catch (error) {
    if (!(error instanceof SystemCallError) || !UNSUPPORTED_CODES.includes(errnoName(error.errno)))
      throw error;
  }
  const mark = lstatSync(pathOf(`${directory}/${OPAQUE_MARKER}`), { throwIfNoEntry: false });
  return mark !== undefined && isMarker(OPAQUE_MARKER, mark);
}
