import { closeSync, lstatSync, openSync, type Stats } from 'node:fs';
import { errnoName } from '../sys/errno.js';
import { errnoOfAny, SystemCallError } from '../sys/ffi.js';
import { getExtendedAttribute, makeWhiteout, setExtendedAttribute } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { OPAQUE_MARKER, WHITEOUT_PREFIX } from './whiteout.js';

/**
 * How a layer on the disk says what is gone of the layers below: as overlayfs wants it (kernel documentation,
 * "whiteouts and opaque directories"). Where the file system refuses that, an overlay of it cannot be mounted either;
 * then by empty files without permissions that have the names of the image-spec ("layer.md", "Whiteouts"). Paths have
 * one character for each byte.
 */
const OPAQUE = 'user.overlay.opaque';

/** What a file system says that has no such devices or attributes, an overlay among them. */
const REFUSALS = ['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Hides a name of the layers below. */
export function hideName(directory: string, name: string): void {
  unlessRefused(
    () => makeWhiteout(pathOf(`${directory}/${name}`)),
    () => makeMark(`${directory}/${WHITEOUT_PREFIX}${name}`),
  );
}

/** Hides all that the layers below have in a directory. */
export function hideAll(directory: string): void {
  unlessRefused(
    () => setExtendedAttribute(pathOf(directory), OPAQUE, Buffer.from('y')),
    () => makeMark(`${directory}/${OPAQUE_MARKER}`),
  );
}

function unlessRefused(preferred: () => void, otherwise: () => void): void {
  try {
    preferred();
  } catch (error) {
    const code = errnoOfAny(error);
    if (!REFUSALS.includes(code ?? '')) throw error;
    otherwise();
  }
}

function makeMark(path: string): void {
  closeSync(openSync(pathOf(path), 'w', 0));
}

/** The name that an entry of a layer hides; undefined for one that is a file. `''`: all names of the directory. */
export function hiddenBy(name: string, info: Stats): string | undefined {
  if (info.isCharacterDevice() && info.rdev === 0) return name;
  if (!isMark(name, info)) return undefined;
  return name === OPAQUE_MARKER ? '' : name.slice(WHITEOUT_PREFIX.length);
}

function isMark(name: string, info: Stats): boolean {
  return name.startsWith(WHITEOUT_PREFIX) && info.isFile() && info.size === 0 && (info.mode & 0o7777) === 0;
}

/** Whether a directory shows nothing of the layers below. */
export function isOpaque(directory: string): boolean {
  try {
    if (getExtendedAttribute(pathOf(directory), OPAQUE)?.toString() === 'y') return true;
  } catch (error) {
    if (!(error instanceof SystemCallError) || !REFUSALS.includes(errnoName(error.errno))) throw error;
  }
  const mark = lstatSync(pathOf(`${directory}/${OPAQUE_MARKER}`), { throwIfNoEntry: false });
  return mark !== undefined && isMark(OPAQUE_MARKER, mark);
}
