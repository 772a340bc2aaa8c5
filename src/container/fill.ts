import { Interrupted, throwIfSignaled } from '../launch/interrupt.js';
import { fillFolder } from '../layers/tree-program.js';
import { layeredDriver } from '../spec/storage-driver.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { stagedData } from '../volume/remove.js';
import type { Draft } from './draft.js';
import { layersOf } from './record.js';
import { mapsOf } from './remove.js';

/**
 * Returns a function that copies the image's files into new volumes and, if there is no overlay, its layers into the
 * container's folder. It throws a FosterError, also when a signal arrives.
 * @param volumes the directory in the container for each folder
 */
export function filler(draft: Draft, volumes: Readonly<Record<string, string>>): (folder: string) => void {
  const driver = layeredDriver(draft.driver);
  return (folder) => {
    try {
      const isShifted = draft.isRootShifted ?? false;
      const shiftedVolumes = (draft.volumes ?? [])
        .filter(({ isIdmapped }) => isIdmapped)
        .map(({ name }) => stagedData(name))
        .filter((path) => path in volumes);
      const what = { driver, layers: layersOf(draft), isShifted, folder, volumes, shiftedVolumes };
      const { count, example } = fillFolder(what, mapsOf(draft), throwIfSignaled);
      if (count > 0) {
        surroundings().warn(
          `files that you cannot read are not in the container: ${count} ${count === 1 ? 'file' : 'files'}, such as ${example}; ` +
            "'sudo tar -C DIRECTORY -c . | foster run -' gives it all",
        );
      }
    } catch (error) {
      if (!(error instanceof FosterError) || error instanceof Interrupted) throw error;
      throw new FosterError(
        `cannot copy ${driver === 'copy' ? 'the root filesystem' : 'the files of volumes'} for the container: ${error.message}`,
        {
          ...(error.advice !== undefined && { advice: error.advice }),
          cause: error,
        },
      );
    }
  };
}
