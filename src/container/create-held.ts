import type { RunRequest } from '../spec/request.js';
import { createContainer, type HeldContainer } from './create.js';
import type { Draft } from './draft.js';
import { volumesOf } from './record.js';

/**
 * The draft, made real under the name that the request wants. Signals are to be held before: one that comes while files
 * are copied undoes it.
 * @throws FosterError; nothing is left then
 */
export async function createHeld(request: RunRequest, draft: Draft): Promise<HeldContainer> {
  const fill = isFilled(draft) ? (await import('./fill.js')).filler(draft) : undefined;
  return createContainer(draft, {
    ...(fill && { fill }),
    name: request.name,
    isCallerMapped: draft.isCallerMapped,
    cidfile: request.cidfile,
    restart: request.restart,
  });
}

/** With --replace: removes the container that has the name. @throws FosterError */
export async function makeRoom({ name, replace }: RunRequest): Promise<void> {
  if (!replace || name === undefined) return;
  const { idOfName } = await import('./store.js');
  const id = idOfName(name);
  if (id !== undefined) await (await import('./remove.js')).removeContainer(id, { force: true });
}

/** Whether files are copied into the container's folder when it is made. */
export function isFilled(draft: Draft): boolean {
  return draft.driver === 'copy' || volumesOf(draft).length > 0;
}
