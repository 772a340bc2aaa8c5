import { type Family, parseAddress, parseSubnet, type Subnet } from '../spec/addresses.js';

/** A range of addresses of a network. */
export interface NetworkSubnet {
  /** `10.88.0.0/16` */
  subnet: string;
  gateway: string;
  /** Where addresses are taken from, if not from all of it. */
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
  /** Without a way to the outside. */
  isInternal: boolean;
  /** Containers find each other by name. */
  hasDns: boolean;
  /** Name servers that are asked for other names; those of the host if there are none. */
  dns: string[];
  labels: Record<string, string>;
  options: Record<string, string>;
}

/** The network that containers are attached to where nothing else is asked for: Docker's name for it. */
export const DEFAULT_NETWORK = 'bridge';

/** Of all interfaces, in bytes; at 1500 pasta carries a hundredth of what it does with this. */
export const MTU = 65520;

/** Names that mean something else as a value of --network. */
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
  'leases', // it would be the file of leases
];

/** A subnet's numbers. */
export interface Range {
  family: Family;
  subnet: Subnet;
  gateway: bigint;
  /** The part that addresses are taken from. */
  pool: Subnet;
}

/** @throws Error for a definition that foster has not written */
export function rangeOf({ subnet, gateway, range }: NetworkSubnet): Range {
  const [parsed, router] = [parseSubnet(subnet), parseAddress(gateway)];
  const pool = range === undefined ? parsed : parseSubnet(range);
  if (parsed === undefined || router === undefined || pool === undefined)
    throw new Error(`not a subnet: ${subnet}`);
  return { family: parsed.family, subnet: parsed, gateway: router, pool };
}
