import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IdMaps } from '../../spec/id-maps.js';
import { errnoNumber, errnoOf, errnoWords } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { mentionsImage } from '../store/index-search.js';
import { lockStore } from '../store/lock.js';
import { cachedTree, makeTree, mapsKey, removeLeftovers, rootsFolder, withLock } from './cache.js';
import { fileKey, findTreeOfFile } from './file-index.js';
import { findRecipe, RECIPE_NAMES, type Recipe, type TreeRecipe } from './recipe.js';
import type { RootOptions, RootTree } from './root-tree.js';

export { removeLeftovers } from './cache.js';

/**
 * Turns the ROOT of `foster run ROOT` into a directory tree: a directory is used as it is; a tar file is unpacked and a
 * recipe's root filesystem is built, each only once. The name of an image in the store takes precedence over a recipe,
 * and both over a directory of the same name: `./busybox` is the directory. `-` is a tar archive on standard input,
 * which is read to its end. Anything else that does not look like a path is the name of an image to pull; so is the
 * name of a recipe with an option that only makes sense for an image.
 * @throws FosterError
 */
export async function prepareRoot(root: string, options: RootOptions): Promise<RootTree> {
  await removeLeftovers();
  await lockStore(); // until a container's record says what it uses
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

/** Whether the name of a recipe means an image, because a recipe cannot be pulled and has only one platform. */
async function isImageMeant(name: string, { pull, platform }: RootOptions): Promise<boolean> {
  if (pull === 'always' || pull === 'newer' || platform !== undefined) return true;
  if (!mentionsImage(name)) return false; // decided without loading the image store's modules
  const { isStored } = await import('./image-root.js');
  return isStored(name);
}

/** Whether it cannot be the name of an image, or is more likely to mean a file. */
function looksLikePath(root: string): boolean {
  return /^\.{0,2}\/|^\.{1,2}$|\.tar(\.\w+)?$|\.tgz$/.test(root);
}

/** @throws FosterError where the path does not survive decoding as UTF-8 */
function pathOfDirectory(root: string): string {
  const path = resolve(root);
  if (path.includes(LOST_BYTE) && !existsSync(path)) throw notUtf8(path);
  return path;
}

/** Node decodes a byte that is not UTF-8 to this character. */
const LOST_BYTE = '\ufffd';

function notUtf8(path: string): FosterError {
  return new FosterError(`cannot use ${path} as the root filesystem: its name is not UTF-8`, {
    advice: 'use a symbolic link to it: ln -s DIRECTORY /tmp/root',
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
  // A tree is owned by the caller: it can be used as it is if the caller is root in the container.
  const isShared = recipe.produces === 'tree' && isCallerRoot(maps);
  const name = `recipe-${recipe.name}-${recipe.fingerprint()}${isShared ? '' : `-${mapsKey(maps)}`}`;
  const cached = cachedTree(name);
  if (cached !== undefined) return { path: cached, source: 'recipe' };
  return await withLock(recipe.name, async () => {
    const path =
      cachedTree(name) ??
      (await makeTree(maps, async (workspace) => {
        if (recipe.produces === 'tree' && isShared) {
          await recipe.build(workspace.tree);
        } else {
          const { unpackRegularFile } = await import('./tar-file.js');
          const archive =
            recipe.produces === 'tree'
              ? await packTree(recipe, workspace.folder)
              : await recipe.build(workspace.folder, workspace.onInterrupt);
          await unpackRegularFile(workspace, archive, options);
          rmSync(archive);
        }
        return name;
      }));
    return { path, source: 'recipe' };
  });
}

function isCallerRoot(maps: IdMaps): boolean {
  const [only, ...others] = maps.uid;
  if (others.length === 0 && only?.size === 1) return true; // no other id could own the files
  return (
    maps.uid.length === 0 ||
    maps.uid.some(({ containerID, hostID }) => containerID === 0 && hostID === process.getuid?.())
  );
}

/** Packs a tree into an archive, so that its files can be owned by the container's root. */
async function packTree(recipe: TreeRecipe, scratch: string): Promise<string> {
  const source = join(scratch, 'source');
  const archive = join(scratch, 'tree.tar');
  mkdirSync(source);
  await recipe.build(source);
  const { create } = await import('tar');
  const giveToRoot = (_path: string, stat: object) => Object.assign(stat, { uid: 0, gid: 0 }) !== undefined;
  // not tar's option `portable`, which removes the write bits of /tmp
  await create({ file: archive, cwd: source, filter: giveToRoot }, readdirSync(source));
  rmSync(source, { recursive: true, force: true });
  return archive;
}

async function prepareTar(path: string, options: RootOptions): Promise<RootTree> {
  const key = path === '-' ? undefined : fileKey(path, options.maps);
  const known = key === undefined ? undefined : findTreeOfFile(key);
  const name = known !== undefined && cachedTree(known) !== undefined ? known : await unpack(path, options);
  const digest = /^sha256-([0-9a-f]{64})-/.exec(name)?.[1] ?? '';
  return { path: join(rootsFolder(), name, 'rootfs'), source: 'tar', digest: `sha256:${digest}` };
}

async function unpack(path: string, options: RootOptions): Promise<string> {
  const { unpackFile, unpackStandardInput } = await import('./tar-file.js');
  return path === '-' ? await unpackStandardInput(options) : await unpackFile(path, options);
}
