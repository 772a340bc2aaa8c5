import { familyOf, formatAddress, parseAddress } from '../addresses.js';
import { isAddress } from '../hosts.js';
import type { BuildNetwork, NetworkMode, PortMapping, WantedNetwork } from '../request.js';
import { flagError, unsupportedValue } from './flag.js';
import { parsePasta } from './pasta.js';

/** Options that attach a container to networks. */
export interface NetworkFlags {
  network?: string[];
  ip?: string;
  ip6?: string;
  macAddress?: string;
  networkAlias?: string[];
  publish?: string[];
  publishAll?: boolean;
}

export interface ParsedNetwork {
  network: NetworkMode;
  networks: WantedNetwork[];
  networkContainer?: string;
  networkPath?: string;
  pastaOptions?: string[];
}

/** The default network mode, from the environment variable FOSTER_NETWORK. @throws FosterError */
export function usualNetwork(value: string | undefined): NetworkMode {
  if (value === 'none' || value === 'host') return value;
  if (value === undefined || value === '' || value === 'bridge') return 'bridge';
  throw flagError('FOSTER_NETWORK', value, 'expected none, host or bridge');
}

const EXPECTED =
  'expected none, host, bridge, container:NAME, ns:PATH, pasta:OPTIONS or the name of a network';

/**
 * Parses --network, which may be given several times, with --ip, --ip6, --mac-address and --network-alias.
 * @param usual the mode if no network is given
 * @throws FosterError
 */
export function parseNetworks(flags: NetworkFlags, usual: NetworkMode): ParsedNetwork {
  const values = flags.network ?? [usual];
  const modes = values.filter(
    (value) => value === 'none' || value === 'host' || /^((container|ns):.|pasta(:|$))/.test(value),
  );
  const [mode] = modes;
  if (mode !== undefined && values.length > 1)
    throw flagError('--network', values.join(' '), `${mode} cannot be combined with others`);
  const { ip, ip6, macAddress, networkAlias = [] } = flags;
  if (mode !== undefined) {
    for (const [flag, value] of Object.entries({ '--ip': ip, '--ip6': ip6, '--mac-address': macAddress }))
      if (value !== undefined)
        throw flagError(
          flag,
          value,
          mode.startsWith('pasta')
            ? 'an option of pasta(1) gives the address: pasta:--address,ADDRESS'
            : `the network ${mode} has no addresses of the container's own`,
        );
    if (networkAlias.length > 0)
      throw flagError(
        '--network-alias',
        networkAlias[0] ?? '',
        `with --network ${mode}, nobody looks up names`,
      );
    if (mode === 'none' || mode === 'host') return { network: mode, networks: [] };
    if (/^pasta(:|$)/.test(mode)) return { network: 'pasta', networks: [], pastaOptions: parsePasta(mode) };
    if (mode.startsWith('ns:')) return { network: 'ns', networks: [], networkPath: parseNamespacePath(mode) };
    return { network: 'container', networks: [], networkContainer: mode.slice('container:'.length) };
  }
  const networks = values.map(parseNetworkValue);
  const [first] = networks;
  if (networks.length > 1 && (ip ?? ip6 ?? macAddress) !== undefined)
    throw flagError(
      '--network',
      values.join(' '),
      'with several, give each its own: NAME:ip=ADDRESS,mac=ADDRESS',
    );
  if (first !== undefined) {
    if (ip !== undefined) first.ip = parseIp('--ip', ip, 4);
    if (ip6 !== undefined) first.ip6 = parseIp('--ip6', ip6, 6);
    if (macAddress !== undefined) first.mac = parseMac('--mac-address', macAddress);
  }
  for (const one of networks)
    one.aliases.push(...networkAlias.map((alias) => parseAlias('--network-alias', alias)));
  const names = networks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw flagError('--network', twice, 'it is given twice');
  return { network: 'bridge', networks };
}

function parseNamespacePath(value: string): string {
  const path = value.slice('ns:'.length);
  if (!path.startsWith('/')) throw flagError('--network', value, 'expected ns:PATH with an absolute path');
  return path;
}

/**
 * Parses `build --network`.
 * @param usual the mode if no network is given, or `default`
 * @throws FosterError
 */
export function parseBuildNetwork(value: string | undefined, usual: NetworkMode): BuildNetwork {
  const isUsual = value === undefined || value === 'default';
  if (value?.startsWith('container:'))
    throw unsupportedValue(
      '--network',
      value,
      'RUN cannot join the network of a container',
      'attach that container to a network, and use --network NAME',
    );
  if (value !== undefined && /^(ns:|pasta(:|$))/.test(value))
    throw unsupportedValue(
      '--network',
      value,
      'RUN has networks of foster only',
      'use --network none, host or NAME',
    );
  const { network: mode, networks } = parseNetworks(isUsual ? {} : { network: [value] }, usual);
  return { mode, networks, isUsual };
}

/** Docker's `name=NET,OPTION,...` as Podman's `NET:OPTION,...`. */
function inPodmansWords(value: string): string {
  const words = value.split(',');
  const name = words.find((word) => word.startsWith('name='));
  if (name === undefined || value.includes(':name=')) return value;
  const others = words.filter((word) => word !== name).map((word) => word.replace(/^mac-address=/, 'mac='));
  return `${name.slice('name='.length)}${others.length > 0 ? `:${others.join(',')}` : ''}`;
}

const IFNAME = 'com.docker.network.endpoint.ifname=';

function parseNetworkValue(given: string): WantedNetwork {
  const value = inPodmansWords(given);
  const [name = '', ...rest] = value.split(':');
  const options = rest.join(':');
  if (name === 'slirp4netns')
    throw unsupportedValue(
      '--network',
      value,
      'foster reaches the outside by pasta, which is faster',
      'use --network pasta, or --network bridge',
    );
  if (name === 'private' || name === 'pod' || name === 'ns' || !/^[a-zA-Z0-9][\w.-]*$/.test(name))
    throw flagError('--network', value, EXPECTED);
  const wanted: WantedNetwork = { name: name === 'default' ? 'bridge' : name, aliases: [] };
  for (const option of options === '' ? [] : options.split(',')) {
    const [, key = '', text = ''] = /^([^=]+)=(.+)$/.exec(option) ?? [];
    if (key === 'ip' && familyOf(text) === 6) wanted.ip6 = parseIp('--network', text, 6);
    else if (key === 'ip') wanted.ip = parseIp('--network', text, 4);
    else if (key === 'ip6') wanted.ip6 = parseIp('--network', text, 6);
    else if (key === 'mac') wanted.mac = parseMac('--network', text);
    else if (key === 'alias') wanted.aliases.push(parseAlias('--network', text));
    else if (key === 'gw-priority') wanted.gwPriority = parseGwPriority('--network', text);
    else if (key === 'interface_name') wanted.interfaceName = parseInterfaceName('--network', text);
    else if (key === 'driver-opt') Object.assign(wanted, parseEndpointOption('--network', text));
    else
      throw flagError(
        '--network',
        value,
        'expected NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,gw-priority=NUMBER,interface_name=NAME',
      );
  }
  return wanted;
}

/** Parses --gw-priority: an integer. @throws FosterError */
export function parseGwPriority(flag: string, value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw flagError(flag, value, 'expected a whole number');
  return Number(value);
}

/**
 * Parses an option of Docker's bridge for one container.
 * @throws FosterError for one that means nothing here
 */
export function parseEndpointOption(flag: string, value: string): Pick<WantedNetwork, 'interfaceName'> {
  if (value.startsWith(IFNAME))
    return { interfaceName: parseInterfaceName(flag, value.slice(IFNAME.length)) };
  throw unsupportedValue(
    flag,
    value,
    'of the options of an endpoint, foster has the name of the interface only',
    `${IFNAME}NAME`,
  );
}

/** netdevice(7): IFNAMSIZ. */
function parseInterfaceName(flag: string, value: string): string {
  if (!/^[a-zA-Z][\w.-]{0,14}$/.test(value) || value === 'lo')
    throw flagError(flag, value, 'expected the name of an interface, up to 15 letters and digits');
  return value;
}

/** The address in its canonical form. */
function parseIp(flag: string, value: string, family: 4 | 6): string {
  const address = parseAddress(value);
  if (familyOf(value) !== family || address === undefined)
    throw flagError(flag, value, `expected an IPv${family} address`);
  return formatAddress(address, family);
}

function parseMac(flag: string, value: string): string {
  const isMac = /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value);
  if (!isMac) throw flagError(flag, value, 'expected a MAC address such as 02:42:0a:58:00:05');
  // the lowest bit of the first byte
  if (Number.parseInt(value.slice(0, 2), 16) % 2 === 1)
    throw flagError(
      flag,
      value,
      'it is the address of a group, not of an interface',
      'use one such as 02:42:0a:58:00:05',
    );
  return value.toLowerCase();
}

function parseAlias(flag: string, value: string): string {
  if (!/^[a-zA-Z0-9_]([\w.-]{0,61}[a-zA-Z0-9_])?$/.test(value))
    throw flagError(flag, value, 'expected a host name');
  return value;
}

const EXPECTED_PORT =
  'expected [[IP:]HOST_PORT:]CONTAINER_PORT[/tcp|/udp], ports or ranges such as 8000-8010';
const MOST_PORTS = 1024;

/** Parses a -p value. A range stands for each of its ports. @throws FosterError */
export function parsePublish(value: string): PortMapping[] {
  const [, written = '', protocol = 'tcp'] = /^(.*?)(?:\/(\w+))?$/.exec(value) ?? [];
  if (protocol === 'sctp')
    throw unsupportedValue(
      '--publish',
      value,
      'only TCP and UDP are carried between the host and containers',
    );
  if (protocol !== 'tcp' && protocol !== 'udp') throw flagError('--publish', value, EXPECTED_PORT);
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(written);
  const parts = bracketed ? [bracketed[1] ?? '', ...(bracketed[2] ?? '').split(':')] : written.split(':');
  const inside = portRange(parts.pop() ?? '');
  const outside = parts.length === 0 || (parts.length === 1 && bracketed) ? '' : (parts.pop() ?? '');
  const [hostIp = ''] = parts;
  if (parts.length > 1 || inside === undefined || (hostIp !== '' && !isAddress(hostIp)))
    throw flagError('--publish', value, EXPECTED_PORT);
  const host = outside === '' ? undefined : portRange(outside);
  if (outside !== '' && host === undefined) throw flagError('--publish', value, EXPECTED_PORT);
  const count = inside.end - inside.start + 1;
  if (host !== undefined && host.end - host.start + 1 !== count)
    throw flagError('--publish', value, 'the ranges of the host and of the container have different sizes');
  if (count > MOST_PORTS) throw flagError('--publish', value, `it publishes more than ${MOST_PORTS} ports`);
  return Array.from({ length: count }, (_, index) => ({
    hostIp: hostIp === '0.0.0.0' ? '' : hostIp,
    hostPort: host === undefined ? 0 : host.start + index,
    containerPort: inside.start + index,
    protocol,
  }));
}

function portRange(text: string): { start: number; end: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2] ?? match[1])];
  return start >= 1 && start <= end && end <= 65_535 ? { start, end } : undefined;
}
