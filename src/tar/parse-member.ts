import { FosterError } from '../sys/errors.js';
import type { TarHeader } from './header.js';
import { type Member, quotedName } from './member.js';
import { type Attributes, extendedAttributes } from './pax.js';

const TYPES: Readonly<Record<string, Member['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file', // "contiguous"
  S: 'file', // GNU: sparse
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

/** Limit of a Date, and more than any file system supports. */
const MAX_SECONDS = 8.64e12;

/** Attributes that a global extended header may set. A name for all members makes no sense. */
export const GLOBAL_ATTRIBUTES = ['size', 'mtime', 'uid', 'gid'] as const;

/**
 * The member that a header and its extended headers describe. The size of a sparse file is that of its data.
 * @param own attributes of this member, which take precedence over global ones
 * @returns undefined if one of its numbers is invalid
 * @throws FosterError for an unknown type of file
 */
export function parseMember(header: TarHeader, own: Attributes, global: Attributes): Member | undefined {
  // An empty value means that the attribute is not set.
  const attribute = (key: string) => own.get(key) || undefined;
  const number = (key: (typeof GLOBAL_ATTRIBUTES)[number], otherwise: number | undefined) => {
    const text = attribute(key) ?? (global.get(key) || undefined);
    if (text === undefined) return otherwise;
    return /^-?\d+(\.\d*)?$/.test(text) ? Number(text) : Number.NaN;
  };
  const { flag } = header;
  const name = attribute('GNU.sparse.name') ?? attribute('path') ?? header.name;
  const isDirectory = name.endsWith('/') && TYPES[flag] === 'file'; // as before POSIX
  const type = isDirectory ? 'directory' : TYPES[flag];
  if (type === undefined) {
    throw new FosterError(`the tar member ${quotedName(name)} has the unknown type ${quotedName(flag)}`);
  }
  // Only files have data, whatever the header says: POSIX, "pax", the size field of ustar.
  const size = type === 'file' ? number('size', header.size) : 0;
  const mtime = number('mtime', header.mtime) ?? 0;
  const [uid, gid] = [number('uid', header.uid) ?? 0, number('gid', header.gid) ?? 0];
  const mode = header.mode ?? 0o644;
  if (size === undefined || !isCount(size) || !isCount(mode)) return undefined;
  if (!isId(uid) || !isId(gid) || Number.isNaN(mtime)) return undefined;
  return {
    name,
    type,
    target: attribute('linkpath') ?? header.target,
    mode: mode & 0o7777,
    uid,
    gid,
    size,
    mtime: Math.abs(mtime) <= MAX_SECONDS ? mtime : 0,
    xattrs: extendedAttributes(own),
  };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isId(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 0xffffffff;
}
