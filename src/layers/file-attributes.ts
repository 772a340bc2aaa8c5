import { chmodSync, lchownSync, lutimesSync, type Stats } from 'node:fs';
import { errnoOfAny } from '../sys/ffi.js';
import { getExtendedAttribute, listExtendedAttributes, setExtendedAttribute } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { unlessGone } from './changing.js';
import { isKeptAttribute } from './kept-attributes.js';

/** Extended attributes that belong to a file's content, and not to how it is stored or guarded here: xattr(7). */
function isCopied(name: string): boolean {
  return isKeptAttribute(name) || name.startsWith('system.posix_acl_');
}

/** Their values by their names, sorted. @param path one character for each byte */
export function attributesOf(path: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of listExtendedAttributes(pathOf(path)).filter(isCopied).sort()) {
    const value = getExtendedAttribute(pathOf(path), name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

/**
 * Gives a file the owner, mode, extended attributes and times of another one, as far as the user namespace and the file
 * system have them. Of a directory the times are to be set again when it is filled.
 */
export function copyAttributes(source: string, info: Stats, target: string): void {
  orNot(() => lchownSync(pathOf(target), info.uid, info.gid), ['EINVAL', 'EPERM']); // an id that is not mapped
  if (!info.isSymbolicLink()) chmodSync(pathOf(target), info.mode & 0o7777);
  const attributes = info.isSymbolicLink() ? undefined : unlessGone(() => attributesOf(source));
  for (const [name, value] of attributes ?? []) {
    orNot(
      () => setExtendedAttribute(pathOf(target), name, value),
      ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL'],
    );
  }
  copyTimes(info, target);
}

/** To the microsecond. */
export function copyTimes({ atimeMs, mtimeMs }: Stats, target: string): void {
  lutimesSync(pathOf(target), atimeMs / 1000, mtimeMs / 1000);
}

function orNot(act: () => void, ignored: string[]): void {
  try {
    act();
  } catch (error) {
    const code = errnoOfAny(error);
    if (!ignored.includes(code ?? '')) throw error;
  }
}
