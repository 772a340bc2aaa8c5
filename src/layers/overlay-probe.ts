import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { undoHostSteps } from '../launch/host-steps.js';
import { mountStorage } from '../launch/storage-program.js';
import { FosterError } from '../sys/errors.js';
import { makeWhiteout } from '../sys/libc.js';
import { mountOverlay } from '../sys/mount.js';

/**
 * Does with an overlay what containers do: mounts it, and changes, deletes and replaces files of its layers. Some
 * kernels and file systems refuse to mount it; others mount it, but fail or lose changes later.
 * @param folder with the empty directories `one`, `two`, `upper`, `work` and `root`
 * @throws Error of node:fs, SystemCallError
 */
export function probeOverlay(folder: string): void {
  makeLayers(folder);
  makeWhiteout(`${folder}/one/hidden`);
  mountOverlay(`${folder}/root`, {
    lower: [`${folder}/one`, `${folder}/two`],
    upper: { folder: `${folder}/upper`, work: `${folder}/work` },
  });
  change(`${folder}/root`);
  if (!lstatSync(`${folder}/upper/gone`).isCharacterDevice())
    throw new FosterError('an overlay does not remember a deleted file');
}

/**
 * As `probeOverlay`, for fuse-overlayfs.
 * @param folder the same folder, by a path that fuse-overlayfs can open
 * @throws FosterError, and the errors of `probeOverlay`
 */
export function probeFuseOverlayfs(folder: string, program: string): void {
  for (const name of ['one', 'two', 'upper', 'work']) {
    rmSync(`${folder}/${name}`, { recursive: true, force: true }); // an earlier probe may have failed at any point
    mkdirSync(`${folder}/${name}`);
  }
  makeLayers(folder);
  const layers = [`${folder}/one`, `${folder}/two`];
  const running = mountStorage({ program, container: folder, layers });
  try {
    change(`${folder}/root`);
  } finally {
    undoHostSteps(running, { isGraceful: false });
  }
}

function makeLayers(folder: string): void {
  for (const name of ['file', 'gone']) writeFileSync(`${folder}/two/${name}`, name);
  mkdirSync(`${folder}/two/directory`);
  writeFileSync(`${folder}/two/directory/below`, '');
}

function change(root: string): void {
  writeFileSync(`${root}/file`, 'changed');
  unlinkSync(`${root}/gone`);
  unlinkSync(`${root}/directory/below`);
  rmdirSync(`${root}/directory`);
  mkdirSync(`${root}/directory`);
  closeSync(openSync(`${root}/directory/new`, 'wx'));
  const names = [...readdirSync(root), ...readdirSync(`${root}/directory`)].sort();
  if (names.join() !== 'directory,file,new')
    throw new FosterError(`an overlay shows ${names} instead of a new directory`);
}
