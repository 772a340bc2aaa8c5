import { closeSync, constants, fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { FosterError } from '../errors.js';
import { inPieces, TreeTar, type TreeTarOptions } from '../image/layer-tar.js';
import { openInRoot } from '../sys/libc.js';
import { isPattern, patternRegExp } from './patterns.js';

const O_PATH = 0o10000000;

/** What COPY or ADD takes from a tree: a file, or what is in a directory. */
export interface Source {
  /** Where it is from the tree's top on, as it was asked for; '' for the top. */
  name: string;
  /** Absolute path, all links resolved. */
  path: string;
  isDirectory: boolean;
}

/**
 * The files of a tree that a source of COPY means: a path in it, or a pattern. Links are followed as if the tree's top
 * were the root directory, so that none leads out of it.
 * @param root descriptor of the top
 * @throws FosterError where there is none
 */
export function findSources(root: number, wanted: string, isLeftOut: (name: string) => boolean): Source[] {
  const path = posix.resolve('/', wanted).slice(1);
  const names = isPattern(path) ? matchingNames(root, path.split('/')) : [path];
  const found = names
    .filter((name) => name === '' || !isLeftOut(name))
    .flatMap((name) => openSource(root, name) ?? []);
  if (found.length > 0) return found;
  const what =
    names.length > 0 && !isPattern(path) && openSource(root, path) !== undefined
      ? 'is left out by the ignore file'
      : 'not found';
  throw new FosterError(`${wanted}: ${what}`);
}

function openSource(root: number, name: string): Source | undefined {
  let fd: number;
  try {
    fd = openInRoot(root, name === '' ? '.' : name, O_PATH);
  } catch {
    return undefined;
  }
  try {
    return { name, path: readlinkSync(`/proc/self/fd/${fd}`), isDirectory: fstatSync(fd).isDirectory() };
  } finally {
    closeSync(fd);
  }
}

function matchingNames(root: number, parts: string[]): string[] {
  return parts.reduce<string[]>(
    (parents, part) => parents.flatMap((parent) => entriesLike(root, parent, part)),
    [''],
  );
}

function entriesLike(root: number, parent: string, pattern: string): string[] {
  const below = (name: string) => (parent === '' ? name : `${parent}/${name}`);
  if (!isPattern(pattern)) return [below(pattern)];
  const regExp = patternRegExp(pattern);
  let fd: number;
  try {
    fd = openInRoot(root, parent === '' ? '.' : parent, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return [];
  }
  try {
    return readdirSync(`/proc/self/fd/${fd}`)
      .filter((name) => regExp.test(name))
      .sort()
      .map(below);
  } finally {
    closeSync(fd);
  }
}

/** A source as an archive without its end: a directory is `./` and what is in it, a file has its own name. */
export function* sourceTar(source: Source, options: TreeTarOptions): Generator<Buffer> {
  const { name, path, isDirectory } = source;
  if (isDirectory) {
    const tar = new TreeTar(path, below(name, options));
    yield* tar.top();
    yield* inPieces(tar.children(''));
    return;
  }
  const { leavesOut, passesOver, ...rest } = options; // whether it is left out itself was asked before
  const own = latin1(posix.basename(name)); // it may be a link to a file of another name
  const tar = new TreeTar(posix.dirname(path), { ...rest, renames: () => own });
  yield* inPieces(tar.one('', latin1(posix.basename(path))));
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
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
