import { FosterError } from '../errors.js';
import { copyLayers } from '../image/tree.js';
import { heldEndSignal } from '../sys/clone.js';
import { layersOf } from './container-plan.js';
import type { Draft, Voice } from './draft.js';
import { Interrupted } from './launch.js';
import { mapsOf } from './remove.js';

/** What puts a copy of its layers into a new container's folder. It throws a FosterError, at a signal too. */
export function filler(draft: Draft, voice: Voice): (folder: string) => void {
  return (folder) => {
    try {
      const skipped = copyLayers({ layers: layersOf(draft), folder }, mapsOf(draft), throwAtSignal);
      if (skipped > 0) voice.warn(`files that you may not read are not in the container: ${skipped}`);
    } catch (error) {
      if (!(error instanceof FosterError) || error instanceof Interrupted) throw error;
      throw new FosterError(`cannot copy the root file system for the container: ${error.message}`, {
        ...(error.advice !== undefined && { advice: error.advice }),
        cause: error,
      });
    }
  };
}

function throwAtSignal(): void {
  const signal = heldEndSignal();
  if (signal !== undefined) throw new Interrupted(signal);
}
