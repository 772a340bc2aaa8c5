import type { CopiedDirectory } from '../layers/tree-protocol.js';
import type { RunRequest } from '../spec/request.js';
import { unseenAsync } from '../sys/sightings.js';
import { createContainer, type HeldContainer } from './create.js';
import type { Draft } from './draft.js';
import type { FilledVolumes } from './fill.js';

/**
 * Creates the container of a draft, with the name in the request. The caller must hold signals before: one that arrives
 * while files are copied undoes the creation.
 * @throws FosterError; nothing is left then
 */
export async function createHeld(
  request: RunRequest,
  draft: Draft,
): Promise<HeldContainer & { filled: FilledVolumes }> {
  const { volumes: uses } = draft;
  // what is in them is nothing that a plan depends on
  const volumes =
    uses && (await unseenAsync(async () => (await import('./hold-volumes.js')).holdVolumes(draft)));
  try {
    const fills = volumes?.fills ?? {};
    const isFilled = draft.driver === 'copy' || Object.keys(fills).length > 0;
    const fill = isFilled ? (await import('./fill.js')).filler(draft, fills) : undefined;
    const filled = new Map<string, CopiedDirectory | null | 'kept'>(
      volumes?.kept.map((name) => [name, 'kept']),
    );
    const held = createContainer(draft, {
      fill(folder) {
        for (const [name, directory] of fill?.(folder) ?? []) filled.set(name, directory);
        volumes?.adopt();
      },
      name: request.name,
      isCallerMapped: draft.isCallerMapped,
      cidfile: request.cidfile,
      restart: request.restart,
    });
    return { ...held, filled };
  } catch (error) {
    volumes?.undo();
    throw error;
  } finally {
    volumes?.release();
  }
}

/** With --replace: removes the container that has the name. @throws FosterError */
export async function makeRoom({ name, replace }: RunRequest): Promise<void> {
  if (!replace || name === undefined) return;
  const { idOfName } = await import('./store.js');
  const id = idOfName(name);
  if (id !== undefined) await (await import('./remove.js')).removeContainer(id, { force: true });
}

/** Whether creating the container may copy files. */
export function mayBeFilled({ driver, volumes }: Draft): boolean {
  return driver === 'copy' || volumes !== undefined;
}
