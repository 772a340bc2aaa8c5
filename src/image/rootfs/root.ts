import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { mentionsImage } from '../store/index-text.js';
import { lockStore } from '../store/lock.js';
import { cachedTree, makeTree, mapsKey, removeLeftovers, rootsFolder, withLock } from './cache.js';
import { fileKey, lookUp } from './file-index.js';
import { findRecipe, RECIPE_NAMES, type Recipe, type TreeRecipe } from './recipe.js';
import type { RootOptions, RootTree } from './root-tree.js';

export { removeLeftovers } from './cache.js';

/**
 * Turns the ROOT of `foster run ROOT` into a directory tree: a directory is used as it is, a tar file is unpacked, the
 * root filesystem of a recipe is built, both once. The name of an image in the store means that image, and a recipe's
 * name the recipe where there is no such image, even where a directory of that name exists: `./busybox` is the
 * directory. `-` is a tar on standard input, which is at its end afterwards. What is none of these and does not look
 * like a path is the name of an image to be pulled; so is the name of a recipe where something is asked for that only
 * an image has.
 * @throws FosterError
 */
export async function prepareRoot(root: string, options: RootOptions): Promise<RootTree> {
  await removeLeftovers();
  await lockStore(); // until there is a container which says what it uses
  if (root === '-') return await prepareTar(root, options);
  const recipe = await findRecipe(root);
  if (recipe !== undefined) {
    if (!(await isImageMeant(root, options))) return await buildRecipe(recipe, options);
    const { imageRoot } = await import('./image-root.js');
    return await imageRoot(root, options);
  }
  let isDirectory: boolean;
  try {
    isDirectory = statSync(root).isDirectory();
  } catch (error) {
    if (looksLikePath(root) || !['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) {
      throw noSuchRoot(root, error);
    }
    const { imageRoot } = await import('./image-root.js');
    return await imageRoot(root, options);
  }
  if (!looksLikePath(root)) {
    const { imageRoot, isStored } = await import('./image-root.js');
    if (isStored(root)) return await imageRoot(root, options);
  }
  if (isDirectory) return { path: pathOfDirectory(root), source: 'directory' };
  return await prepareTar(root, options);
}

/** Whether the name of a recipe means an image: of a recipe there is nothing to pull, and one platform. */
async function isImageMeant(name: string, { pull, platform }: RootOptions): Promise<boolean> {
  if (pull === 'always' || pull === 'newer' || platform !== undefined) return true;
  if (!mentionsImage(name)) return false; // without loading what reads the store
  const { isStored } = await import('./image-root.js');
  return isStored(name);
}

/** What can be no name of an image, or is more likely meant as a file. */
function looksLikePath(root: string): boolean {
  return /^\.{0,2}\/|^\.{1,2}$|\.tar(\.\w+)?$|\.tgz$/.test(root);
}

/** @throws FosterError where it is lost on the way from the command line, or from the kernel */
function pathOfDirectory(root: string): string {
  const path = resolve(root);
  if (path.includes(LOST_BYTE) && !existsSync(path)) throw notUtf8(path);
  return path;
}

/** What Node makes of a byte that is not UTF-8. */
const LOST_BYTE = '\ufffd';

function notUtf8(path: string): FosterError {
  return new FosterError(`cannot use ${path} as the root filesystem: its name is not UTF-8`, {
    advice: 'give a symbolic link to it: ln -s DIRECTORY /tmp/root',
  });
}

function noSuchRoot(root: string, error: unknown): FosterError {
  const code = errnoOf(error);
  if (root.includes(LOST_BYTE)) return notUtf8(root);
  const why = code === undefined ? String(error) : errnoWords(errnoNumber(code));
  return new FosterError(`cannot use ${root} as the root filesystem: ${why}`, {
    kind: 'not-found',
    advice: `give a directory, a tar file, the name of an image, or one of ${RECIPE_NAMES.join(', ')}`,
    cause: error,
  });
}

async function buildRecipe(recipe: Recipe, options: RootOptions): Promise<RootTree> {
  const { maps } = options;
  // A tree is owned by the caller: as it is it will do where he is root in the container.
  const isShared = recipe.produces === 'tree' && isCallerRoot(maps);
  const name = `recipe-${recipe.name}-${recipe.fingerprint()}${isShared ? '' : `-${mapsKey(maps)}`}`;
  const cached = cachedTree(name);
  if (cached !== undefined) return { path: cached, source: 'recipe' };
  return await withLock(recipe.name, async () => {
    const path =
      cachedTree(name) ??
      (await makeTree(maps, async (place) => {
        if (recipe.produces === 'tree' && isShared) {
          await recipe.build(place.tree);
        } else {
          const { unpackRegularFile } = await import('./tar-file.js');
          const archive =
            recipe.produces === 'tree'
              ? await packed(recipe, place.folder)
              : await recipe.build(place.folder, place.onInterrupt);
          await unpackRegularFile(place, archive, options);
          rmSync(archive);
        }
        return name;
      }));
    return { path, source: 'recipe' };
  });
}

function isCallerRoot(maps: IdMaps): boolean {
  const [only, ...others] = maps.uid;
  if (others.length === 0 && only?.size === 1) return true; // there is nobody else whom files could be given to
  return (
    maps.uid.length === 0 ||
    maps.uid.some(({ containerID, hostID }) => containerID === 0 && hostID === process.getuid?.())
  );
}

/** A tree as an archive, so that its files can be given to whoever is root in the container. */
async function packed(recipe: TreeRecipe, scratch: string): Promise<string> {
  const source = join(scratch, 'source');
  const archive = join(scratch, 'tree.tar');
  mkdirSync(source);
  await recipe.build(source);
  const { create } = await import('tar');
  const giveToRoot = (_path: string, stat: object) => Object.assign(stat, { uid: 0, gid: 0 }) !== undefined;
  // not tar's option `portable`, which takes the write bits of /tmp away
  await create({ file: archive, cwd: source, filter: giveToRoot }, readdirSync(source));
  rmSync(source, { recursive: true, force: true });
  return archive;
}

async function prepareTar(path: string, options: RootOptions): Promise<RootTree> {
  const key = path === '-' ? undefined : fileKey(path, options.maps);
  const known = key === undefined ? undefined : lookUp(key);
  const name = known !== undefined && cachedTree(known) !== undefined ? known : await unpack(path, options);
  const digest = /^sha256-([0-9a-f]{64})-/.exec(name)?.[1] ?? '';
  return { path: join(rootsFolder(), name, 'rootfs'), source: 'tar', digest: `sha256:${digest}` };
}

async function unpack(path: string, options: RootOptions): Promise<string> {
  const { unpackFile, unpackStandardInput } = await import('./tar-file.js');
  return path === '-' ? await unpackStandardInput(options) : await unpackFile(path, options);
}
