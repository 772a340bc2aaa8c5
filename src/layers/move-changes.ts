import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { pathOf } from '../tar/member.js';
import { ChangedFiles } from './changed-files.js';
import { copyAttributes, copyTimes } from './file-attributes.js';
import { writeWhiteout } from './overlay-whiteouts.js';
import type { LayerStack } from './stack.js';

/**
 * Moves the changed files of a copy of layers to an empty directory, which becomes a layer. The rest of the copy is
 * useless afterwards. Both are absolute paths on the same file system.
 * @param since as for ChangedFiles
 */
export function moveChanges(tree: string, layers: LayerStack, upper: string, since: number): void {
  const changed = new ChangedFiles(tree, layers, since);
  const [from, to] = [tree, upper].map((path) => Buffer.from(path).toString('latin1')) as [string, string];
  const move = (directory: string) => {
    for (const base of changed.names(directory)) {
      const name = `${directory}${base}`;
      if (changed.isDeleted(name)) {
        writeWhiteout(`${to}/${directory}`, base);
        continue;
      }
      const info = changed.lstat(name);
      if (info?.isDirectory()) {
        mkdirSync(pathOf(`${to}/${name}`), 0o700);
        copyAttributes(`${from}/${name}`, info, `${to}/${name}`);
        move(`${name}/`);
        copyTimes(info, `${to}/${name}`);
      } else if (info !== undefined) renameSync(pathOf(`${from}/${name}`), pathOf(`${to}/${name}`));
    }
  };
  const info = lstatSync(pathOf(from));
  copyAttributes(from, info, to);
  move('');
  copyTimes(info, to);
}
