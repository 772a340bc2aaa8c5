import { lstatSync, readdirSync, rmdirSync, type Stats, unlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { getExtendedAttribute } from '../../sys/libc.js';

/**
 * Removes from a layer the empty files and directories that were only created as mount points, and their parents that
 * were created or copied up only for that.
 * @param upper absolute path of the layer
 * @param layers the layers below, topmost first
 * @param paths absolute paths in the container
 */
export function removeMountPoints(upper: string, layers: string[], paths: string[]): void {
  for (const path of paths) {
    if (!isBelowPlainDirectories(upper, path)) continue;
    const place = upper + path;
    const info = lstatSync(place, { throwIfNoEntry: false });
    if (info?.isDirectory() && isBare(place)) rmdirSync(place);
    else if (info?.isFile() && info.size === 0) unlinkSync(place);
    else continue;
    removeBareParents(upper, layers, posix.dirname(path));
  }
}

/** Whether all parents are directories, so that no link of the container is followed. */
function isBelowPlainDirectories(upper: string, path: string): boolean {
  for (let parent = posix.dirname(path); parent !== '/'; parent = posix.dirname(parent)) {
    if (!lstatSync(upper + parent, { throwIfNoEntry: false })?.isDirectory()) return false;
  }
  return true;
}

function removeBareParents(upper: string, layers: string[], directory: string): void {
  for (let path = directory; path !== '/'; path = posix.dirname(path)) {
    const info = lstatSync(upper + path);
    if (!isBare(upper + path) || !isAsBelow(info, layers, path)) return;
    rmdirSync(upper + path);
  }
}

function isBare(directory: string): boolean {
  return (
    readdirSync(directory).length === 0 &&
    getExtendedAttribute(directory, 'user.overlay.opaque') === undefined
  );
}

/** Whether it equals the directory that it hides, or hides none and is as foster creates them. */
function isAsBelow({ mode, uid, gid }: Stats, layers: string[], path: string): boolean {
  for (const layer of layers) {
    const found = lstatSync(layer + path, { throwIfNoEntry: false });
    if (found !== undefined) return found.mode === mode && found.uid === uid && found.gid === gid;
  }
  return (mode & 0o7777) === 0o755 && uid === 0 && gid === 0;
}
