import { type Endpoint, endpoints, usedNetworks } from '../../container/network-users.js';
import { readContainer } from '../../container/store.js';
import { type NetworkDefinition, rangeOf } from '../../network/definition.js';
import { flagError } from '../../spec/parse/flag.js';
import {
  type FilterTable,
  filterExpression,
  filterInstant,
  filterTruth,
  labelTest,
  matcherOf,
} from './filters.js';

/** The columns and other fields of `network ls`: Docker's. */
export type NetworkField =
  | 'ID'
  | 'Name'
  | 'Driver'
  | 'Scope'
  | 'IPv4'
  | 'IPv6'
  | 'Internal'
  | 'Labels'
  | 'CreatedAt';

export type NetworkRow = Record<NetworkField, string> & {
  /** Fields that only Podman has. */
  Created: string;
  Subnets: PodmanSubnet[];
  DNSEnabled: boolean;
  IPv6Enabled: boolean;
  NetworkInterface: string;
  Options: Record<string, string>;
  /** `{{.Label "KEY"}}` */
  Label: (key: unknown) => string;
};

interface PodmanSubnet {
  subnet: string;
  gateway: string;
  lease_range?: { start_ip: string; end_ip: string };
}

const hasIpv6 = ({ subnets }: NetworkDefinition) => subnets.some((each) => rangeOf(each).family === 6);

/** A network as Docker lists it. */
export function networkRow(network: NetworkDefinition): NetworkRow {
  const { id, name, created, labels, isInternal, hasDns, options, subnets } = network;
  return {
    CreatedAt: created,
    Driver: 'bridge',
    ID: id,
    IPv4: String(subnets.some((each) => rangeOf(each).family === 4)),
    IPv6: String(hasIpv6(network)),
    Internal: String(isInternal),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    Name: name,
    Scope: 'local',
    Created: created,
    Subnets: podmanSubnets(network),
    DNSEnabled: hasDns,
    IPv6Enabled: hasIpv6(network),
    NetworkInterface: '',
    Options: options,
    Label: (key) => (Object.hasOwn(labels, String(key)) ? (labels[String(key)] ?? '') : ''),
  };
}

function podmanSubnets({ subnets }: NetworkDefinition): PodmanSubnet[] {
  return subnets.map(({ subnet, gateway }) => ({ subnet, gateway }));
}

/**
 * A network as `docker network inspect` shows it, with Podman's additions. Templates find Podman's other names (`.ID`,
 * `.Internal`) among Docker's, because case does not matter to them.
 */
export function networkInspection(network: NetworkDefinition): Record<string, unknown> {
  const { id, name, created, labels, isInternal, hasDns, dns, options, subnets } = network;
  const own = endpoints().filter((endpoint) => endpoint.network === name);
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: 'bridge',
    EnableIPv4: subnets.some((each) => rangeOf(each).family === 4),
    EnableIPv6: hasIpv6(network),
    IPAM: {
      Driver: 'default',
      Options: {},
      Config: subnets.map(({ subnet, gateway, range, reserved }) => ({
        Subnet: subnet,
        ...(range !== undefined && { IPRange: range }),
        Gateway: gateway,
        ...(reserved !== undefined && { AuxiliaryAddresses: reserved }),
      })),
    },
    Internal: isInternal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(own.map((endpoint) => [endpoint.container, memberOf(endpoint, network)])),
    Options: options,
    Labels: labels,
    subnets: podmanSubnets(network),
    ipv6_enabled: hasIpv6(network),
    dns_enabled: hasDns,
    ...(dns.length > 0 && { network_dns_servers: dns }),
    network_interface: '',
    ipam_options: { driver: 'host-local' },
  };
}

function memberOf(
  { container, addresses, mac }: Endpoint,
  network: NetworkDefinition,
): Record<string, string> {
  const [v4, v6] = ([4, 6] as const).map((family) => {
    const at = network.subnets.findIndex((each) => rangeOf(each).family === family);
    const subnet = network.subnets[at];
    const address = addresses[at];
    return subnet === undefined || address === undefined ? '' : `${address}/${rangeOf(subnet).subnet.prefix}`;
  });
  return {
    Name: readContainer(container)?.record.name ?? '',
    EndpointID: '',
    MacAddress: mac,
    IPv4Address: v4 ?? '',
    IPv6Address: v6 ?? '',
  };
}

export type NetworkMatcher = (network: NetworkDefinition) => boolean;

const FILTERS: FilterTable<NetworkDefinition> = {
  dangling: (value, filter) => {
    const wanted = filterTruth(value, filter);
    const used = usedNetworks();
    return ({ name }) => !used.has(name) === wanted;
  },
  driver: (value) => () => value === 'bridge',
  id:
    (value) =>
    ({ id }) =>
      id.startsWith(value),
  label: (value) => {
    const has = labelTest(value);
    return ({ labels }) => has(labels);
  },
  'label!': (value) => {
    const has = labelTest(value);
    return ({ labels }) => !has(labels);
  },
  name: (value, filter) => {
    const expression = filterExpression(value, filter);
    return ({ name }) => expression.test(name);
  },
  scope: (value) => () => value === 'local',
  type: (value, filter) => {
    if (value !== 'custom' && value !== 'builtin')
      throw flagError('--filter', filter, 'expected custom or builtin');
    return ({ name }) => (name === 'bridge') === (value === 'builtin');
  },
  until: (value) => {
    const instant = filterInstant(value);
    return ({ created }) => Date.parse(created) < instant;
  },
};

/** Keys of --filter of `network ls`. */
export const NETWORK_FILTERS: readonly string[] = Object.keys(FILTERS);

/** Keys of --filter of `network prune`. */
export const PRUNE_FILTERS: readonly string[] = ['label', 'label!', 'until'];

/**
 * Turns the values of --filter into one condition: values of the same key are alternatives, except for labels.
 * @param keys the keys that the command accepts
 * @throws FosterError
 */
export function networkMatcher(
  filters: readonly string[],
  keys: readonly string[] = NETWORK_FILTERS,
): NetworkMatcher {
  return matcherOf(filters, FILTERS, keys);
}
