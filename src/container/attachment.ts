import { rmSync } from 'node:fs';
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

/** Gives back its addresses and its names, if it has not been started. */
export function giveBack(attachment: Attachment | undefined): void {
  for (const path of attachment?.names ?? []) rmSync(path, { force: true });
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
