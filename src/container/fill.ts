import { Interrupted, throwIfSignaled } from '../launch/interrupt.js';
import { fillFolder } from '../layers/tree-program.js';
import type { CopiedDirectory } from '../layers/tree-protocol.js';
import { layeredDriver } from '../spec/storage-driver.js';
import { FosterError } from '../sys/errors.js';
import { surroundings } from '../sys/surroundings.js';
import { stagedData } from '../volume/remove.js';
import type { Draft } from './draft.js';
import { layersOf } from './record.js';
import { mapsOf } from './remove.js';

/**
 * What has become of the empty volumes of a new container, by their names: the directory of the image that was copied; null if there is
 * none, and they only got the container's root as their owner; `kept` if they stayed as they were.
 */
export type FilledVolumes = ReadonlyMap<string, CopiedDirectory | null | 'kept'>;

/**
 * Returns a function that copies the image's files into new volumes and, if there is no overlay, its layers into the
 * container's folder. It throws a FosterError, also when a signal arrives.
 * @param volumes the directory in the container for each folder
 */
export function filler(
  draft: Draft,
  volumes: Readonly<Record<string, string>>,
): (folder: string) => Map<string, CopiedDirectory | null> {
  const driver = layeredDriver(draft.driver);
  return (folder) => {
    try {
      const isShifted = draft.isRootShifted ?? false;
      const shiftedVolumes = (draft.volumes ?? [])
        .filter(({ isIdmapped }) => isIdmapped)
        .map(({ name }) => stagedData(name))
        .filter((path) => path in volumes);
      const what = { driver, layers: layersOf(draft), isShifted, folder, volumes, shiftedVolumes };
      const { count, example, volumes: copied = [] } = fillFolder(what, mapsOf(draft), throwIfSignaled);
      if (count > 0) {
        surroundings().warn(
          `files that you cannot read are not in the container: ${count} ${count === 1 ? 'file' : 'files'}, such as ${example}; ` +
            "'sudo tar -C DIRECTORY -c . | foster run -' gives it all",
        );
      }
      const folders = Object.keys(volumes);
      return new Map(
        (draft.volumes ?? [])
          .map(({ name }) => [name, folders.indexOf(stagedData(name))] as const)
          .filter(([, index]) => index >= 0)
          .map(([name, index]) => [name, copied[index] ?? null]),
      );
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
