import { existsSync } from 'node:fs';
import { addAddress, deleteAddress } from '../plan/netlink.js';
import { addressBytes, familyOf, parseAddress } from '../spec/addresses.js';
import { faultPoint } from '../sys/fault.js';
import { findProgram } from '../sys/programs.js';
import type { NetworkDefinition } from './definition.js';
import { serveNames, stopNameServerAt } from './dns.js';
import { type Holder, type Resolvers, recordNetworks, runInHolder, UNKNOWN_RULES } from './holder.js';
import { type Lease, liveLeases } from './leases.js';
import { hasNames } from './names.js';
import { hostNameServers } from './outside.js';
import { runSteps } from './service.js';
import { readNetwork } from './store.js';

/**
 * Names for containers in several networks. Each network has a name server, and a resolver takes the first answer that it gets,
 * also "no such name". So a container that is in several networks is led to a server that knows the names of all of them,
 * whichever it asks: by rules, so that its resolv.conf stays as it is when it is connected to one more.
 */

const LOOPBACK = 1;

/** Of which no container has a route; to-router drops what is sent to them directly. */
function addressesAt(place: number): string[] {
  const hasIpv6 = existsSync('/proc/net/if_inet6');
  return [`169.254.250.${place}`, ...(hasIpv6 ? [`fd66:6f73:7465:72::${place}`] : [])];
}

const MOST_PLACES = 250;

/** A container whose name servers do not know what it should find: one in several networks, or in others than at its start. */
interface Client {
  leases: Lease[];
  networks: NetworkDefinition[];
}

/**
 * Brings the name servers for containers in several networks, and the rules that lead to them, up to date with the leases. To
 * be called with the lock of the networks, whenever leases have changed.
 */
export function answerFromAllNetworks(holder: Holder, isAlive: (id: string) => boolean): void {
  const { places = {}, rules = '' }: Partial<Resolvers> = holder.state.resolvers ?? {};
  const clients = clientsOf(liveLeases(isAlive));
  const nft = findProgram('nft');
  if (nft === undefined || (clients.length === 0 && rules === '' && Object.keys(places).length === 0)) return;
  const wanted = new Map(clients.map((client) => [keyOf(client), client]));
  const next: Resolvers = { places: {}, rules: '' };
  for (const [key, place] of Object.entries(places)) if (wanted.has(key)) next.places[key] = place;
  const lines: string[] = [];
  for (const client of clients) lines.push(...rulesFor(client, targetOf(holder, client, next)));
  next.rules = lines.join('\n');
  if (next.rules !== rules) {
    // where this is killed, the next change makes them anew
    holder.state.resolvers = { places: { ...places, ...next.places }, rules: UNKNOWN_RULES };
    recordNetworks(holder);
    runInHolder(holder.pidfd, nft, ['nft', '-f', '-'], `flush chain inet foster names\n${next.rules}\n`);
    faultPoint('rules for several networks');
  }
  for (const [key, place] of Object.entries(places)) if (!wanted.has(key)) stop(holder, place);
  holder.state.resolvers = next;
  recordNetworks(holder);
}

/** Forgets those that know a network, which are about to be ended. @returns whether there were any */
export function forgetResolvers({ state }: Holder, { name }: Pick<NetworkDefinition, 'name'>): boolean {
  const { resolvers } = state;
  const known = Object.keys(resolvers?.places ?? {}).filter((key) =>
    key.split(' ').some((word) => word.startsWith(`${name}:`)),
  );
  for (const key of known) delete resolvers?.places[key];
  return known.length > 0;
}

function clientsOf(leases: readonly Lease[]): Client[] {
  const byContainer = new Map<string, Lease[]>();
  for (const lease of leases)
    byContainer.set(lease.container, [...(byContainer.get(lease.container) ?? []), lease]);
  return [...byContainer.values()].flatMap((own) => {
    const networks = own.flatMap(({ network }) => readNetwork(network) ?? []);
    const gateways = gatewaysOf(networks);
    const isServed = own.length < 2 && serversOf(own).every((server) => gateways.includes(server));
    return networks.some(hasNames) && !isServed ? [{ leases: own, networks }] : [];
  });
}

const gatewaysOf = (networks: readonly NetworkDefinition[]) =>
  networks.flatMap(({ subnets }) => subnets.map(({ gateway }) => gateway));

const serversOf = (leases: readonly Lease[]) => leases.flatMap(({ servers = [] }) => servers);

const isInternal = ({ networks }: Client) => networks.every((network) => network.isInternal);

/** What the server of a container has to answer. */
function keyOf(client: Client): string {
  const named = client.networks.filter(hasNames).map(({ name, id }) => `${name}:${id}`);
  return [...named.sort(), isInternal(client) ? 'internal' : 'outside'].join(' ');
}

/** The addresses of the server for a container, which is started if need be. */
function targetOf({ pidfd, state }: Holder, client: Client, { places }: Resolvers): string[] {
  const named = client.networks.filter(hasNames);
  const [first] = named;
  if (named.length === 1 && first !== undefined && first.isInternal === isInternal(client))
    return first.subnets.map(({ gateway }) => gateway);
  const key = keyOf(client);
  const known = places[key];
  if (known !== undefined) return addressesAt(known);
  const taken = new Set([...Object.values(places), ...Object.values(state.resolvers?.places ?? {})]);
  let place = 1;
  while (taken.has(place)) place++;
  if (place > MOST_PLACES) return [];
  places[key] = place;
  const addresses = addressesAt(place);
  stopNameServerAt(state.pid, addresses[0] ?? ''); // what a command that was killed here has left
  setAddresses(pidfd, addresses, 'add');
  const dns = client.networks.find((network) => !network.isInternal && network.dns.length > 0)?.dns ?? [];
  const missing = serveNames(
    pidfd,
    { networks: named, addresses, dns, isInternal: isInternal(client) },
    `the networks ${named.map(({ name }) => name).join(', ')}`,
  );
  return missing === undefined ? addresses : [];
}

function stop({ pidfd, state }: Holder, place: number): void {
  const addresses = addressesAt(place);
  stopNameServerAt(state.pid, addresses[0] ?? '');
  setAddresses(pidfd, addresses, 'delete');
}

function setAddresses(pidfd: number, addresses: readonly string[], how: 'add' | 'delete'): void {
  const messages = addresses.flatMap((address) => {
    const family = familyOf(address) ?? 4;
    const bytes = addressBytes(parseAddress(address) ?? 0n, family);
    const prefix = family === 4 ? 32 : 128;
    const old = deleteAddress(LOOPBACK, bytes, prefix);
    return how === 'add' ? [old, addAddress(LOOPBACK, bytes, prefix)] : [old];
  });
  runSteps(pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: Buffer.concat(messages),
      call: `ip address ${how} ${addresses.join(', ')} dev lo`,
      why: 'prepare a name server for several networks',
    },
  ]);
}

/** All that its resolv.conf can name leads to the same server. */
function rulesFor({ leases, networks }: Client, target: readonly string[]): string[] {
  const asked = [...gatewaysOf(networks), ...hostNameServers(), ...serversOf(leases)];
  return leases.flatMap(({ addresses }) =>
    addresses.flatMap((address) => {
      const family = familyOf(address);
      const servers = [...new Set(asked.filter((server) => familyOf(server) === family))];
      const to = target.find((one) => familyOf(one) === family);
      if (to === undefined || servers.length === 0) return [];
      const ip = family === 4 ? 'ip' : 'ip6';
      return [
        `add rule inet foster names iifname "v*" ${ip} saddr ${address} ${ip} daddr { ${servers.join(', ')} } ` +
          `meta l4proto { tcp, udp } th dport 53 dnat ${ip} to ${to}`,
      ];
    }),
  );
}
