import { FosterError } from '../sys/errors.js';

/**
 * A member of a tar archive. Names are bytes, and no encoding is certain: they are held as strings of one character per
 * byte (latin1), so that each name comes out as it went in.
 */
export interface Member {
  /** As it stands in the archive. */
  name: string;
  type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'device';
  /** Of a symlink or hard link. */
  target: string;
  /** Permission bits, the set-id and sticky bits included. */
  mode: number;
  uid: number;
  gid: number;
  /** In bytes, of the data that follows; the holes of a sparse file included. */
  size: number;
  /** In seconds since 1970. */
  mtime: number;
  /** Extended attributes: names of xattr(7), values as latin1. */
  xattrs: Map<string, string>;
}

const PATH_MAX = 4096;
/** Symbolic links that one name may go through: as the kernel's, path_resolution(7). */
export const MAX_LINKS = 40;

/**
 * The components of a member's name: none for the top of the tree itself.
 * @throws FosterError for a name that leaves the tree, or that no file can have
 */
export function nameComponents(name: string): string[] {
  if (name.startsWith('/')) throw escapes(name, 'its name is absolute');
  const parts = components(name);
  if (parts.includes('..')) throw escapes(name, "its name contains '..'");
  if (name.includes('\0')) throw new FosterError(`the tar member ${shown(name)} has a NUL byte in its name`);
  if (name.length >= PATH_MAX)
    throw new FosterError(`the tar member ${shown(name)} has a name that is too long`);
  return parts;
}

/** The components of a hard link's target, which is a member's name too. */
export function hardLinkComponents(member: Member): string[] {
  const { name, target } = member;
  const parts = components(target);
  if (target.startsWith('/') || parts.includes('..')) {
    throw escapes(name, `it is a hard link to ${shown(target)}, outside of the tree`);
  }
  if (parts.length === 0 || target.includes('\0')) {
    throw new FosterError(
      `the tar member ${shown(name)} is a hard link to ${shown(target)}, which is no file`,
    );
  }
  return parts;
}

/**
 * The path that a symbolic link among a member's parents leads to: the components from the top of the tree.
 * @param at the components of the directory that the link is in
 * @throws FosterError where it leads out of the tree, or is absolute and so would outside of a container
 */
export function throughLink(name: string, at: string[], link: string, target: string): string[] {
  if (target.startsWith('/')) {
    throw escapes(name, `its parent ${shown(link)} is a symbolic link to ${shown(target)}`);
  }
  let depth = at.length;
  for (const part of components(target)) {
    depth += part === '..' ? -1 : 1;
    if (depth < 0) throw escapes(name, `its parent ${shown(link)} is a symbolic link to ${shown(target)}`);
  }
  return components(target);
}

function components(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function escapes(name: string, why: string): FosterError {
  return new FosterError(`the tar member ${shown(name)} leaves the root filesystem: ${why}`, {
    advice: 'nothing was unpacked; do not trust this archive',
  });
}

/** A name for people: no byte of it can command their terminal, and it is not endless. */
export function shown(name: string): string {
  const text = Buffer.from(name.slice(0, 200), 'latin1').toString();
  const safe = text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return `'${safe}${name.length > 200 ? '...' : ''}'`;
}

/** A name as Node's functions take it. */
export function pathOf(name: string): string | Buffer {
  return /^[\x00-\x7f]*$/.test(name) ? name : Buffer.from(name, 'latin1');
}
