import { usersOfNetwork } from '../../container/network-users.js';
import type { NetworkDefinition } from '../../network/definition.js';
import type { NetworkInfo } from '../types.js';

/** A network as the library shows it. */
export function networkInfo(network: NetworkDefinition): NetworkInfo {
  const { id, name, created, subnets, isInternal, hasDns, dns, labels } = network;
  return {
    id,
    name,
    created: new Date(created),
    subnets,
    internal: isInternal,
    dns: hasDns,
    nameServers: dns,
    labels,
    containers: usersOfNetwork(name)
      .map((record) => record.name)
      .sort(),
  };
}
