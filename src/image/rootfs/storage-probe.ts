import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { findFuseOverlayfs, hasFuseOverlayfs } from '../../launch/storage-program.js';
import { startTreeProgram } from '../../layers/tree.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { withTemporaryFolder } from './cache.js';
import type { StorageChoice } from './storage-choice.js';

/** Errors that say nothing of what the file system can do when all is well. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EROFS', 'ENOMEM', 'EMFILE', 'ENFILE', 'EIO'];

/**
 * Tries what every container needs: an overlay, mounted in a user namespace, of folders where the data is; where the
 * kernel refuses that, and fuse-overlayfs is there, one of that.
 * @param remember called where the result will be the same next time, with a folder beside the data to write in
 */
export async function probeStorage(
  maps: IdMaps,
  remember: (choice: StorageChoice, folder: string) => void,
): Promise<StorageChoice> {
  let choice: StorageChoice | undefined;
  try {
    return await withTemporaryFolder(maps, async (folder) => {
      choice = await probeIn(folder, maps);
      remember(choice, folder);
      return choice;
    });
  } catch (error) {
    // No user namespace, or no room on the disk: whatever is done next says so.
    return choice ?? { driver: 'overlay', reason: `it could not be tried: ${words(error)}` };
  }
}

async function probeIn(folder: string, maps: IdMaps): Promise<StorageChoice> {
  const nothing = openSync('/dev/null', 'r+');
  try {
    for (const name of ['one', 'two', 'upper', 'work', 'root']) mkdirSync(join(folder, name));
    const refusal = await tryOverlay(folder, maps, nothing);
    if (refusal === undefined)
      return { driver: 'overlay', reason: 'the kernel mounts it in a user namespace' };
    const reason = `an overlay is refused: ${refusal}`;
    if (!hasFuseOverlayfs()) return { driver: 'copy', reason };
    const failure = await tryOverlay(folder, maps, nothing, findFuseOverlayfs());
    if (failure === undefined) return { driver: 'fuse-overlayfs', reason };
    return { driver: 'copy', reason: `${reason}, and fuse-overlayfs does not work: ${failure}` };
  } finally {
    closeSync(nothing);
  }
}

/** @returns why it does not work; undefined where it does */
async function tryOverlay(
  folder: string,
  maps: IdMaps,
  nothing: number,
  program?: string,
): Promise<string | undefined> {
  const driver = program === undefined ? 'overlay' : 'fuse-overlayfs';
  const order = {
    action: 'probe',
    driver,
    layers: [],
    folder,
    mountPoints: [],
    ...(program && { program }),
  } as const;
  try {
    await startTreeProgram(order, maps, nothing).done;
    return undefined;
  } catch (error) {
    const code = errnoOf(error);
    if (code !== undefined && PASSING.includes(code)) throw error;
    return words(error);
  }
}

function words(error: unknown): string {
  return error instanceof FosterError ? error.message : String(error);
}
