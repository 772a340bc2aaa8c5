import { closeSync, constants, fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { OpenTree } from '../../layers/open-tree.js';
import { inPieces, TreeTar, type TreeTarOptions } from '../../layers/tar.js';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openBeneath, openInRoot } from '../../sys/libc.js';
import { pathOf } from '../../tar/member.js';
import { type IgnoreRules, isPattern, Pattern } from './patterns.js';

const O_PATH = 0o10000000;

export interface FindOptions {
  /** Asked with names from the top on. */
  isLeftOut?: (name: string) => boolean;
  /** Asked with names relative to a source. */
  excludes?: IgnoreRules | undefined;
  /** COPY --parents. */
  keepsParents?: boolean;
}

/** What COPY or ADD takes from a tree: a file, or what is in a directory. */
export interface Source {
  /** Where it is from the tree's top on, as it was asked for; '' for the top. */
  name: string;
  /** The same with all links resolved, one character for each byte. */
  place: string;
  isDirectory: boolean;
  /** The directory below the destination that it goes to, where it is not the destination itself. */
  parents?: string;
}

/**
 * The files of a tree that a source of COPY means: a path in it, or a pattern. Links are followed as if the tree's top
 * were the root directory, so that none leads out of it.
 * @param root descriptor of the top
 * @throws FosterError where there is none
 */
export function findSources(
  root: number,
  wanted: string,
  { isLeftOut = () => false, excludes, keepsParents = false }: FindOptions = {},
): Source[] {
  const path = posix.resolve('/', wanted).slice(1);
  const names = isPattern(path) ? matchingNames(root, path.split('/'), keepsParents) : [path];
  const top = keepsParents ? pivotOf(wanted) : undefined;
  const found = names
    .filter((name) => name === '' || !isLeftOut(name))
    .flatMap((name) => sourceAt(root, name) ?? [])
    .map((source) => (top === undefined ? source : { ...source, parents: parentsOf(source, top) }));
  if (found.length > 0) {
    return found.filter(({ name, isDirectory }) => isDirectory || !excludes?.ignores(posix.basename(name)));
  }
  const what =
    names.length > 0 && !isPattern(path) && sourceAt(root, path) !== undefined
      ? 'is left out by the ignore file'
      : 'not found';
  throw new FosterError(`${wanted}: ${what}`);
}

/** How many components of a source's path are not kept: those before `/./`. */
function pivotOf(wanted: string): number {
  const at = wanted.lastIndexOf('/./');
  return at < 0 ? 0 : posix.resolve('/', wanted.slice(0, at)).split('/').filter(Boolean).length;
}

function parentsOf({ name, isDirectory }: Source, top: number): string {
  const parts = name.split('/').slice(top);
  return (isDirectory ? parts : parts.slice(0, -1)).join('/');
}

function sourceAt(root: number, name: string): Source | undefined {
  let fd: number;
  try {
    fd = openInRoot(root, name === '' ? '.' : name, O_PATH);
  } catch {
    return undefined;
  }
  try {
    const place = placeOf(root, fd);
    return place === undefined ? undefined : { name, place, isDirectory: fstatSync(fd).isDirectory() };
  } finally {
    closeSync(fd);
  }
}

/** Where a file is, from the tree's top on; undefined where it has just been moved out of it. */
function placeOf(root: number, fd: number): string | undefined {
  const [top = '', path = ''] = [root, fd].map((each) =>
    readlinkSync(`/proc/self/fd/${each}`, { encoding: 'latin1' }).replace(/^\/$/, ''),
  );
  if (path === top) return '';
  return path.startsWith(`${top}/`) ? path.slice(top.length + 1) : undefined;
}

/**
 * Opens what a source was found to be. Somebody may have changed the tree since: links are followed no more.
 * @param root descriptor of the tree's top
 * @throws FosterError
 */
export function openSource(root: number, { name, place }: Source, flags: number): number {
  return openPlace(root, place, name, flags);
}

function openPlace(root: number, place: string, name: string, flags: number): number {
  try {
    return openBeneath(root, pathOf(place || '.'), flags);
  } catch (error) {
    throw new FosterError(`cannot read ${name}: ${errnoWords(errnoNumber(errnoOfAny(error) ?? ''))}`, {
      exitCode: 1,
      cause: error,
    });
  }
}

function matchingNames(root: number, parts: string[], isDeep: boolean): string[] {
  const found = parts.reduce<string[]>(
    (parents, part) =>
      parents.flatMap((parent) =>
        isDeep && part === '**' ? directoriesBelow(root, parent) : entriesLike(root, parent, part),
      ),
    [''],
  );
  return [...new Set(found)];
}

/** `**`: the directory itself and all below it. */
function directoriesBelow(root: number, parent: string): string[] {
  const children = entriesLike(root, parent, '*').filter((name) => isPlainDirectory(root, name));
  return [parent, ...children.flatMap((name) => directoriesBelow(root, name))];
}

function isPlainDirectory(root: number, name: string): boolean {
  let fd: number;
  try {
    fd = openInRoot(root, name, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return false;
  }
  closeSync(fd);
  return true;
}

function entriesLike(root: number, parent: string, pattern: string): string[] {
  const below = (name: string) => (parent === '' ? name : `${parent}/${name}`);
  if (!isPattern(pattern)) return [below(pattern)];
  const like = new Pattern(pattern);
  let fd: number;
  try {
    fd = openInRoot(root, parent === '' ? '.' : parent, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return [];
  }
  try {
    return readdirSync(`/proc/self/fd/${fd}`)
      .filter((name) => like.matches(name))
      .sort()
      .map(below);
  } finally {
    closeSync(fd);
  }
}

/** Sources by the directory below the destination that they go to. */
export function byParents(sources: Source[]): Map<string, Source[]> {
  const groups = new Map<string, Source[]>();
  for (const source of sources) {
    const { parents = '' } = source;
    groups.set(parents, [...(groups.get(parents) ?? []), source]);
  }
  return groups;
}

/**
 * A source as an archive without its end: a directory is `./` and what is in it, a file has its own name.
 * @param root descriptor of the tree's top
 */
export function* sourceTar(
  root: number,
  source: Source,
  options: TreeTarOptions,
  excludes?: IgnoreRules,
): Generator<Buffer> {
  const { name, place, isDirectory } = source;
  const slash = place.lastIndexOf('/');
  const directory = isDirectory ? place : place.slice(0, Math.max(0, slash));
  const tree = new OpenTree(openPlace(root, directory, name, O_PATH | constants.O_DIRECTORY));
  try {
    if (isDirectory) {
      const tar = new TreeTar(tree, excluding(excludes, below(name, options)));
      yield* tar.top();
      yield* inPieces(tar.children(''));
      return;
    }
    const { leavesOut, passesOver, ...rest } = options; // whether it is left out itself was asked before
    const own = latin1(posix.basename(name)); // it may be a link to a file of another name
    yield* inPieces(new TreeTar(tree, { ...rest, renames: () => own }).one('', place.slice(slash + 1)));
  } finally {
    tree.close();
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The rules' names are relative to the source. */
function excluding(rules: IgnoreRules | undefined, options: TreeTarOptions): TreeTarOptions {
  if (rules === undefined) return options;
  const { leavesOut, passesOver } = options;
  const text = (name: string) => Buffer.from(name, 'latin1').toString();
  return {
    ...options,
    leavesOut: (name) => rules.ignores(text(name)) || (leavesOut?.(name) ?? false),
    passesOver: (name) => rules.ignoresAll(text(name)) || (passesOver?.(name) ?? false),
  };
}

/** The questions about names, asked with names from the context's top on. */
function below(parent: string, options: TreeTarOptions): TreeTarOptions {
  const { leavesOut, passesOver } = options;
  const prefix = parent === '' || parent === '.' ? '' : `${parent}/`;
  const whole = (name: string) => prefix + Buffer.from(name, 'latin1').toString();
  return {
    ...options,
    ...(leavesOut && { leavesOut: (name) => leavesOut(whole(name)) }),
    ...(passesOver && { passesOver: (name) => passesOver(whole(name)) }),
  };
}
