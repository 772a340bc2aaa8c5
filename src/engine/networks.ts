import type { NetworkDefinition } from '../network/definition.js';
import { FosterError } from '../sys/errors.js';
import type { NetworkInfo } from './types.js';
import type { NetworkRow } from './views/network.js';

/**
 * Operations on networks. A reference is a name, an id or an unambiguous prefix of an id. Each function imports what it
 * needs when it is called.
 */

export interface NetworkRequest {
  /** By default `foster1` or the like. */
  name?: string | undefined;
  driver?: string | undefined;
  subnets?: readonly string[] | undefined;
  gateways?: readonly string[] | undefined;
  ranges?: readonly string[] | undefined;
  /** Addresses that no container gets: `NAME=ADDRESS`. */
  reserved?: readonly string[] | undefined;
  /** True by default; false needs `ipv6`. */
  ipv4?: boolean | undefined;
  ipv6?: boolean | undefined;
  internal?: boolean | undefined;
  /** Whether containers find each other by name; true by default. */
  hasDns?: boolean | undefined;
  dns?: readonly string[] | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  options?: Readonly<Record<string, string>> | undefined;
  /** It is not a failure if the network exists already. */
  ignore?: boolean | undefined;
}

/**
 * Creates a network.
 * @returns its name
 * @throws FosterError of the kind `conflict` if the name or the addresses are in use
 */
export async function create(request: NetworkRequest): Promise<string> {
  const { driver = 'bridge', ignore = false, name } = request;
  if (driver !== 'bridge')
    throw new FosterError(
      `the network driver ${driver} is not supported: all networks of foster are of the kind that Docker calls bridge`,
      { kind: 'unsupported', advice: 'leave out --driver' },
    );
  const { checkNetworkName, defineNetwork } = await import('../network/define.js');
  const { withNetworkLock } = await import('../network/lock.js');
  const { DEFAULT_NETWORK } = await import('../network/definition.js');
  const { keepDefault, listNetworks, writeNetwork } = await import('../network/store.js');
  const { recordNetworkEvent } = await import('../container/events/recorder.js');
  if (name !== undefined) checkNetworkName(name);
  return await withNetworkLock(() => {
    const networks = listNetworks();
    if (networks.some((one) => one.name === name)) {
      if (ignore) return name ?? '';
      throw new FosterError(`there is a network ${name} already`, {
        kind: 'conflict',
        advice: 'choose another name, or use it: --ignore makes this no failure',
      });
    }
    const network = defineNetwork(
      {
        name,
        subnets: request.subnets ?? [],
        gateways: request.gateways ?? [],
        ranges: request.ranges ?? [],
        reserved: request.reserved ?? [],
        ipv4: request.ipv4 ?? true,
        ipv6: request.ipv6 ?? false,
        internal: request.internal ?? false,
        hasDns: request.hasDns ?? true,
        dns: request.dns ?? [],
        labels: request.labels ?? {},
        options: request.options ?? {},
      },
      networks,
    );
    // Until it is stored, the default network's addresses are chosen anew at each use, and could later be this network's.
    for (const one of networks) if (one.name === DEFAULT_NETWORK) keepDefault(one);
    writeNetwork(network);
    recordNetworkEvent('create', network);
    return network.name;
  });
}

/** Name servers that a network is to ask for names that are not those of containers, and others that it is not to ask. */
export interface NetworkUpdate {
  addDns?: readonly string[] | undefined;
  dropDns?: readonly string[] | undefined;
}

/**
 * Changes the name servers that a network asks, also while containers are in it.
 * @returns its name
 * @throws FosterError of the kind `not-found`, `conflict` where the network has no names, or `invalid`
 */
export async function update(
  reference: string,
  { addDns = [], dropDns = [] }: NetworkUpdate,
): Promise<string> {
  const { checkNameServer } = await import('../network/define.js');
  const { withNetworkLock } = await import('../network/lock.js');
  const { findNetwork, writeNetwork } = await import('../network/store.js');
  const { hasNames } = await import('../network/names.js');
  const { renewNameServer } = await import('../network/connect.js');
  const { runs } = await import('../container/network.js');
  for (const address of addDns) checkNameServer('--dns-add', address);
  for (const address of dropDns) checkNameServer('--dns-drop', address);
  return await withNetworkLock(() => {
    const network = findNetwork(reference);
    if (!hasNames(network))
      throw new FosterError(`cannot change the name servers of the network ${network.name}: it has none`, {
        kind: 'conflict',
        advice: 'containers there ask those of the machine, or of foster run --dns',
        exitCode: 1,
      });
    const dns = [...new Set([...network.dns.filter((server) => !dropDns.includes(server)), ...addDns])];
    const changed = { ...network, dns };
    writeNetwork(changed);
    renewNameServer(changed, runs);
    return network.name;
  });
}

/** Networks as Docker lists them, sorted by name. @throws FosterError for a filter that does not exist */
export async function rows(filters: readonly string[] = []): Promise<NetworkRow[]> {
  const { networkMatcher, networkRow } = await import('./views/network.js');
  const { listNetworks } = await import('../network/store.js');
  return listNetworks().filter(networkMatcher(filters)).map(networkRow);
}

/** All networks, sorted by name. */
export async function list(): Promise<NetworkInfo[]> {
  const { listNetworks } = await import('../network/store.js');
  const { networkInfo } = await import('./views/network-info.js');
  return listNetworks().map(networkInfo);
}

/** A description of a network. @throws FosterError of the kind `not-found` */
export async function info(reference: string): Promise<NetworkInfo> {
  const { findNetwork } = await import('../network/store.js');
  const { networkInfo } = await import('./views/network-info.js');
  return networkInfo(findNetwork(reference));
}

/** A network as `docker network inspect` shows it. @throws FosterError of the kind `not-found` */
export async function inspect(reference: string): Promise<Record<string, unknown>> {
  const { findNetwork } = await import('../network/store.js');
  const { networkInspection } = await import('./views/network.js');
  return networkInspection(findNetwork(reference));
}

/** Whether there is such a network. */
export async function exists(reference: string): Promise<boolean> {
  const { findNetwork } = await import('../network/store.js');
  try {
    findNetwork(reference);
    return true;
  } catch (error) {
    if (error instanceof FosterError && error.kind === 'not-found') return false;
    throw error;
  }
}

/** The names of all networks. */
export async function names(): Promise<string[]> {
  const { listNetworks } = await import('../network/store.js');
  return listNetworks().map(({ name }) => name);
}

/**
 * Removes a network.
 * @param options.force also removes the containers that use it, running or not
 * @param options.timeout with `force`: seconds that they get to end by themselves; negative: no limit
 * @throws FosterError of the kind `conflict` if it is in use, `not-found` if there is no such network
 */
export async function remove(
  reference: string,
  { force = false, timeout }: { force?: boolean | undefined; timeout?: number | undefined } = {},
): Promise<void> {
  const { findNetwork } = await import('../network/store.js');
  const { DEFAULT_NETWORK } = await import('../network/definition.js');
  const { withNetworkLock } = await import('../network/lock.js');
  const network = findNetwork(reference);
  if (network.name === DEFAULT_NETWORK)
    throw new FosterError(`cannot remove the network ${network.name}: it is the default network`, {
      kind: 'conflict',
      exitCode: 1,
    });
  if (force) {
    const { usersOfNetwork } = await import('../container/network-users.js');
    const { removeContainer } = await import('../container/remove.js');
    const { stopContainer } = await import('../container/stop.js');
    const { readContainer } = await import('../container/store.js');
    for (const { id } of usersOfNetwork(network.name)) {
      const container = readContainer(id);
      if (container === undefined) continue;
      const { isInfra, pod } = container.record;
      if (isInfra && pod !== undefined && (await import('../pod/store.js')).podName(pod) !== undefined) {
        await (await import('../pod/remove.js')).removePod(pod, { force, timeout });
        continue;
      }
      if (timeout !== undefined) await stopContainer(container, { timeout, signal: undefined });
      await removeContainer(id, { force });
    }
  }
  await withNetworkLock(async () => removeUnused(findNetwork(network.id)));
}

/** The caller must hold the lock of the networks. @throws FosterError of the kind `conflict` if it is in use */
async function removeUnused(network: NetworkDefinition): Promise<void> {
  const { unrecordedLeases, usersOfNetwork } = await import('../container/network-users.js');
  const { recordNetworkEvent } = await import('../container/events/recorder.js');
  const { deleteNetwork } = await import('../network/store.js');
  const { forgetNetwork } = await import('../network/connect.js');
  const users = usersOfNetwork(network.name)
    .map(({ name }) => name)
    .sort();
  if (users.length > 0)
    throw new FosterError(
      `cannot remove the network ${network.name}: ${users.length === 1 ? 'the container' : 'the containers'} ${users.join(', ')} ${users.length === 1 ? 'is' : 'are'} attached to it`,
      {
        kind: 'conflict',
        advice: `remove or disconnect them, or remove them with it: foster network rm -f ${network.name}`,
        exitCode: 1,
      },
    );
  const busy = unrecordedLeases().find((lease) => lease.network === network.name);
  if (busy !== undefined)
    throw new FosterError(
      `cannot remove the network ${network.name}: process ${busy.starter.pid} uses it for a RUN of a build, or for a container that it is starting`,
      { kind: 'conflict', advice: 'try it again when that has ended', exitCode: 1 },
    );
  forgetNetwork(network);
  deleteNetwork(network.name);
  recordNetworkEvent('destroy', network);
}

/** The result of a prune. */
export interface PrunedNetworks {
  /** Names. */
  removed: string[];
}

/**
 * Removes networks that are not in use, by a container that runs or not or by a build, except the default network.
 * @param filters removes only networks that match: `KEY=VALUE` each, views/network.ts
 * @throws FosterError for a filter that does not exist
 */
export async function prune(filters: readonly string[] = []): Promise<PrunedNetworks> {
  const { networkMatcher, PRUNE_FILTERS } = await import('./views/network.js');
  const { DEFAULT_NETWORK } = await import('../network/definition.js');
  const { listNetworks } = await import('../network/store.js');
  const { withNetworkLock } = await import('../network/lock.js');
  const { usedNetworks } = await import('../container/network-users.js');
  const matches = networkMatcher(filters, PRUNE_FILTERS);
  return await withNetworkLock(async () => {
    const used = usedNetworks();
    const unused = listNetworks().filter(
      (network) => network.name !== DEFAULT_NETWORK && !used.has(network.name) && matches(network),
    );
    for (const network of unused) await removeUnused(network);
    return { removed: unused.map(({ name }) => name) };
  });
}

/** The addresses and names that a container gets in a network. */
export interface ConnectRequest {
  ip?: string | undefined;
  ip6?: string | undefined;
  mac?: string | undefined;
  aliases?: readonly string[] | undefined;
  /** The way to the outside is by the network with the highest. */
  gwPriority?: number | undefined;
  /** Of the interface in the container. */
  interfaceName?: string | undefined;
}

/** Attaches a container to a network. @throws FosterError of the kind `conflict` if it is attached already */
export async function connect(
  reference: string,
  container: string,
  { ip, ip6, mac, aliases = [], gwPriority, interfaceName }: ConnectRequest = {},
): Promise<void> {
  const { parseNetworks } = await import('../spec/parse/network.js');
  const { connectContainer } = await import('../container/network-attach.js');
  const { findContainer } = await import('../container/store.js');
  const { findNetwork } = await import('../network/store.js');
  const { withNetworkLock } = await import('../network/lock.js');
  const { DEFAULT_NETWORK } = await import('../network/definition.js');
  const { keepDefault } = await import('../network/store.js');
  const network = findNetwork(reference);
  const { networks } = parseNetworks(
    {
      network: [network.name],
      ...(ip !== undefined && { ip }),
      ...(ip6 !== undefined && { ip6 }),
      ...(mac !== undefined && { macAddress: mac }),
      networkAlias: [...aliases],
    },
    'bridge',
  );
  const [wanted = { name: network.name, aliases: [] }] = networks;
  if (network.name === DEFAULT_NETWORK) await withNetworkLock(() => keepDefault(network));
  await connectContainer(findContainer(container), network, {
    ...wanted,
    ...(gwPriority !== undefined && { gwPriority }),
    ...(interfaceName !== undefined && { interfaceName }),
  });
}

/**
 * Detaches a container from a network, even from one that no longer exists.
 * @throws FosterError of the kind `conflict` if it is not attached
 */
export async function disconnect(reference: string, container: string): Promise<void> {
  const { disconnectContainer } = await import('../container/network-attach.js');
  const { findContainer } = await import('../container/store.js');
  const { findNetwork } = await import('../network/store.js');
  const found = findContainer(container);
  const isKnown = found.record.networks?.some(({ name }) => name === reference) ?? false;
  const network =
    isKnown && !(await exists(reference)) ? { id: '', name: reference } : findNetwork(reference);
  await disconnectContainer(found, network);
}

/** A published port of a container. */
export interface PublishedPort {
  /** The container's id and name. */
  id: string;
  container: string;
  /** `80/tcp` */
  port: string;
  /** `0.0.0.0:8080` */
  host: string;
}

/** The published ports of containers, sorted. @param references undefined for all containers */
export async function ports(references: readonly string[] | undefined): Promise<PublishedPort[]> {
  const { findContainer, listContainers } = await import('../container/store.js');
  const { byAge } = await import('./selection.js');
  const { inPortOrder } = await import('../container/exposed-ports.js');
  const { hostAddress } = await import('./views/ports.js');
  const containers =
    references === undefined
      ? listContainers().toSorted(byAge)
      : references.map((reference) => findContainer(reference));
  return containers.flatMap(({ record: { id, name, published = [] } }) =>
    inPortOrder(published).map((port) => ({
      id,
      container: name,
      port: `${port.containerPort}/${port.protocol}`,
      host: hostAddress(port),
    })),
  );
}
