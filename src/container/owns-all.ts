import { lstatSync, readdirSync } from 'node:fs';
import { errnoOf } from '../sys/errno.js';

/** More entries are not looked at: a user namespace takes less time then. */
const MOST_ENTRIES = 300;

/**
 * Whether all files of a folder belong to the caller, as far as can be seen. Nothing is followed. A directory that cannot be read, as
 * overlayfs has one, is taken for empty.
 */
export function ownsAll(folder: string): boolean {
  const own = process.getuid?.();
  const left: Buffer[] = [Buffer.from(folder)];
  for (let count = 0; left.length > 0; count++) {
    const path = left.pop();
    if (path === undefined) break;
    if (count > MOST_ENTRIES) return false;
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info === undefined) continue;
    if (info.uid !== own) return false;
    if (info.isDirectory()) left.push(...entriesOf(path));
  }
  return true;
}

function entriesOf(path: Buffer): Buffer[] {
  try {
    const slash = Buffer.from('/');
    return readdirSync(path, { encoding: 'buffer' }).map((name) => Buffer.concat([path, slash, name]));
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    return [];
  }
}
