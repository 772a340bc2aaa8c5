import {
  contains,
  type Family,
  familyOf,
  formatAddress,
  formatSubnet,
  overlap,
  parseAddress,
  parseSubnet,
  type Subnet,
  sizeOf,
} from '../spec/addresses.js';
import { isAddress } from '../spec/hosts.js';
import { randomId } from '../spec/names.js';
import { flagError } from '../spec/parse/flag.js';
import { FosterError } from '../sys/errors.js';
import {
  MTU,
  MTU_OPTIONS,
  type NetworkDefinition,
  type NetworkSubnet,
  RESERVED_NAMES,
} from './definition.js';
import { freeNamedSubnet, hostSubnets, NETWORK_NAME } from './store.js';

/** The requested properties of a new network. foster chooses the rest. */
export interface NetworkWishes {
  name?: string | undefined;
  /** `10.1.0.0/24`, at most one of each family. */
  subnets: readonly string[];
  /** Each in one of the subnets. A subnet without a gateway gets its first address. */
  gateways: readonly string[];
  /** Each a part of one of the subnets. By default, addresses come from the whole subnet. */
  ranges: readonly string[];
  /** Addresses that no container gets, `NAME=ADDRESS` each: in one of the subnets. */
  reserved: readonly string[];
  /** False: no IPv4, which then needs `ipv6`. */
  ipv4: boolean;
  /** Also IPv6, whatever the subnets are. */
  ipv6: boolean;
  internal: boolean;
  hasDns: boolean;
  /** Addresses of name servers. */
  dns: readonly string[];
  labels: Readonly<Record<string, string>>;
  options: Readonly<Record<string, string>>;
}

/** @throws FosterError for an invalid name, and for a name with another meaning */
export function checkNetworkName(name: string): void {
  if (!NETWORK_NAME.test(name))
    throw flagError(
      'network name',
      name,
      'a name has up to 128 letters, digits, "_", "." or "-", and starts with a letter or digit',
    );
  if (RESERVED_NAMES.includes(name))
    throw flagError('network name', name, 'it means something else as a value of --network');
}

/**
 * Defines a new network that does not overlap with the existing ones.
 * @throws FosterError of the kind `invalid` for invalid wishes, `conflict` if addresses are in use
 */
export function defineNetwork(
  wishes: NetworkWishes,
  networks: readonly NetworkDefinition[],
): NetworkDefinition {
  const name = wishes.name ?? freeName(networks);
  checkNetworkName(name);
  const subnets = subnetsOf(wishes, networks);
  return {
    version: 1,
    id: randomId(),
    name,
    created: new Date().toISOString(),
    subnets,
    isInternal: wishes.internal,
    hasDns: wishes.hasDns,
    dns: wishes.dns.map((address) => checkNameServer('--dns', address)),
    labels: { ...wishes.labels },
    options: checkedOptions(wishes.options, subnets),
  };
}

/** @throws FosterError for what is no address */
export function checkNameServer(flag: string, address: string): string {
  if (!isAddress(address)) throw flagError(flag, address, 'expected an IP address');
  return address;
}

/** `foster1`, or the next free name, as in Podman. */
function freeName(networks: readonly NetworkDefinition[]): string {
  const names = new Set(networks.map(({ name }) => name));
  let number = 1;
  while (names.has(`foster${number}`)) number++;
  return `foster${number}`;
}

function subnetsOf(wishes: NetworkWishes, networks: readonly NetworkDefinition[]): NetworkSubnet[] {
  const { subnets, gateways, ranges, reserved, ipv4, ipv6 } = wishes;
  const dependent = { '--gateway': gateways, '--ip-range': ranges, '--aux-address': reserved };
  for (const [flag, [value]] of Object.entries(dependent))
    if (subnets.length === 0 && value !== undefined) throw flagError(flag, value, 'it needs a --subnet');
  const parsed = subnets.map((text) => checkedSubnet(text, networks));
  const families = parsed.map(({ family }) => family);
  const twice = families.find((family, index) => families.indexOf(family) !== index);
  if (twice !== undefined)
    throw flagError('--subnet', subnets.join(' '), `a network has one subnet of IPv${twice}`);
  const wanted = familiesOf(families, { ipv4, ipv6 });
  const left = { gateways: [...gateways], ranges: [...ranges], reserved: reserved.map(parseReserved) };
  const found = wanted.map((family) => {
    const subnet = parsed.find((one) => one.family === family);
    return subnet === undefined ? freeNamedSubnet(family, networks) : completed(subnet, left);
  });
  const all = found.map(({ subnet }) => subnet).join(', ');
  for (const [flag, values] of [
    ['--gateway', left.gateways],
    ['--ip-range', left.ranges],
  ] as const)
    if (values[0] !== undefined) throw flagError(flag, values[0], misfit(flag, values[0], all));
  const [stray] = left.reserved;
  if (stray !== undefined)
    throw flagError('--aux-address', stray.join('='), `it is not in the subnet ${all}`);
  return found;
}

function familiesOf(
  given: readonly Family[],
  { ipv4, ipv6 }: Pick<NetworkWishes, 'ipv4' | 'ipv6'>,
): Family[] {
  if (!ipv4 && given.includes(4)) throw flagError('--ipv4', 'false', 'there is an IPv4 --subnet');
  if (given.length > 0 && !ipv6) return given.toSorted();
  const wanted: Family[] = [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])];
  if (wanted.length === 0)
    throw flagError('--ipv4', 'false', 'the network has no addresses then', 'add --ipv6');
  return wanted;
}

function parseReserved(text: string): [name: string, address: string] {
  const [, name = '', written = ''] = /^([\w.-]+)=(.+)$/.exec(text) ?? [];
  const [value, family] = [parseAddress(written), familyOf(written)];
  if (value === undefined || family === undefined)
    throw flagError('--aux-address', text, 'expected NAME=ADDRESS, such as printer=10.89.7.9');
  return [name, formatAddress(value, family)];
}

function misfit(flag: '--gateway' | '--ip-range', value: string, all: string): string {
  const isAny = flag === '--gateway' ? parseAddress(value) !== undefined : parseSubnet(value) !== undefined;
  if (!isAny) return flag === '--gateway' ? 'expected an IP address' : 'expected ADDRESS/LENGTH';
  return `it is not in the subnet ${all}, or there is another one for that`;
}

/** Completes a subnet with its gateway and range, which are removed from `left`. */
function completed(
  subnet: Subnet,
  left: { gateways: string[]; ranges: string[]; reserved: [string, string][] },
): NetworkSubnet {
  const { family } = subnet;
  const gateway = take(left.gateways, (text) => {
    const value = parseAddress(text);
    return value !== undefined && familyOf(text) === family && contains(subnet, value, family);
  });
  const range = take(left.ranges, (text) => {
    const part = parseSubnet(text);
    return part !== undefined && part.prefix >= subnet.prefix && contains(subnet, part.base, part.family);
  });
  const router = gateway === undefined ? subnet.base + 1n : (parseAddress(gateway) ?? 0n);
  const last = subnet.base + sizeOf(subnet) - 1n;
  if (gateway !== undefined && (router === subnet.base || (family === 4 && router === last)))
    throw flagError(
      '--gateway',
      gateway,
      `it is the ${router === last ? 'last' : 'first'} address of its subnet`,
    );
  const part = range === undefined ? undefined : parseSubnet(range);
  const isOwn = ([, address]: [string, string]) =>
    familyOf(address) === family && contains(subnet, parseAddress(address) ?? -1n, family);
  const reserved = left.reserved.filter(isOwn);
  left.reserved = left.reserved.filter((one) => !isOwn(one));
  return {
    subnet: formatSubnet(subnet),
    gateway: formatAddress(router, family),
    ...(part && { range: formatSubnet(part) }),
    ...(reserved.length > 0 && { reserved: Object.fromEntries(reserved) }),
  };
}

function take(values: string[], suits: (text: string) => boolean): string | undefined {
  const at = values.findIndex(suits);
  return at < 0 ? undefined : values.splice(at, 1)[0];
}

/** Addresses with another purpose: RFC 6890, and the link of the network holder to the outside. */
const ELSEWHERE: readonly [subnet: string, what: string][] = [
  ['0.0.0.0/8', 'this host'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local addresses, which lead to the outside here'],
  ['224.0.0.0/3', 'groups'],
  ['::/16', 'loopback'],
  ['fe80::/10', 'link-local addresses'],
  ['ff00::/8', 'groups'],
];

function checkedSubnet(text: string, networks: readonly NetworkDefinition[]): Subnet {
  const subnet = parseSubnet(text);
  if (subnet === undefined)
    throw flagError('--subnet', text, 'expected ADDRESS/LENGTH, such as 10.89.7.0/24 or fd00:7::/64');
  if (sizeOf(subnet) < 4n) throw flagError('--subnet', text, 'it has no room for a gateway and a container');
  for (const [special, what] of ELSEWHERE) {
    const other = parseSubnet(special);
    if (other !== undefined && overlap(subnet, other))
      throw flagError('--subnet', text, `addresses in ${special} are for ${what}`);
  }
  const used = (problem: string) =>
    new FosterError(`cannot use the subnet ${formatSubnet(subnet)}: ${problem}`, {
      kind: 'conflict',
      advice: "choose another --subnet, or leave it out: then a free one is chosen; see 'foster network ls'",
    });
  for (const { name, subnets } of networks)
    for (const each of subnets) {
      const other = parseSubnet(each.subnet);
      if (other !== undefined && overlap(subnet, other))
        throw used(`it overlaps ${each.subnet} of the network ${name}`);
    }
  const own = hostSubnets().find((other) => overlap(subnet, other));
  if (own !== undefined) throw used(`it overlaps ${formatSubnet(own)} of an interface of this machine`);
  return subnet;
}

/** Options of Docker's and Podman's bridges for properties that foster's networks always have. */
const OPTIONS: Readonly<Record<string, { only: RegExp; because: string }>> = {
  isolate: { only: /^(1|true|strict)$/, because: 'networks never reach each other' },
  'com.docker.network.bridge.enable_icc': {
    only: /^(1|true)$/,
    because: 'containers of a network reach each other',
  },
  'com.docker.network.bridge.enable_ip_masquerade': {
    only: /^(1|true)$/,
    because: 'the outside sees the address of the host',
  },
};

function checkedOptions(
  options: NetworkWishes['options'],
  subnets: readonly NetworkSubnet[],
): Record<string, string> {
  for (const [key, value] of Object.entries(options)) {
    if (MTU_OPTIONS.includes(key)) {
      checkMtu(key, value, subnets);
      continue;
    }
    const known = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
    if (known?.only.test(value)) continue;
    throw new FosterError(
      `network create --opt ${key}=${value} is not supported: ${known?.because ?? 'there is no bridge interface that it could be about'}`,
      { kind: 'unsupported', advice: 'leave it out' },
    );
  }
  return { ...options };
}

function checkMtu(key: string, value: string, subnets: readonly NetworkSubnet[]): void {
  // RFC 791; RFC 8200, section 5
  const least = subnets.some(({ subnet }) => subnet.includes(':')) ? 1280 : 68;
  if (/^\d{1,5}$/.test(value) && Number(value) >= least && Number(value) <= MTU) return;
  throw flagError('--opt', `${key}=${value}`, `expected a number of bytes from ${least} to ${MTU}`);
}
