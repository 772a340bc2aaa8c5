import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { startTreeProgram } from '../image/tree.js';
import { dataFolder, makeFolder } from '../paths.js';
import type { IdMaps } from '../sys/id-maps.js';

/** Tries what every container needs: an overlay, mounted in a user namespace, of folders where the data is. */
export async function probeStorage(maps: IdMaps): Promise<string> {
  let folder: string | undefined;
  let nothing: number | undefined;
  try {
    makeFolder(dataFolder());
    folder = mkdtempSync(join(dataFolder(), 'probe-'));
    for (const name of ['one', 'two', 'root']) mkdirSync(join(folder, name));
    nothing = openSync('/dev/null', 'r+');
    const layers = [join(folder, 'one'), join(folder, 'two')];
    await startTreeProgram({ action: 'export', layers, folder, mountPoints: [] }, maps, nothing).done;
    return 'overlay (native, in a user namespace)';
  } catch (error) {
    const why = error instanceof FosterError ? error.sentence : String(error);
    return `none: an overlay cannot be mounted (${why})`;
  } finally {
    if (nothing !== undefined) closeSync(nothing);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
