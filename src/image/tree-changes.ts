import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { getExtendedAttribute } from '../sys/libc.js';
import { pathOf } from './member.js';

/** Added, changed, or deleted. Paths are absolute in the container, one character for each byte. */
export interface Change {
  kind: 'A' | 'C' | 'D';
  path: string;
}

const OPAQUE = 'user.overlay.opaque';

/**
 * What the upper directory of an overlay has made of the tree below: each directory before what is in it. Directories of
 * the tree below are entered only along with those of the upper one, and no link is followed.
 * @param foreign names, relative to the top, that are left out
 */
export function* treeChanges(upper: string, below: string, foreign: ReadonlySet<string>): Generator<Change> {
  yield* changesIn('', upper, below, foreign);
}

function* changesIn(
  directory: string,
  upper: string,
  below: string | undefined,
  foreign: ReadonlySet<string>,
): Generator<Change> {
  const isOpaque = directory !== '' && isOpaqueDirectory(`${upper}/${directory}`);
  const names = namesIn(`${upper}/${directory}`);
  for (const base of names) {
    const name = `${directory}${base}`;
    const info = lstat(`${upper}/${name}`);
    if (info === undefined) continue;
    const lower = below === undefined ? undefined : lstat(`${below}/${name}`);
    if (isWhiteout(info)) {
      if (lower !== undefined) yield { kind: 'D', path: `/${name}` };
      continue;
    }
    if (!foreign.has(name)) yield { kind: lower === undefined ? 'A' : 'C', path: `/${name}` };
    if (info.isDirectory()) {
      yield* changesIn(`${name}/`, upper, lower?.isDirectory() ? below : undefined, foreign);
    }
  }
  if (!isOpaque || below === undefined) return;
  const present = new Set(names);
  for (const base of namesIn(`${below}/${directory}`)) {
    if (!present.has(base)) yield { kind: 'D', path: `/${directory}${base}` };
  }
}

/**
 * Names of the upper directory that are not the container's: empty files and directories that were only made for
 * something to be mounted on, and the directories above them that were made, or copied up, for nothing else.
 * @param mountPoints absolute paths in the container
 */
export function foreignNames(upper: string, below: string, mountPoints: string[]): ReadonlySet<string> {
  const foreign = new Set<string>();
  const points = [...new Set(mountPoints.map((path) => path.split('/').filter(Boolean)))];
  for (const parts of points.sort((a, b) => b.length - a.length)) {
    if (!isBelowDirectories(upper, parts)) continue;
    for (let depth = parts.length; depth > 0; depth--) {
      const name = bytes(parts.slice(0, depth).join('/'));
      if (!isBare(upper, name, foreign, depth === parts.length)) break;
      const isPoint = depth === parts.length;
      if (!isPoint && !isAsBelow(upper, below, parts.slice(0, depth))) break;
      if (
        isPoint &&
        isBelowDirectories(below, parts) &&
        lstat(`${below}/${name}`) !== undefined &&
        !isAsBelow(upper, below, parts)
      )
        break;
      foreign.add(name);
    }
  }
  return foreign;
}

/** Nothing that the container has made is followed. */
function isBelowDirectories(top: string, parts: string[]): boolean {
  return parts.slice(0, -1).every((_part, index) => {
    return lstat(`${top}/${bytes(parts.slice(0, index + 1).join('/'))}`)?.isDirectory() ?? false;
  });
}

/** An empty file, or a directory with nothing in it that is the container's. */
function isBare(upper: string, name: string, foreign: ReadonlySet<string>, mayBeFile: boolean): boolean {
  const info = lstat(`${upper}/${name}`);
  if (info?.isFile()) return mayBeFile && info.size === 0;
  if (!info?.isDirectory() || isOpaqueDirectory(`${upper}/${name}`)) return false;
  return namesIn(`${upper}/${name}`).every((base) => foreign.has(`${name}/${base}`));
}

/** It differs in nothing from the one that it hides, or hides none and is as foster makes them. */
function isAsBelow(upper: string, below: string, parts: string[]): boolean {
  const name = bytes(parts.join('/'));
  const own = lstat(`${upper}/${name}`);
  const lower = isBelowDirectories(below, parts) ? lstat(`${below}/${name}`) : undefined;
  if (own === undefined) return false;
  if (lower !== undefined) return lower.mode === own.mode && lower.uid === own.uid && lower.gid === own.gid;
  return (own.mode & 0o7777) === 0o755 && own.uid === 0 && own.gid === 0;
}

function isWhiteout(info: Stats): boolean {
  return info.isCharacterDevice() && info.rdev === 0;
}

function isOpaqueDirectory(path: string): boolean {
  return getExtendedAttribute(pathOf(path.replace(/\/$/, '')), OPAQUE)?.toString() === 'y';
}

function lstat(path: string): Stats | undefined {
  return lstatSync(pathOf(path), { throwIfNoEntry: false });
}

/** Sorted, one character for each byte. */
function namesIn(path: string): string[] {
  return readdirSync(pathOf(path), { encoding: 'buffer' })
    .map((name) => name.toString('latin1'))
    .sort();
}

function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
