import { heldLeases, type Lease, readLeases } from '../network/leases.js';
import { runs } from './network.js';
import type { ContainerRecord } from './record.js';
import { listContainers, readContainer } from './store.js';

/** The containers that are attached to a network, whether they run or not. */
export function usersOfNetwork(name: string): ContainerRecord[] {
  return listContainers()
    .map(({ record }) => record)
    .filter(({ networks = [] }) => networks.some((one) => one.name === name));
}

/**
 * The interfaces of containers that are on no record: each RUN of a build has one, and a container that is being created and started
 * has its addresses first.
 */
export function unrecordedLeases(): Lease[] {
  return heldLeases(runs).filter(({ container }) => readContainer(container) === undefined);
}

/** The names of the networks that are in use. */
export function usedNetworks(): ReadonlySet<string> {
  const attached = listContainers().flatMap(({ record: { networks = [] } }) => networks);
  return new Set([...attached.map(({ name }) => name), ...unrecordedLeases().map(({ network }) => network)]);
}

/** An interface of a container that runs. */
export interface Endpoint {
  /** The container's id. */
  container: string;
  network: string;
  /** One of each family of the network. */
  addresses: string[];
  mac: string;
}

/** The interfaces of containers that run, of one of them if its id is given. */
export function endpoints(id?: string): Endpoint[] {
  const leases = readLeases(id);
  const running = new Map<string, boolean>();
  for (const { container } of leases) if (!running.has(container)) running.set(container, runs(container));
  return leases.filter(({ container }) => running.get(container));
}
