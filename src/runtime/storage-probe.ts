import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { withTemporaryFolder } from '../image/cache.js';
import { startTreeProgram } from '../image/tree.js';
import { errnoOf } from '../sys/errno.js';
import type { IdMaps } from '../sys/id-maps.js';
import type { StorageChoice } from './storage.js';

/** Errors that say nothing of what the file system can do when all is well. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EROFS', 'ENOMEM', 'EMFILE', 'ENFILE', 'EIO'];

/**
 * Tries what every container needs: an overlay, mounted in a user namespace, of folders where the data is.
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
    const program = startTreeProgram(
      { action: 'probe', driver: 'overlay', layers: [], folder, mountPoints: [] },
      maps,
      nothing,
    );
    try {
      await program.done;
      return { driver: 'overlay', reason: 'the kernel mounts it in a user namespace' };
    } catch (error) {
      const code = errnoOf(error);
      if (code !== undefined && PASSING.includes(code)) throw error;
      return { driver: 'copy', reason: `an overlay is refused: ${words(error)}` };
    }
  } finally {
    closeSync(nothing);
  }
}

function words(error: unknown): string {
  return error instanceof FosterError ? error.message : String(error);
}
