import type { ContainerRecord } from '../../container/record.js';

/** The network of a container, as `ps` and `inspect` call it. */
export function networkModeOf({ spec }: Pick<ContainerRecord, 'spec'>): 'none' | 'host' {
  return spec.linux.namespaces.some(({ type }) => type === 'network') ? 'none' : 'host';
}

/** An attachment to a network: there is no address in `none`, and in `host` it is the host's. */
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

/** `.NetworkSettings` of `inspect`. */
export function networkSettings(record: ContainerRecord): Record<string, unknown> {
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: {},
    ...NOTHING,
    Networks: {
      [networkModeOf(record)]: {
        IPAMConfig: null,
        Links: null,
        Aliases: null,
        NetworkID: '',
        ...NOTHING,
        DriverOpts: null,
      },
    },
  };
}
