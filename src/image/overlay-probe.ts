import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { FosterError } from '../errors.js';
import { makeWhiteout } from '../sys/libc.js';
import { mountOverlay } from '../sys/mount.js';

/**
 * Does with an overlay what containers do: mounts one, changes, deletes and replaces what is below. Some kernels and file
 * systems refuse it at once, others mount it and fail, or forget, later.
 * @param folder with the empty directories `one`, `two`, `upper`, `work` and `root`
 * @throws Error of node:fs, SystemCallError
 */
export function probeOverlay(folder: string): void {
  for (const name of ['file', 'gone']) writeFileSync(`${folder}/two/${name}`, name);
  mkdirSync(`${folder}/two/directory`);
  writeFileSync(`${folder}/two/directory/below`, '');
  makeWhiteout(`${folder}/one/hidden`);
  const root = `${folder}/root`;
  mountOverlay(root, {
    lower: [`${folder}/one`, `${folder}/two`],
    upper: { folder: `${folder}/upper`, work: `${folder}/work` },
  });
  writeFileSync(`${root}/file`, 'changed');
  unlinkSync(`${root}/gone`);
  unlinkSync(`${root}/directory/below`);
  rmdirSync(`${root}/directory`);
  mkdirSync(`${root}/directory`);
  closeSync(openSync(`${root}/directory/new`, 'wx'));
  const names = [...readdirSync(root), ...readdirSync(`${root}/directory`)].sort();
  const isRight =
    names.join() === 'directory,file,new' && lstatSync(`${folder}/upper/gone`).isCharacterDevice();
  if (!isRight) throw new FosterError(`an overlay shows ${names} where it should show a new directory`);
}
