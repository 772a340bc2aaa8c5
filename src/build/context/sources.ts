import { closeSync, constants, fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { OpenTree } from '../../layers/open-tree.js';
import { inPieces, TreeTar, type TreeTarOptions } from '../../layers/tree-tar.js';
import { errnoNumber, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { errnoOfAny } from '../../sys/ffi.js';
import { openBeneath, openInRoot } from '../../sys/libc.js';
import { pathOf } from '../../tar/member.js';
import { type IgnoreRules, isPattern, Pattern } from './patterns.js';

const O_PATH = 0o10000000;

export interface FindOptions {
  /** Called with names relative to the top. */
  isIgnored?: (name: string) => boolean;
  /** Applied to names relative to a source. */
  excludes?: IgnoreRules | undefined;
  /** COPY --parents. */
  keepsParents?: boolean;
}

/** A source of COPY or ADD: a file, or the content of a directory. */
export interface Source {
  /** Its path in the tree, as written; '' for the top. */
  name: string;
  /** Its path with all links resolved, one character for each byte. */
  path: string;
  isDirectory: boolean;
  /** The directory below the destination for it, if it is not the destination itself. */
  parents?: string;
}

/**
 * Finds the files of a tree that match a source of COPY: a path or a pattern. Links are followed as if the tree's top
 * were the root directory, so that none leads out of it.
 * @param root descriptor of the top
 * @throws FosterError if there are none
 */
export function findSources(
  root: number,
  wanted: string,
  { isIgnored = () => false, excludes, keepsParents = false }: FindOptions = {},
): Source[] {
  const path = posix.resolve('/', wanted).slice(1);
  const names = isPattern(path) ? matchingNames(root, path.split('/'), keepsParents) : [path];
  const top = keepsParents ? pivotOf(wanted) : undefined;
  const found = names
    .filter((name) => name === '' || !isIgnored(name))
    .flatMap((name) => sourceAt(root, name) ?? [])
    .map((source) => (top === undefined ? source : { ...source, parents: parentsOf(source, top) }));
  if (found.length > 0) {
    return found.filter(({ name, isDirectory }) => isDirectory || !excludes?.ignores(posix.basename(name)));
  }
  if (names.length > 0 && !isPattern(path) && sourceAt(root, path) !== undefined)
    throw new FosterError(`${wanted}: excluded by the ignore file`);
  throw new FosterError(`${wanted}: not found`, {
    advice: 'paths start at the build context, or with --from at the root of that stage or image',
  });
}

/** How many components of a source's path are dropped: those before `/./`. */
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
    const place = pathIn(root, fd);
    return place === undefined ? undefined : { name, path: place, isDirectory: fstatSync(fd).isDirectory() };
  } finally {
    closeSync(fd);
  }
}

/** The path of a file relative to the tree's top; undefined if it has just been moved out of the tree. */
function pathIn(root: number, fd: number): string | undefined {
  const [top = '', path = ''] = [root, fd].map((each) =>
    readlinkSync(`/proc/self/fd/${each}`, { encoding: 'latin1' }).replace(/^\/$/, ''),
  );
  if (path === top) return '';
  return path.startsWith(`${top}/`) ? path.slice(top.length + 1) : undefined;
}

/**
 * Opens a source that was found. The tree may have changed since, so links are not followed any more.
 * @param root descriptor of the tree's top
 * @throws FosterError
 */
export function openSource(root: number, { name, path }: Source, flags: number): number {
  return openPath(root, path, name, flags);
}

function openPath(root: number, place: string, name: string, flags: number): number {
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

/** `**`: the directory itself and all directories below. */
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

/** Groups sources by their directory below the destination. */
export function groupByParents(sources: Source[]): Map<string, Source[]> {
  const groups = new Map<string, Source[]>();
  for (const source of sources) {
    const { parents = '' } = source;
    groups.set(parents, [...(groups.get(parents) ?? []), source]);
  }
  return groups;
}

/**
 * A source as an archive without its end: a directory is `./` with its content, a file has its own name.
 * @param root descriptor of the tree's top
 */
export function* sourceTar(
  root: number,
  source: Source,
  options: TreeTarOptions,
  excludes?: IgnoreRules,
): Generator<Buffer> {
  const { name, path, isDirectory } = source;
  const slash = path.lastIndexOf('/');
  const directory = isDirectory ? path : path.slice(0, Math.max(0, slash));
  const tree = new OpenTree(openPath(root, directory, name, O_PATH | constants.O_DIRECTORY));
  try {
    if (isDirectory) {
      const tar = new TreeTar(tree, excluding(excludes, below(name, options)));
      yield* tar.top();
      yield* inPieces(tar.children(''));
      return;
    }
    const { skips, prunes, ...rest } = options; // the source itself has been checked before
    const own = latin1(posix.basename(name)); // it may be a link to a file with another name
    yield* inPieces(new TreeTar(tree, { ...rest, rename: () => own }).entry('', path.slice(slash + 1)));
  } finally {
    tree.close();
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Adds rules, whose names are relative to the source. */
function excluding(rules: IgnoreRules | undefined, options: TreeTarOptions): TreeTarOptions {
  if (rules === undefined) return options;
  const { skips, prunes } = options;
  const text = (name: string) => Buffer.from(name, 'latin1').toString();
  return {
    ...options,
    skips: (name) => rules.ignores(text(name)) || (skips?.(name) ?? false),
    prunes: (name) => rules.ignoresAll(text(name)) || (prunes?.(name) ?? false),
  };
}

/** Options whose functions get names relative to the context's top. */
function below(parent: string, options: TreeTarOptions): TreeTarOptions {
  const { skips, prunes } = options;
  const prefix = parent === '' || parent === '.' ? '' : `${parent}/`;
  const whole = (name: string) => prefix + Buffer.from(name, 'latin1').toString();
  return {
    ...options,
    ...(skips && { skips: (name) => skips(whole(name)) }),
    ...(prunes && { prunes: (name) => prunes(whole(name)) }),
  };
}
