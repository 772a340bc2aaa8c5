import { type Endpoint, endpoints } from '../../container/network-users.js';
import { type ContainerRecord, sharesOf } from '../../container/record.js';
import type { Container } from '../../container/store.js';
import { isAlive } from '../../container/store.js';
import { type NetworkDefinition, rangeOf } from '../../network/definition.js';
import { readNetwork } from '../../network/store.js';
import type { WantedNetwork } from '../../spec/request.js';
import { openPorts } from './ports.js';

type Networked = Pick<
  ContainerRecord,
  'spec' | 'networks' | 'shares' | 'joins' | 'sharesNetwork' | 'joinsNetwork' | 'pasta'
>;

/** The names of a container's networks, as in `ps` and `inspect`. They may be `none` or `host`. */
export function networkNames(record: Networked): string[] {
  const { spec, networks = [], joinsNetwork, pasta } = record;
  if ((sharedNetwork(record) ?? joinsNetwork) !== undefined) return [];
  if (pasta !== undefined) return ['pasta'];
  if (!spec.linux.namespaces.some(({ type }) => type === 'network')) return ['host'];
  return networks.length === 0 ? ['none'] : networks.map(({ name }) => name);
}

/** The container whose network it shares. */
function sharedNetwork(record: Networked): string | undefined {
  const shares = sharesOf(record);
  return shares?.types.includes('network') ? shares.of : undefined;
}

/** The mode that it was made with: `none`, `host`, `container:ID`, `ns:PATH`, or the name of its first network. */
export function networkModeOf(record: Networked): string {
  const shared = sharedNetwork(record);
  if (shared !== undefined) return `container:${shared}`;
  const { pasta } = record;
  if (pasta !== undefined && pasta.length > 0) return `pasta:${pasta.join(',')}`;
  if (record.joinsNetwork !== undefined) return `ns:${record.joinsNetwork}`;
  return networkNames(record)[0] ?? 'none';
}

/** The fields without an address: for `none`, for `host`, and for a container that is not running. */
const NOTHING = {
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
};

/** `.NetworkSettings` of `inspect`. The settings of the first network are also at the top level. */
export function networkSettings({ record, state }: Container): Record<string, unknown> {
  const isUp = isAlive(state);
  const own = isUp && record.networks !== undefined ? endpoints(record.id) : [];
  const networks = networkNames(record).map((name) => {
    const wanted = record.networks?.find((one) => one.name === name);
    return [name, attachment(record, name, wanted, own)] as const;
  });
  const { EndpointID, Gateway, IPAddress, IPPrefixLen, MacAddress, ...rest } = networks[0]?.[1] ?? NOTHING;
  const { IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen } = rest;
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: isUp && networkModeOf(record) !== 'host' ? openPorts(record) : {},
    ...{ EndpointID, Gateway, IPAddress, IPPrefixLen, MacAddress },
    ...{ IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen },
    Networks: Object.fromEntries(networks),
  };
}

function attachment(
  { id, network }: ContainerRecord,
  name: string,
  wanted: WantedNetwork | undefined,
  own: readonly Endpoint[],
): typeof NOTHING & Record<string, unknown> {
  const definition = wanted === undefined ? undefined : readNetwork(name);
  const endpoint = own.find((one) => one.network === name);
  const { ip, ip6, aliases = [] } = wanted ?? {};
  const asked = {
    ...(ip !== undefined && { IPv4Address: ip }),
    ...(ip6 !== undefined && { IPv6Address: ip6 }),
  };
  return {
    IPAMConfig: ip === undefined && ip6 === undefined ? null : asked,
    Links: null,
    Aliases: wanted === undefined ? null : [...new Set([...aliases, id.slice(0, 12), network.hostname])],
    NetworkID: definition?.id ?? '',
    ...NOTHING,
    ...(definition && endpoint && addressesOf(definition, endpoint)),
    DriverOpts: null,
  };
}

function addressesOf({ subnets }: NetworkDefinition, { addresses, mac }: Endpoint): Partial<typeof NOTHING> {
  const found: Partial<typeof NOTHING> = { MacAddress: mac };
  for (const [index, each] of subnets.entries()) {
    const { family, subnet } = rangeOf(each);
    const address = addresses[index] ?? '';
    if (family === 4)
      Object.assign(found, { Gateway: each.gateway, IPAddress: address, IPPrefixLen: subnet.prefix });
    else
      Object.assign(found, {
        IPv6Gateway: each.gateway,
        GlobalIPv6Address: address,
        GlobalIPv6PrefixLen: subnet.prefix,
      });
  }
  return found;
}
