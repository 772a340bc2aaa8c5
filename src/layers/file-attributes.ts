import { chmodSync, lchownSync, lutimesSync, type Stats } from 'node:fs';
import { errnoOfAny } from '../sys/ffi.js';
import { getExtendedAttribute, listExtendedAttributes, setExtendedAttribute } from '../sys/libc.js';
import { pathOf } from '../tar/member.js';
import { isKeptAttribute } from './kept-attributes.js';
import { unlessGone } from './unless-gone.js';

/**
 * Whether an extended attribute belongs to a file's content, and not to its storage or protection on this machine:
 * xattr(7).
 */
function isCopied(name: string): boolean {
  return isKeptAttribute(name) || name.startsWith('system.posix_acl_');
}

/** Copied extended attributes, sorted by name. @param path one character for each byte */
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
 * system support them. The times of a directory must be set again when it is filled.
 */
export function copyAttributes(source: string, info: Stats, target: string): void {
  ignoring(() => lchownSync(pathOf(target), info.uid, info.gid), ['EINVAL', 'EPERM']); // an id that is not mapped
  if (!info.isSymbolicLink()) chmodSync(pathOf(target), info.mode & 0o7777);
  const attributes = info.isSymbolicLink() ? undefined : unlessGone(() => attributesOf(source));
  for (const [name, value] of attributes ?? []) {
    ignoring(
      () => setExtendedAttribute(pathOf(target), name, value),
      ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EINVAL'],
    );
  }
  copyTimes(info, target);
}

/** Sets times to the microsecond. */
export function copyTimes({ atimeMs, mtimeMs }: Stats, target: string): void {
  lutimesSync(pathOf(target), atimeMs / 1000, mtimeMs / 1000);
}

function ignoring(act: () => void, ignored: string[]): void {
  try {
    act();
  } catch (error) {
    const code = errnoOfAny(error);
    if (!ignored.includes(code ?? '')) throw error;
  }
}
