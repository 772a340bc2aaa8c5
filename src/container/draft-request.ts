import type { RunRequest } from '../spec/request.js';
import type { Draft } from './draft.js';

/** Drafts the container for a request, from the bundle if it names one: draft.ts, bundle.ts. @throws FosterError */
export async function draftRequest(request: RunRequest): Promise<Draft> {
  if (request.bundle === undefined) return await (await import('./draft.js')).draftContainer(request);
  return await (await import('./bundle.js')).draftBundle(request, request.bundle);
}
