import { FosterError } from '../sys/errors.js';

/**
 * A member of a tar archive. Names are bytes in an unknown encoding: they are kept as strings with one character for
 * each byte (latin1), so that each name comes out as it went in.
 */
export interface Member {
  /** As in the archive. */
  name: string;
  type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'device';
  /** Target of a symbolic or hard link. */
  target: string;
  /** Permission bits, including set-id and sticky bits. */
  mode: number;
  uid: number;
  gid: number;
  /** In bytes, including the holes of a sparse file. */
  size: number;
  /** In seconds since 1970. */
  mtime: number;
  /** Extended attributes: names of xattr(7), values as latin1. */
  xattrs: Map<string, string>;
}

const PATH_MAX = 4096;
/** Limit for the symbolic links in one path: the same as the kernel's, path_resolution(7). */
export const MAX_LINKS = 40;

/**
 * The components of a member's name; none for the top of the tree.
 * @throws FosterError for an invalid name, or one that leaves the tree
 */
export function nameComponents(name: string): string[] {
  if (name.startsWith('/')) throw escapes(name, 'its name is absolute');
  const parts = components(name);
  if (parts.includes('..')) throw escapes(name, "its name contains '..'");
  if (name.includes('\0'))
    throw new FosterError(`the tar member ${quotedName(name)} has a NUL byte in its name`);
  if (name.length >= PATH_MAX)
    throw new FosterError(`the tar member ${quotedName(name)} has a name that is too long`);
  return parts;
}

/** The components of a hard link's target, which is a member's name too. */
export function hardLinkComponents(member: Member): string[] {
  const { name, target } = member;
  const parts = components(target);
  if (target.startsWith('/') || parts.includes('..')) {
    throw escapes(name, `it is a hard link to ${quotedName(target)}, outside the tree`);
  }
  if (parts.length === 0 || target.includes('\0')) {
    throw new FosterError(
      `the tar member ${quotedName(name)} is a hard link to ${quotedName(target)}, which is not a file`,
    );
  }
  return parts;
}

/**
 * Resolves a symbolic link among a member's parents: the components from the top of the tree.
 * @param at the components of the link's directory
 * @throws FosterError if it is absolute or leads out of the tree
 */
export function followLink(name: string, at: string[], link: string, target: string): string[] {
  if (target.startsWith('/')) {
    throw escapes(name, `its parent ${quotedName(link)} is a symbolic link to ${quotedName(target)}`);
  }
  let depth = at.length;
  for (const part of components(target)) {
    depth += part === '..' ? -1 : 1;
    if (depth < 0)
      throw escapes(name, `its parent ${quotedName(link)} is a symbolic link to ${quotedName(target)}`);
  }
  return components(target);
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function escapes(name: string, why: string): FosterError {
  return new FosterError(`the tar member ${quotedName(name)} leaves the root filesystem: ${why}`, {
    advice: 'nothing was unpacked; do not trust this archive',
  });
}

/** A name in quotes for messages: control characters are escaped, and long names are shortened. */
export function quotedName(name: string): string {
  const text = Buffer.from(name.slice(0, 200), 'latin1').toString();
  const safe = text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return `'${safe}${name.length > 200 ? '...' : ''}'`;
}

/** A name in a form for Node's functions. */
export function pathOf(name: string): string | Buffer {
  return /^[\x00-\x7f]*$/.test(name) ? name : Buffer.from(name, 'latin1');
}
