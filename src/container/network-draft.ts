import type { HolderState } from '../network/holder.js';
import type { Lease } from '../network/leases.js';
import type { NetworkFacts, PlanFacts } from '../plan/facts.js';
import type { HostEntry } from '../spec/request.js';
import type { ContainerRecord } from './record.js';

/** How a container is attached to its networks for this start. */
export interface Attachment {
  /** Undefined of one that shares another container's network. */
  facts?: NetworkFacts;
  /** The program that connects this container alone to the outside. */
  pasta?: NonNullable<PlanFacts['pasta']>;
  /** The namespaces that the container joins in place of some of its own. */
  shares?: NonNullable<PlanFacts['share']>;
  /** PID 1 of the container that has them, and that container's id. */
  joined?: { pid: number; id: string };
  /** Descriptor of the user namespace that owns the network namespace which the container joins, in place of `joined`. */
  namespace?: number;
  /** PID of the network holder; 0 in a dry run. */
  holder?: number;
  /** What the holder was when the container was attached. It may have ended by now. */
  holderState?: HolderState;
  /** The lock by which the holder lives, for the container's monitor. */
  lock: number | undefined;
  /** Lines for /etc/hosts. */
  hosts: HostEntry[];
  /** Name servers, if they are not the host's own. */
  dns: string[];
  leases: Lease[];
  /** Files with its names in networks, to be removed when it has ended. */
  names: string[];
}

/** What is attached: a container, which may not have its name yet, or a step of a build. */
export type NetworkDraft = Pick<
  ContainerRecord,
  | 'id'
  | 'networks'
  | 'joins'
  | 'sharesNetwork'
  | 'shares'
  | 'isBelowNetworks'
  | 'joinsNetwork'
  | 'pasta'
  | 'published'
  | 'network'
> & {
  name?: string;
  /** Of a container. */
  spec?: ContainerRecord['spec'];
  /** It is only known by its host name, because its id is nobody's business: a step of a build. */
  isAnonymous?: boolean;
};

/** The PID of the process whose namespaces PID 1 enters first; undefined if there is none, or only a descriptor. */
export function entered(attachment: Attachment | undefined): number | undefined {
  return attachment?.joined?.pid ?? attachment?.holder;
}

/** A draft with the name that it is going to have, if that is known already. */
export function named(
  draft: Omit<ContainerRecord, 'name'>,
  { name }: { name: string | undefined },
): NetworkDraft {
  return { ...draft, ...(name !== undefined && { name }) };
}
