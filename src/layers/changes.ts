import type { OwnLayer } from './own-layer.js';
import type { LayerStack } from './stack.js';

/** Added, changed, or deleted. Paths are absolute in the container, one character for each byte. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  path: string;
}

/**
 * What a container has made of the layers below: each directory before what is in it. Directories of the layers are
 * entered only along with its own, and no link is followed.
 * @param foreign names, relative to the top, that are left out
 */
export function* treeChanges(
  own: OwnLayer,
  below: LayerStack,
  foreign: ReadonlySet<string>,
): Generator<Change> {
  yield* changesIn('', own, below, foreign);
}

function* changesIn(
  directory: string,
  own: OwnLayer,
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
 * Names of a container's own that are not its work: empty files and directories that were only made for something to be
 * mounted on, and the directories above them that were made, or copied up, for nothing else.
 * @param mountPoints absolute paths in the container
 */
export function foreignNames(
  own: OwnLayer,
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

/** Nothing that the container has made is followed. */
function isBelowDirectories(own: OwnLayer, parts: string[]): boolean {
  return parts
    .slice(0, -1)
    .every((_part, index) => own.lstat(bytes(parts.slice(0, index + 1).join('/')))?.isDirectory() ?? false);
}

/** An empty file, or a directory with nothing in it that is the container's. */
function isBare(own: OwnLayer, name: string, foreign: ReadonlySet<string>, mayBeFile: boolean): boolean {
  const info = own.lstat(name);
  if (info?.isFile()) return mayBeFile && info.size === 0;
  if (!info?.isDirectory() || own.isOpaque(`${name}/`)) return false;
  return own.names(`${name}/`).every((base) => foreign.has(`${name}/${base}`));
}

/** It differs in nothing from the one that it hides, or hides none and is as foster makes them. */
function isAsBelow(own: OwnLayer, below: LayerStack, name: string): boolean {
  const info = own.lstat(name);
  const lower = below.lstat(name);
  if (info === undefined) return false;
  if (lower !== undefined)
    return lower.mode === info.mode && lower.uid === info.uid && lower.gid === info.gid;
  return (info.mode & 0o7777) === 0o755 && info.uid === 0 && info.gid === 0;
}

function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
