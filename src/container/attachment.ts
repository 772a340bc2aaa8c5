import { rmSync } from 'node:fs';
import { closeAll } from '../launch/streams.js';
import { isSeeing, unseenAsync } from '../sys/sightings.js';
import { noteNetworks } from './events/network-events.js';
import type { Attachment, NetworkDraft } from './network-draft.js';
import { type ContainerRecord, sharesOf } from './record.js';

/**
 * What the start of a container does about networks, and about namespaces of other containers. The code for them is loaded only if
 * the container has any.
 */

export { entered, named } from './network-draft.js';
export type { Attachment, NetworkDraft };

const isAttached = (draft: NetworkDraft) =>
  (draft.networks ?? []).length > 0 ||
  draft.isBelowNetworks === true ||
  (sharesOf(draft) ?? draft.joinsNetwork ?? draft.pasta) !== undefined;

/** Attaches a container to its networks; undefined if it has none. @throws FosterError */
export async function attachToNetworks(draft: NetworkDraft): Promise<Attachment | undefined> {
  if (!isAttached(draft)) return undefined;
  const { attach, seeNetworks } = await import('./network.js');
  // what runs, and who has which address, differs from run to run
  const attachment = await unseenAsync(() => attach(draft));
  if (isSeeing()) await seeNetworks(draft);
  return attachment;
}

/**
 * Attaches a container to its networks, and has it started there. Afterwards only its monitor keeps them in existence: a program that
 * runs many containers would keep the network holder running, and a descriptor open, for each that it has failed to start.
 * @param start is to call `onStart` when the monitor runs; if it throws before that, addresses and names are given back
 * @throws FosterError
 */
export async function startAttached<T>(
  draft: NetworkDraft,
  start: (attachment: Attachment | undefined, onStart: () => void) => Promise<T>,
): Promise<T> {
  const attachment = await attachToNetworks(draft);
  let isStarted = false;
  try {
    return await start(attachment, () => {
      isStarted = true;
    });
  } catch (error) {
    if (!isStarted) for (const path of attachment?.names ?? []) rmSync(path, { force: true });
    throw error;
  } finally {
    closeAll([attachment?.lock, attachment?.namespace]);
  }
}

/** Like `attachToNetworks`, for a plan that is only shown: no address is taken, and nothing is started. */
export async function imagineAttachment(draft: NetworkDraft): Promise<Attachment | undefined> {
  return isAttached(draft) ? await (await import('./network.js')).imagine(draft) : undefined;
}

/** Makes a container known in its networks, and by its names there. To be called when it has its name. */
export async function announce(record: ContainerRecord, attachment: Attachment | undefined): Promise<void> {
  if (attachment === undefined || attachment.leases.length === 0) noteNetworks(record.id, []);
  else await (await import('./network.js')).publish(record, attachment.leases);
}
