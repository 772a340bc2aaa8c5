import { chmodSync, constants, copyFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { TreeRecipe } from '../src/image/rootfs/recipe.js';
import { FosterError } from '../src/sys/errors.js';
import { interpreterOf } from './elf.js';
import { makeDirectory, writeSkeleton } from './skeleton.js';

/** Increase this with each change of the result of `build`. */
const VERSION = 2;

/** Debian's and Alpine's paths; the first is always static. */
const CANDIDATES = ['/bin/busybox.static', '/usr/bin/busybox', '/bin/busybox'];

const ADVICE = 'apt-get install busybox-static, or use "host", made from the programs of this machine';

/** One static program with all commands: the smallest root filesystem. */
export const recipe: TreeRecipe = {
  name: 'busybox',
  description: "the machine's static busybox",
  produces: 'tree',

  fingerprint() {
    const { size, mtimeMs } = findBusybox();
    return `${VERSION}-${size}-${Math.floor(mtimeMs)}`;
  },

  async build(tree) {
    const { execFileSync } = await import('node:child_process'); // milliseconds to load
    const { path } = findBusybox();
    if (interpreterOf(path) !== undefined) {
      throw new FosterError(`cannot build the busybox root filesystem: ${path} needs shared libraries`, {
        advice: ADVICE,
      });
    }
    writeSkeleton(tree, 'busybox');
    const binary = join(tree, 'bin/busybox');
    makeDirectory(dirname(binary));
    copyFileSync(path, binary, constants.COPYFILE_FICLONE);
    chmodSync(binary, 0o755);
    for (const applet of execFileSync(path, ['--list-full'], { encoding: 'utf8' }).split('\n')) {
      if (applet === '' || applet === 'bin/busybox') continue;
      const link = join(tree, applet);
      makeDirectory(dirname(link));
      symlinkSync(relative(dirname(link), binary), link);
    }
  },
};

function findBusybox(): { path: string; size: number; mtimeMs: number } {
  for (const path of CANDIDATES) {
    const info = statSync(path, { throwIfNoEntry: false });
    if (info?.isFile()) return { path, size: info.size, mtimeMs: info.mtimeMs };
  }
  throw new FosterError('cannot build the busybox root filesystem: busybox is not installed', {
    advice: ADVICE,
  });
}
