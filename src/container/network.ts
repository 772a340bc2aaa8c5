import { closeSync } from 'node:fs';
import { closeAll } from '../launch/streams.js';
import { DEFAULT_NETWORK, mtuOf, type NetworkDefinition, rangeOf } from '../network/definition.js';
import { chooseLeases, type Lease, type LeaseRequest, leaseFile, outwardAmong } from '../network/leases.js';
import { findNetwork } from '../network/store.js';
import type { InterfaceFacts } from '../plan/facts.js';
import { LINK_ROUTER } from '../plan/network.js';
import type { WantedNetwork } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { containerFolder } from '../sys/paths.js';
import { surroundings } from '../sys/surroundings.js';
import { noteNetworks } from './events/network-events.js';
import type { Attachment, NetworkDraft } from './network-draft.js';
import { type ContainerRecord, sharesOf } from './record.js';
import { targetOf } from './shared-namespaces.js';
import { isAliveNow, readContainer } from './store.js';
import { isUnderWay } from './under-way.js';

/**
 * Attaches a container to its networks: takes addresses and makes sure that the network holder runs.
 * @throws FosterError
 */
export async function attach(draft: NetworkDraft): Promise<Attachment> {
  const { networks = [], published = [] } = draft;
  const shared = await shareNamespaces(draft);
  if (shared !== undefined && networks.length === 0) return shared;
  if (draft.joinsNetwork !== undefined) return await joinNetwork(draft, draft.joinsNetwork);
  if (published.length > 0) await (await import('../network/ports.js')).checkPorts(published);
  if (draft.pasta !== undefined) return (await import('./pasta.js')).connectByPasta(draft, draft.pasta);
  const { withNetworkLock } = await import('../network/lock.js');
  const { networkHolder } = await import('../network/router.js');
  const { connectNetwork } = await import('../network/connect.js');
  return await withNetworkLock(async () => {
    const requests = leaseRequests(networks);
    const { takeLeases } = await import('../network/leases.js');
    const { keepDefault } = await import('../network/store.js');
    for (const { network } of requests) if (network.name === DEFAULT_NETWORK) keepDefault(network);
    const holder = networkHolder();
    try {
      const { outsideFailure } = await import('../network/outside.js');
      const { outside } = holder.state;
      const why = outside === true ? outsideFailure() : outside;
      if (why !== undefined) warnOnce(why);
      for (const { network } of requests) {
        const missing = connectNetwork(holder, network, runs);
        if (missing !== undefined)
          surroundings().warn(`containers do not find each other by name in ${network.name}: ${missing}`);
      }
      const leases = takeLeases(draft.id, requests, runs, await serversFor(requests));
      (await import('../network/resolvers.js')).answerFromAllNetworks(holder, runs);
      closeAll([shared?.lock]);
      return {
        ...shared,
        ...(await attachmentOf(draft, requests, leases)),
        holder: holder.state.pid,
        holderState: holder.state,
        lock: holder.lock,
      };
    } catch (error) {
      closeSync(holder.lock);
      throw error;
    } finally {
      closeSync(holder.pidfd);
    }
  });
}

/** Looks at the files that the plan of a container in networks depends on: src/sys/sightings.ts. */
export async function seeNetworks({ networks = [], shares }: NetworkDraft): Promise<void> {
  const ofPod = shares && readContainer(shares.of)?.record.networks;
  await serversFor(leaseRequests([...networks, ...(ofPod ?? [])]));
}

/** As `attach`, for a plan that is only shown: nothing is taken or started. */
export async function imagine(draft: NetworkDraft): Promise<Attachment> {
  const { networks = [] } = draft;
  const shared = await shareNamespaces(draft);
  if (shared !== undefined && networks.length === 0) return shared;
  if (draft.joinsNetwork !== undefined) return await joinNetwork(draft, draft.joinsNetwork);
  if (draft.pasta !== undefined) return (await import('./pasta.js')).connectByPasta(draft, draft.pasta);
  const requests = leaseRequests(networks);
  const { taken } = chooseLeases(draft.id, requests, runs);
  closeAll([shared?.lock]);
  return { ...shared, ...(await attachmentOf(draft, requests, taken)), holder: 0, lock: undefined };
}

/**
 * Joins the namespaces of the container with which a container shares some.
 * @returns undefined if it shares none
 * @throws FosterError if the other one does not run
 */
async function shareNamespaces(draft: NetworkDraft): Promise<Attachment | undefined> {
  const shares = sharesOf(draft);
  if (shares === undefined) return undefined;
  const { record, state } = targetOf(draft, shares.of);
  const own = new Set(record.spec.linux.namespaces.map(({ type }) => type));
  // in the order of their names in error messages: the user namespace comes first
  const types = (['user', ...shares.types] as const).filter((type) => own.has(type));
  const of = record.isInfra ? `its pod` : `container ${record.name}`;
  return {
    shares: { types, of, ...(record.isInfra && { isPod: true }) },
    joined: { pid: state.pid, id: record.id },
    leases: [],
    names: [],
    ...(await networkOf(draft, record, shares.types.includes('network'))),
  };
}

/** The files that belong to the other's network, and the lock by which that lives. */
async function networkOf(
  { name, shares }: NetworkDraft,
  record: ContainerRecord,
  isShared: boolean,
): Promise<Pick<Attachment, 'hosts' | 'dns' | 'lock'>> {
  const { networks = [], isBelowNetworks } = record;
  const { holdNetwork } = await import('../network/holder.js');
  const lock = networks.length > 0 || isBelowNetworks ? holdNetwork() : undefined;
  if (!isShared) return { lock, hosts: [], dns: [] };
  const { readLeases } = await import('../network/leases.js');
  const leases = readLeases(record.id);
  const { hosts, dns } = await filesOf(record, leaseRequests(networks), leases);
  // in a pod, each is found by its name, and they are all at the same address
  const own = shares === undefined || name === undefined ? [] : [{ name, address: '127.0.0.1' }];
  return { lock, hosts: [...hosts, ...own], dns };
}

/** A network namespace that somebody else has made. @throws FosterError where it cannot be joined any more */
async function joinNetwork({ network: { hostname }, spec }: NetworkDraft, path: string): Promise<Attachment> {
  const { checkSameUsers, openOwner } = await import('./network-namespace.js');
  if (spec !== undefined) checkSameUsers(path, spec.linux);
  const namespace = openOwner(path);
  return {
    // in the user namespace that the container is in anyway, there is nothing to enter
    ...(namespace !== undefined && {
      namespace,
      shares: { types: ['user'], of: `the network namespace ${path}` },
    }),
    lock: undefined,
    hosts: [{ name: hostname, address: '127.0.1.1' }],
    dns: [],
    leases: [],
    names: [],
  };
}

/** Makes a container known by its names in networks. */
export async function publish(record: ContainerRecord, leases: readonly Lease[]): Promise<void> {
  const { hasNames, publishNames } = await import('../network/names.js');
  noteNetworks(
    record.id,
    leases.map(({ network }) => findNetwork(network)),
  );
  for (const { network: name, addresses } of leases) {
    const network = findNetwork(name);
    if (!hasNames(network)) continue;
    publishNames(network, record.id, addresses, namesIn(network, record));
  }
}

/** The names of a container in a network. */
export function namesIn(network: NetworkDefinition, record: ContainerRecord): string[] {
  const wanted = record.networks?.find((one) => findNetwork(one.name).name === network.name);
  return [record.name, record.id.slice(0, 12), record.network.hostname, ...(wanted?.aliases ?? [])];
}

function leaseRequests(networks: readonly WantedNetwork[]): LeaseRequest[] {
  return networks.map(leaseRequest);
}

/** @throws FosterError where there is no such network */
export function leaseRequest({ name, ip, ip6, mac, gwPriority, interfaceName }: WantedNetwork): LeaseRequest {
  return {
    network: findNetwork(name),
    ...(ip !== undefined && { ip }),
    ...(ip6 !== undefined && { ip6 }),
    ...(mac !== undefined && { mac }),
    ...(gwPriority !== undefined && { gwPriority }),
    ...(interfaceName !== undefined && { interfaceName }),
  };
}

/** Whether the container with that id runs, or is about to. */
export function runs(id: string): boolean {
  return isAliveNow(id) || isUnderWay(id);
}

/** @param options.isDefault whether it is the way to the outside */
export function interfaceFacts(
  network: NetworkDefinition,
  lease: Lease,
  { isDefault }: { isDefault: boolean },
): InterfaceFacts {
  return {
    network: network.name,
    name: lease.name,
    inside: lease.inside ?? lease.index,
    device: `v${lease.index}`,
    index: lease.index,
    mac: Buffer.from(lease.mac.replaceAll(':', ''), 'hex'),
    mtu: mtuOf(network),
    addresses: network.subnets.map((subnet, at) => {
      const { family, subnet: whole } = rangeOf(subnet);
      return {
        address: lease.addresses[at] ?? '',
        prefix: whole.prefix,
        router: family === 4 ? subnet.gateway : LINK_ROUTER,
        isDefault,
      };
    }),
  };
}

/**
 * The attachment of a container that runs, for its next start by its monitor.
 * @param options.keepsPorts whether its ports are served while it is in no network, too: it may be connected to one later
 */
export async function reattachment(
  record: ContainerRecord,
  leases: readonly Lease[],
  options: { keepsPorts?: boolean } = {},
): Promise<Omit<Attachment, 'holder'>> {
  const pairs = leaseRequests(record.networks ?? []).flatMap((request) => {
    const lease = leases.find(({ network }) => network === request.network.name);
    return lease === undefined ? [] : [{ request, lease }];
  });
  const attachment = await attachmentOf(
    record,
    pairs.map(({ request }) => request),
    pairs.map(({ lease }) => lease),
    options,
  );
  return { ...attachment, lock: undefined };
}

async function attachmentOf(
  draft: NetworkDraft,
  requests: readonly LeaseRequest[],
  leases: readonly Lease[],
  { keepsPorts = false }: { keepsPorts?: boolean } = {},
): Promise<Omit<Attachment, 'holder' | 'lock'>> {
  const { published = [] } = draft;
  const outward = outwardAmong(requests);
  const interfaces = leases.map((lease, index) => {
    const network = requests[index]?.network;
    if (network === undefined) throw new Error('a lease without a request');
    return interfaceFacts(network, lease, { isDefault: index === outward });
  });
  const target = interfaces[Math.max(0, outward)]?.addresses ?? [];
  const gateways = requests[Math.max(0, outward)]?.network.subnets ?? [];
  const service =
    published.length === 0 || (leases.length === 0 && !keepsPorts)
      ? undefined
      : (await import('../network/ports.js')).portService(
          published,
          target.map(({ address }, at) => ({ address, router: gateways[at]?.gateway ?? address })),
          containerFolder(draft.id),
        );
  const { hasNames, namesFile } = await import('../network/names.js');
  return {
    facts: { interfaces, ...(service && { service }) },
    leases: [...leases],
    names: draft.isAnonymous
      ? []
      : [
          ...requests.flatMap(({ network }) => (hasNames(network) ? [namesFile(network, draft.id)] : [])),
          ...leases.map(leaseFile),
        ],
    ...(await filesOf(draft, requests, leases)),
  };
}

/** What its /etc/hosts and /etc/resolv.conf say because of its networks. */
async function filesOf(
  { id, name: ownName, network: { hostname }, isAnonymous = false }: NetworkDraft,
  requests: readonly LeaseRequest[],
  leases: readonly Lease[],
): Promise<Pick<Attachment, 'hosts' | 'dns'>> {
  const { hostAddress } = await import('../network/outside.js');
  const host = hostAddress();
  const hostNames = ['host.containers.internal', 'host.docker.internal'];
  const others = isAnonymous ? [] : [id.slice(0, 12), ...(ownName === undefined ? [] : [ownName])];
  const own = [...new Set([hostname, ...others])].join(' ');
  const addresses = leases.slice(0, 1).flatMap((lease) => lease.addresses);
  return {
    hosts: [
      ...hostNames.map((name) => ({ name, address: host })),
      ...addresses.map((address) => ({ name: own, address })),
    ],
    dns: await serversFor(requests),
  };
}

/** The name servers of a container in these networks. */
async function serversFor(requests: readonly LeaseRequest[]): Promise<string[]> {
  const { hostNameServers } = await import('../network/outside.js');
  const { hasNames } = await import('../network/names.js');
  const servers = requests.flatMap(({ network }) =>
    hasNames(network) ? network.subnets.map(({ gateway }) => gateway) : [],
  );
  return servers.length > 0 ? servers : hostNameServers();
}

/** Says so where the aliases of a container have no effect in a network. */
export async function warnOfAliases({
  name,
  aliases = [],
}: Pick<WantedNetwork, 'name' | 'aliases'>): Promise<void> {
  const { hasNames } = await import('../network/names.js');
  if (aliases.length === 0 || hasNames(findNetwork(name))) return;
  surroundings().warn(
    `nobody finds the container as ${aliases.join(', ')}: containers of the network ${name} do not find each other by name` +
      (name === DEFAULT_NETWORK ? "; use a network of your own: 'foster network create'" : ''),
  );
}

let hasWarned = false;

function warnOnce(why: string): void {
  if (hasWarned) return;
  hasWarned = true;
  surroundings().warn(`containers reach each other, but not the outside: ${why}`);
}

/** @throws FosterError where a container of this kind cannot be attached to networks */
export function checkAttachable(
  { joins, spec }: Pick<ContainerRecord, 'joins' | 'spec'>,
  isAsked: boolean,
): boolean {
  const types = new Set(spec.linux.namespaces.map(({ type }) => type));
  const why =
    joins !== undefined
      ? 'it shares the user namespace of another container'
      : types.has('user')
        ? undefined
        : 'it has no user namespace of its own';
  if (why === undefined) return true;
  if (!isAsked) return false;
  throw new FosterError(`cannot attach the container to a network: ${why}`, {
    kind: 'unsupported',
    advice: 'use --network none or --network host',
  });
}
