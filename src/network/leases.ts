import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contains, type Family, formatAddress, parseAddress, sizeOf } from '../spec/addresses.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { processStart } from '../sys/process.js';
import { wire } from '../sys/wire-constants.js';
import { type NetworkDefinition, rangeOf } from './definition.js';
import { networksFolder } from './folder.js';

/** An interface of a container, which may not exist yet. */
export interface Lease {
  /** Index of the other end in the network holder's namespace, where it is unique. */
  index: number;
  container: string;
  network: string;
  /** `eth0`, in the container. */
  name: string;
  /** Of the interface in the container; undefined where an earlier foster has made it. */
  inside?: number;
  /** One for each address family of the network. */
  addresses: string[];
  /** `02:42:0a:58:00:02` */
  mac: string;
  /** The name servers that the container was started with, also where it was connected later. */
  servers?: string[];
  /** The process that starts the container; the lease is valid while it lives, or while the container is running. */
  starter: { pid: number; start: string };
}

/** The requested addresses. foster chooses those that are not given. */
export interface LeaseRequest {
  network: NetworkDefinition;
  ip?: string;
  ip6?: string;
  mac?: string;
  /** As in a WantedNetwork. */
  gwPriority?: number;
  interfaceName?: string;
}

/** `lo` is 1; the kernel would give the first other interface this number too. */
export const FIRST_INSIDE = 2;

/**
 * Of networks that a container is in, the one that is its way to the outside: not an internal one, by priority, then by order.
 * @returns its index, or -1
 */
export function outwardAmong(requests: readonly Pick<LeaseRequest, 'network' | 'gwPriority'>[]): number {
  let best = -1;
  for (const [at, { network, gwPriority = 0 }] of requests.entries())
    if (!network.isInternal && (best < 0 || gwPriority > (requests[best]?.gwPriority ?? 0))) best = at;
  return best;
}

const leasesFolder = () => join(networksFolder(), 'leases');

/**
 * The file of a lease. Its name alone says what nobody else can have, so that the front (src/init/front/network.c) chooses
 * an address from a list of the folder. The monitor removes it when its container has ended for good.
 */
export function leaseFile({ index, container, addresses }: LeaseName): string {
  return join(leasesFolder(), [index, container, ...addresses].join(','));
}

/** Of a lease that does not exist yet, the index is a text. */
type LeaseName = Pick<Lease, 'container' | 'addresses'> & { index: number | string };

/** All leases, including those of containers whose monitors were killed. @param of the id of a container, for its leases only */
export function readLeases(of?: string): Lease[] {
  let names: string[];
  try {
    names = readdirSync(leasesFolder());
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []; // there are none yet
    throw error;
  }
  const wanted = names.filter((name) => of === undefined || name.split(',')[1] === of);
  return wanted.flatMap((name) => readLease(join(leasesFolder(), name)) ?? []).sort(byIndex);
}

const byIndex = (one: Lease, other: Lease) => one.index - other.index;

/** Undefined if it has just been given back, or if the file is damaged. */
function readLease(path: string): Lease | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isLease(value) && leaseFile(value) === path ? value : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isLease(value: unknown): value is Lease {
  if (typeof value !== 'object' || value === null) return false;
  const { index, container, network, name, addresses, mac, servers = [], starter } = value as Partial<Lease>;
  return (
    Number.isInteger(index) &&
    typeof container === 'string' &&
    typeof network === 'string' &&
    typeof name === 'string' &&
    typeof mac === 'string' &&
    Array.isArray(addresses) &&
    addresses.every((address) => parseAddress(address) !== undefined) &&
    Array.isArray(servers) &&
    servers.every((address) => parseAddress(address) !== undefined) &&
    typeof starter === 'object'
  );
}

/**
 * Takes addresses for the interfaces of a container. The caller must hold the lock of the networks.
 * @param isAlive whether the container with that id is running
 * @param servers its name servers
 * @throws FosterError if a requested address is taken, or no address is left
 */
export function takeLeases(
  container: string,
  requests: readonly LeaseRequest[],
  isAlive: (id: string) => boolean,
  servers: string[] = [],
): Lease[] {
  const { kept, taken } = chooseLeases(container, requests, isAlive);
  removeOthers(kept);
  const leases = taken.map((lease) => ({ ...lease, servers }));
  for (const lease of leases) writeLease(lease);
  return leases;
}

/** Like `takeLeases`, for one more interface of a running container. */
export function takeLease(container: string, request: LeaseRequest, isAlive: (id: string) => boolean): Lease {
  const own = readLeases(container);
  // its own leases are treated like those of other containers
  const [first] = chooseLeases('', [request], isAlive).taken;
  if (first === undefined) throw new Error('no lease for a request');
  const names = own.map(({ name }) => name);
  const { interfaceName } = request;
  if (interfaceName !== undefined && names.includes(interfaceName))
    throw new FosterError(`the container has an interface ${interfaceName} already`, { kind: 'conflict' });
  const name = interfaceName ?? freeInterfaceName(names);
  const servers = own[0]?.servers;
  const lease = { ...first, container, name, inside: first.index, ...(servers && { servers }) };
  writeLease(lease);
  return lease;
}

function freeInterfaceName(taken: readonly string[]): string {
  let number = 0;
  while (taken.includes(`eth${number}`)) number++;
  return `eth${number}`;
}

/** Gives back the addresses of an interface. */
export function giveBackLease(lease: Lease): void {
  rmSync(leaseFile(lease), { force: true });
}

function makeLeasesFolder(): string {
  mkdirSync(leasesFolder(), { recursive: true, mode: 0o700 });
  return leasesFolder();
}

function writeLease(lease: Lease): void {
  makeLeasesFolder();
  writeFileSync(leaseFile(lease), JSON.stringify(lease), { mode: 0o600 });
}

/** Removes what commands and monitors that were killed have left. */
function removeOthers(kept: readonly Lease[]): void {
  const names = new Set(kept.map(leaseFile));
  for (const name of readdirSync(makeLeasesFolder())) {
    const path = join(leasesFolder(), name);
    if (!names.has(path)) rmSync(path, { force: true });
  }
}

/**
 * A number for an interface. It is another one than that of the container before: the kernel removes the interface of an ended container with
 * a delay, and who needs its number has to wait for that.
 */
function freeIndex(taken: ReadonlySet<number>): number {
  const now = Date.now();
  for (let place = 0; place < wire.INTERFACES; place++) {
    const index = wire.FIRST_INTERFACE + ((now + place) % wire.INTERFACES);
    if (!taken.has(index)) return index;
  }
  throw new FosterError(`no more than ${taken.size} containers can be connected to networks`, {
    kind: 'conflict',
  });
}

/** Like `takeLeases`, but stores nothing: for a plan that is only shown. */
export function chooseLeases(
  container: string,
  requests: readonly LeaseRequest[],
  isAlive: (id: string) => boolean,
): { kept: Lease[]; taken: Lease[] } {
  const kept = readLeases().filter((lease) => lease.container !== container && isHeld(lease, isAlive));
  const taken: Lease[] = [];
  const given = requests.flatMap(({ interfaceName }) => interfaceName ?? []);
  const twice = given.find((name, at) => given.indexOf(name) !== at);
  if (twice !== undefined)
    throw new FosterError(`two interfaces cannot have the name ${twice}`, { kind: 'invalid' });
  const starter = { pid: process.pid, start: processStart(process.pid) ?? '' };
  for (const request of requests) {
    const { network } = request;
    const inUse = [...kept, ...taken];
    const index = freeIndex(new Set(inUse.map((lease) => lease.index)));
    const used = new Set(
      inUse.filter((lease) => lease.network === network.name).flatMap(({ addresses }) => addresses),
    );
    const addresses = network.subnets.map((subnet) => {
      const range = rangeOf(subnet);
      const wanted = range.family === 4 ? request.ip : request.ip6;
      const reserved = Object.values(subnet.reserved ?? {});
      if (wanted === undefined) return freeAddress(network, range, new Set([...used, ...reserved]));
      if (reserved.includes(wanted)) throw refused(wanted, network, 'it is reserved, by --aux-address');
      return checkedAddress(network, range, wanted, used);
    });
    for (const [family, wanted] of [
      [4, request.ip],
      [6, request.ip6],
    ] as const)
      if (wanted !== undefined && !network.subnets.some((subnet) => rangeOf(subnet).family === family))
        throw refused(wanted, network, `the network has no IPv${family} subnet`);
    taken.push({
      index,
      container,
      network: network.name,
      name: request.interfaceName ?? freeInterfaceName([...given, ...taken.map(({ name }) => name)]),
      inside: FIRST_INSIDE + taken.length,
      addresses,
      mac: request.mac ?? macOf(addresses[0] ?? ''),
      starter,
    });
  }
  return { kept, taken };
}

function isHeld({ container, starter }: Lease, isAlive: (id: string) => boolean): boolean {
  return isAlive(container) || (starter.pid !== process.pid && processStart(starter.pid) === starter.start);
}

/** The leases of containers that run, and of those that other processes are about to start. `isAlive` knows of our own. */
export function heldLeases(isAlive: (id: string) => boolean): Lease[] {
  return readLeases().filter((lease) => isHeld(lease, isAlive));
}

/** The leases of containers that run, or that a process is about to start. */
export function liveLeases(isAlive: (id: string) => boolean): Lease[] {
  return readLeases().filter(
    ({ container, starter }) => isAlive(container) || processStart(starter.pid) === starter.start,
  );
}

type Range = ReturnType<typeof rangeOf>;

function freeAddress(network: NetworkDefinition, range: Range, used: ReadonlySet<string>): string {
  const { family, subnet, gateway, pool } = range;
  const end = pool.base + sizeOf(pool);
  for (let value = pool.base; value < end; value++) {
    if (isSpecial(value, subnet, family) || value === gateway) continue;
    const address = formatAddress(value, family);
    if (!used.has(address)) return address;
  }
  throw new FosterError(
    `network ${network.name} has no free address left in ${network.subnets.map(({ subnet: text }) => text).join(', ')}`,
    {
      kind: 'conflict',
      advice: 'remove containers, or make a network with a larger --subnet',
    },
  );
}

/** Whether it is the address of the subnet itself, or the broadcast address. */
function isSpecial(value: bigint, subnet: Range['subnet'], family: Family): boolean {
  const isLast = family === 4 && value === subnet.base + sizeOf(subnet) - 1n;
  return sizeOf(subnet) > 2n && (value === subnet.base || isLast);
}

function checkedAddress(
  network: NetworkDefinition,
  range: Range,
  wanted: string,
  used: ReadonlySet<string>,
): string {
  const { family, subnet, gateway } = range;
  const value = parseAddress(wanted) ?? -1n;
  if (!contains(subnet, value, family) || isSpecial(value, subnet, family))
    throw refused(
      wanted,
      network,
      `it is not in ${network.subnets.map(({ subnet: text }) => text).join(', ')}`,
    );
  if (value === gateway) throw refused(wanted, network, 'it is the gateway');
  const address = formatAddress(value, family);
  if (used.has(address)) throw refused(wanted, network, 'another container has it');
  return address;
}

function refused(address: string, { name }: NetworkDefinition, why: string): FosterError {
  return new FosterError(`cannot use the address ${address} in the network ${name}: ${why}`, {
    kind: 'conflict',
    advice: `'foster network inspect ${name}' shows its addresses`,
  });
}

/** A locally administered MAC address with the last four bytes of the IP address, as in Docker. */
export function macOf(address: string): string {
  const value = (parseAddress(address) ?? 0n) & 0xffffffffn;
  const digits = value.toString(16).padStart(8, '0');
  return ['02', '42', ...(digits.match(/../g) ?? [])].join(':');
}
