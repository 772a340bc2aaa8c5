import { constants, lstatSync, openSync } from 'node:fs';
import { OpenTree } from './open-tree.js';
import { unlessGone } from './unless-gone.js';
import { listNames } from './writable-layer.js';

/**
 * The disk space of a tree in bytes, with each file counted once; 0 if it does not exist. Files that only a container's
 * user namespace may read are not counted. A container may be changing the tree, so no link is followed.
 */
export function sizeOfTree(top: string): number {
  const O_PATH = 0o10000000;
  const fd = unlessGone(() => openSync(top, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  if (fd === undefined) return 0;
  const tree = new OpenTree(fd);
  let size = 0;
  const seen = new Set<number>();
  const waiting = [''];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const base of orNothing(() => listNames(tree.path(directory ?? ''))) ?? []) {
      const name = `${directory}${base}`;
      const info = orNothing(() => lstatSync(tree.path(name)));
      if (info === undefined) continue;
      if (info.isDirectory()) waiting.push(`${name}/`);
      if (info.nlink > 1 && !info.isDirectory()) {
        if (seen.has(info.ino)) continue;
        seen.add(info.ino);
      }
      size += info.blocks * 512;
    }
  }
  tree.close();
  return size;
}

/** Undefined for files that are gone, too deep, or readable only in their user namespace. */
function orNothing<T>(look: () => T): T | undefined {
  return unlessGone(look, ['EACCES', 'ENAMETOOLONG']);
}
