import { MTAB } from '../spec/mtab.js';
import type { LayerStack } from './stack.js';
import type { WritableLayer } from './writable-layer.js';

/** A file that was added, changed or deleted. Paths are absolute in the container, with one character for each byte. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  path: string;
}

/**
 * The changes that a container has made, each directory before its content. Only directories that it has touched are
 * visited, and no link is followed.
 * @param foreign names, relative to the top, to skip
 */
export function* treeChanges(
  own: WritableLayer,
  below: LayerStack,
  foreign: ReadonlySet<string>,
): Generator<Change> {
  yield* changesIn('', own, below, foreign);
}

function* changesIn(
  directory: string,
  own: WritableLayer,
  below: LayerStack | undefined,
  foreign: ReadonlySet<string>,
): Generator<Change> {
  const names = new Set(own.names(directory));
  const gone = below !== undefined && own.isOpaque(directory) ? below.names(directory) : [];
  for (const base of [...names, ...gone.filter((each) => !names.has(each))].sort()) {
    const name = `${directory}${base}`;
    const lower = below?.lstat(name);
    const info = own.lstat(name);
    if (info === undefined) {
      if (lower !== undefined) yield { kind: 'D', path: `/${name}` };
      continue;
    }
    if (!foreign.has(name)) yield { kind: lower === undefined ? 'A' : 'C', path: `/${name}` };
    if (info.isDirectory())
      yield* changesIn(`${name}/`, own, lower?.isDirectory() ? below : undefined, foreign);
  }
}

/**
 * Names that foster, not the container, has created in its layer: empty files and directories as mount points, the link
 * /etc/mtab, and their parents that were created or copied up only for that.
 * @param mountPoints absolute paths in the container
 */
export function mountPointNames(
  own: WritableLayer,
  below: LayerStack,
  mountPoints: readonly string[],
): ReadonlySet<string> {
  const foreign = new Set<string>();
  const points = [...new Set(mountPoints.map((path) => path.split('/').filter(Boolean)))];
  for (const parts of points.sort((a, b) => b.length - a.length)) {
    if (!isBelowDirectories(own, parts)) continue;
    for (let depth = parts.length; depth > 0; depth--) {
      const name = bytes(parts.slice(0, depth).join('/'));
      const isPoint = depth === parts.length;
      if (!isBare(own, name, foreign, isPoint)) break;
      const isLikeBelow = isAsBelow(own, below, name);
      if (isPoint ? below.lstat(name) !== undefined && !isLikeBelow : !isLikeBelow) break;
      foreign.add(name);
    }
  }
  return foreign;
}

/** Whether all parents are directories, so that no link of the container is followed. */
function isBelowDirectories(own: WritableLayer, parts: string[]): boolean {
  return parts
    .slice(0, -1)
    .every((_part, index) => own.lstat(bytes(parts.slice(0, index + 1).join('/')))?.isDirectory() ?? false);
}

/** Whether it is an empty file, the link that foster makes, or a directory without files of the container. */
function isBare(own: WritableLayer, name: string, foreign: ReadonlySet<string>, mayBeFile: boolean): boolean {
  const info = own.lstat(name);
  if (info?.isSymbolicLink()) return `/${name}` === MTAB.path && own.link(name) === MTAB.target;
  if (info?.isFile()) return mayBeFile && info.size === 0;
  if (!info?.isDirectory() || own.isOpaque(`${name}/`)) return false;
  return own.names(`${name}/`).every((base) => foreign.has(`${name}/${base}`));
}

/** Whether it equals the file that it hides, or hides none and is as foster creates them. */
function isAsBelow(own: WritableLayer, below: LayerStack, name: string): boolean {
  const info = own.lstat(name);
  const lower = below.lstat(name);
  if (info === undefined) return false;
  if (lower !== undefined)
    return lower.mode === info.mode && lower.uid === info.uid && lower.gid === info.gid;
  return (info.isSymbolicLink() || (info.mode & 0o7777) === 0o755) && info.uid === 0 && info.gid === 0;
}

function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
