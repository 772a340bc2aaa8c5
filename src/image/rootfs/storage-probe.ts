import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { findFuseOverlayfs, hasFuseOverlayfs } from '../../launch/storage-program.js';
import { startTreeProgram } from '../../layers/tree-program.js';
import type { IdMaps } from '../../spec/id-maps.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { withTemporaryFolder } from './cache.js';
import type { StorageChoice } from './storage-choice.js';

/** Errors that do not show what the file system supports. */
const TRANSIENT_ERRORS = ['ENOSPC', 'EDQUOT', 'EROFS', 'ENOMEM', 'EMFILE', 'ENFILE', 'EIO'];

/**
 * Tries what every container needs: an overlay of folders in the data folder, mounted in a user namespace. If the
 * kernel refuses that and fuse-overlayfs is installed, tries fuse-overlayfs.
 * @param remember called if the result will be the same next time, with a temporary folder beside the data
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
    // No user namespace, or no space on the disk: the next step reports it.
    return (
      choice ?? { driver: 'overlay', reason: `it could not be tested: ${reasonOf(error)}`, isUntested: true }
    );
  }
}

async function probeIn(folder: string, maps: IdMaps): Promise<StorageChoice> {
  const nothing = openSync('/dev/null', 'r+');
  try {
    for (const name of ['one', 'two', 'upper', 'work', 'root']) mkdirSync(join(folder, name));
    const refusal = await tryOverlay(folder, maps, nothing);
    if (refusal === undefined)
      return { driver: 'overlay', reason: 'the kernel can mount it in a user namespace' };
    const reason = `the kernel refuses an overlay: ${refusal}`;
    if (!hasFuseOverlayfs()) return { driver: 'copy', reason };
    const failure = await tryOverlay(folder, maps, nothing, findFuseOverlayfs());
    if (failure === undefined) return { driver: 'fuse-overlayfs', reason };
    return { driver: 'copy', reason: `${reason}, and fuse-overlayfs does not work: ${failure}` };
  } finally {
    closeSync(nothing);
  }
}

/** @returns why it does not work; undefined if it does */
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
    if (code !== undefined && TRANSIENT_ERRORS.includes(code)) throw error;
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof FosterError ? error.message : String(error);
}
