import { type Family, parseAddress, parseSubnet, type Subnet } from '../spec/addresses.js';

/** A range of addresses of a network. */
export interface NetworkSubnet {
  /** `10.88.0.0/16` */
  subnet: string;
  gateway: string;
  /** The part that addresses are taken from; undefined for the whole subnet. */
  range?: string;
  /** Addresses that no container gets, by the names that --aux-address gives them. */
  reserved?: Record<string, string>;
}

/** A network: `NAME.json` in the networks folder. */
export interface NetworkDefinition {
  version: 1;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** ISO 8601. */
  created: string;
  /** At most one of each family, IPv4 first. */
  subnets: NetworkSubnet[];
  /** Whether its containers cannot reach the outside. */
  isInternal: boolean;
  /** Whether containers find each other by name. */
  hasDns: boolean;
  /** Name servers for all other names; the host's if there are none. */
  dns: string[];
  labels: Record<string, string>;
  options: Record<string, string>;
}

/** The default network, with Docker's name for it. */
export const DEFAULT_NETWORK = 'bridge';

/** The MTU of interfaces, in bytes, and the highest there is. With 1500, the throughput of pasta is a hundredth of that with this. */
export const MTU = 65520;

/** Options of a network that set another MTU: Podman's name, and Docker's. */
export const MTU_OPTIONS: readonly string[] = ['mtu', 'com.docker.network.driver.mtu'];

/** The MTU of the interfaces of a network's containers, in bytes. */
export function mtuOf({ options }: Pick<NetworkDefinition, 'options'>): number {
  const wanted = MTU_OPTIONS.map((name) => options[name]).find((value) => value !== undefined);
  return wanted === undefined ? MTU : Number(wanted);
}

/** Names that have another meaning as a value of --network. */
export const RESERVED_NAMES: readonly string[] = [
  'none',
  'host',
  'container',
  'ns',
  'pasta',
  'private',
  'slirp4netns',
  'default',
  'pod',
];

/** A subnet's numbers. */
export interface Range {
  family: Family;
  subnet: Subnet;
  gateway: bigint;
  /** The part that addresses are taken from. */
  pool: Subnet;
}

/** The numbers of a subnet. @throws Error for an invalid definition, which foster never writes */
export function rangeOf({ subnet, gateway, range }: NetworkSubnet): Range {
  const [parsed, router] = [parseSubnet(subnet), parseAddress(gateway)];
  const pool = range === undefined ? parsed : parseSubnet(range);
  if (parsed === undefined || router === undefined || pool === undefined)
    throw new Error(`not a subnet: ${subnet}`);
  return { family: parsed.family, subnet: parsed, gateway: router, pool };
}
