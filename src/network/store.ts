import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import {
  type Family,
  formatAddress,
  formatSubnet,
  overlap,
  parseAddress,
  parseSubnet,
  type Subnet,
} from '../spec/addresses.js';
import { isAddress } from '../spec/hosts.js';
import { isId, randomId } from '../spec/names.js';
import { isTexts } from '../spec/parse/labels.js';
import { errnoOf } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { writeFileAtomically } from '../sys/files.js';
import { makeFolder } from '../sys/paths.js';
import { DEFAULT_NETWORK, type NetworkDefinition, type NetworkSubnet } from './definition.js';
import { networksFolder } from './folder.js';

const fileOf = (name: string) => join(networksFolder(), `${name}.json`);

/** Docker's syntax for names of networks, which also keeps their files in the folder. */
export const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** All networks, sorted by name, including the default network even if it was never used. */
export function listNetworks(): NetworkDefinition[] {
  const names = storedNames();
  const all = new Set([DEFAULT_NETWORK, ...names]);
  return [...all].sort().flatMap((name) => readNetwork(name) ?? []);
}

function storedNames(): string[] {
  try {
    return readdirSync(networksFolder()).flatMap((file) => {
      const name = file.endsWith('.json') ? file.slice(0, -'.json'.length) : '';
      return NETWORK_NAME.test(name) ? [name] : [];
    });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The network with this name; undefined if there is none, or if its file is damaged. */
export function readNetwork(name: string): NetworkDefinition | undefined {
  if (!NETWORK_NAME.test(name)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(fileOf(name), 'utf8'));
    if (isDefinition(value) && value.name === name) return value;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
  return name === DEFAULT_NETWORK ? defaultNetwork() : undefined;
}

function isDefinition(value: unknown): value is NetworkDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { id, created, subnets, dns, labels, options } = value as Partial<NetworkDefinition>;
  return (
    isId(String(id)) &&
    typeof created === 'string' &&
    Array.isArray(subnets) &&
    subnets.every(isSubnet) &&
    Array.isArray(dns) &&
    dns.every((address) => isAddress(String(address))) &&
    isTexts(labels) &&
    isTexts(options)
  );
}

function isSubnet(value: NetworkSubnet | null): boolean {
  const { subnet = '', gateway = '', range = subnet, reserved = {} } = value ?? {};
  const [whole, part] = [parseSubnet(String(subnet)), parseSubnet(String(range))];
  const router = parseAddress(String(gateway));
  if (!isTexts(reserved)) return false;
  return whole !== undefined && part !== undefined && router !== undefined && whole.family === part.family;
}

/** Finds a network by its name or a prefix of its id. @throws FosterError if there is none */
export function findNetwork(
  reference: string,
  { exitCode = 1 }: { exitCode?: number } = {},
): NetworkDefinition {
  const found = readNetwork(reference) ?? byId(reference);
  if (found !== undefined) return found;
  throw new FosterError(`no such network: ${reference}`, {
    kind: 'not-found',
    advice: "'foster network ls' lists them, 'foster network create' makes one",
    exitCode,
  });
}

function byId(reference: string): NetworkDefinition | undefined {
  if (!/^[0-9a-f]{4,64}$/.test(reference)) return undefined;
  const found = listNetworks().filter(({ id }) => id.startsWith(reference));
  return found.length === 1 ? found[0] : undefined;
}

/** The caller must hold the lock of the networks. */
export function writeNetwork(network: NetworkDefinition): void {
  makeFolder(networksFolder());
  writeFileAtomically(fileOf(network.name), JSON.stringify(network), { durable: true });
}

export function deleteNetwork(name: string): void {
  rmSync(fileOf(name), { force: true });
}

/** The default network before its first use. Its subnet is the first that the host does not use. */
function defaultNetwork(): NetworkDefinition {
  const network: NetworkDefinition = {
    version: 1,
    id: '2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9',
    name: DEFAULT_NETWORK,
    created: '1970-01-01T00:00:00.000Z',
    subnets: [withGateway(freeSubnet(defaultPools(), []))],
    isInternal: false,
    hasDns: false,
    dns: [],
    labels: {},
    options: {},
  };
  return network;
}

/** Stores the default network, so that its addresses stay the same. The caller must hold the lock of the networks. */
export function keepDefault(network: NetworkDefinition): void {
  if (!storedNames().includes(DEFAULT_NETWORK))
    writeNetwork({ ...network, created: new Date().toISOString() });
}

/** The candidates for subnets, as in Podman. */
const defaultPools = () =>
  pools('10.88.0.0/16', ...Array.from({ length: 20 }, (_, index) => `10.${120 + index}.0.0/16`));
const namedPools = () =>
  pools(
    ...Array.from({ length: 255 }, (_, index) => `10.89.${index}.0/24`),
    ...Array.from({ length: 256 }, (_, index) => `10.90.${index}.0/24`),
  );

function pools(...texts: string[]): Subnet[] {
  return texts.flatMap((text) => parseSubnet(text) ?? []);
}

function withGateway(subnet: Subnet): NetworkSubnet {
  return { subnet: formatSubnet(subnet), gateway: formatAddress(subnet.base + 1n, subnet.family) };
}

/** A subnet that neither the host nor a network uses. @throws FosterError */
export function freeNamedSubnet(family: Family, networks: readonly NetworkDefinition[]): NetworkSubnet {
  const taken = networks.flatMap(({ subnets }) => subnets.flatMap(({ subnet }) => parseSubnet(subnet) ?? []));
  if (family === 4) return withGateway(freeSubnet(namedPools(), taken));
  // RFC 4193: a random prefix of 40 bits
  const base = (0xfdn << 120n) | (BigInt(`0x${randomId().slice(0, 10)}`) << 80n);
  return withGateway({ family: 6, base, prefix: 64 });
}

function freeSubnet(candidates: readonly Subnet[], taken: readonly Subnet[]): Subnet {
  const used = [...taken, ...hostSubnets()];
  const free = candidates.find((one) => !used.some((other) => overlap(one, other)));
  if (free !== undefined) return free;
  const [first] = candidates;
  if (first !== undefined && taken.length === 0) return first;
  throw new FosterError('no subnet is free for the network', {
    kind: 'conflict',
    advice: "choose one with --subnet, or remove networks: 'foster network prune'",
  });
}

/** The subnets of the host's interfaces. */
export function hostSubnets(): Subnet[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.flatMap(({ cidr }) => (cidr === null ? [] : (parseSubnet(cidr) ?? []))),
  );
}
