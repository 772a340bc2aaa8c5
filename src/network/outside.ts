import { existsSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { addAddress, addRoute, omitLinkLocal, setUp } from '../plan/netlink.js';
import type { HostStep } from '../plan/step.js';
import { addressBytes, parseAddress } from '../spec/addresses.js';
import { isLoopback } from '../spec/hosts.js';
import { visible } from '../spec/parse/flag.js';
import { wire } from '../sys/wire-constants.js';
import { MTU } from './definition.js';
import { networksFolder } from './folder.js';
import { runSteps, serviceStep } from './service.js';

/** The way to the outside: pasta(1). */

/** The interface of pasta, and the one whose packets wait until it runs: src/init/outside.c. */
export const OUTSIDE = wire.OUTSIDE_DEVICE;
export const WAITING = wire.WAITING_DEVICE;

/** The addresses on its link, which no network of containers can have. */
const LINK = { own: '169.254.249.2', router: '169.254.249.1', dns: '169.254.249.3', prefix: 24 } as const;
const LINK6 = { own: 'fd66:6f73:7465:73::2', router: 'fd66:6f73:7465:73::1' } as const;

/** The addresses with which packets leave. */
export const OWN_ADDRESSES = { 4: LINK.own, 6: LINK6.own } as const;

/**
 * The address at which containers reach the host: that of the interface with the default route, else any that is not a
 * loopback address. Services that listen only on 127.0.0.1 are for programs of the host, and out of reach.
 */
export function hostAddress(): string {
  const addresses = ownAddresses(4);
  const outward = defaultInterface();
  return (addresses.find(({ name }) => name === outward) ?? addresses[0])?.address ?? LINK.router;
}

/** The addresses of this machine that are not of the loopback interface, with the names of their interfaces. */
function ownAddresses(wanted: 4 | 6): { name: string; address: string }[] {
  return Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.flatMap(({ family, internal, address }) =>
      family === `IPv${wanted}` && !internal ? [{ name, address }] : [],
    ),
  );
}

/** What TCP connections from containers to this machine may have on their way, in bytes: two packets of the largest size. */
const MAX_ON_THE_WAY = 2 * 65536;

/**
 * The rules of nft(8) for connections to this machine. pasta promises as much room there as the receiver has, and drops what
 * its socket does not take; then the sender finds out by timeouts only. A sender in pasta's own namespace waits for pasta to
 * read each packet, but one behind a router does not. So the promise is made smaller. The windows of what is farther away, where
 * it would cost speed, are those of pasta's sockets.
 */
export function rulesForThisMachine(): string {
  const scale = windowScale();
  const rule = (family: 4 | 6) =>
    limitWindows(
      family,
      ownAddresses(family).map(({ address }) => address),
      scale,
    );
  return `${rule(4)}\n${rule(6)}`;
}

/**
 * The rule for addresses of one family.
 * @param scale by how many bits windows are shifted
 * @returns an empty text if none is needed
 */
export function limitWindows(family: 4 | 6, addresses: readonly string[], scale: number): string {
  const LARGEST = 0xffff; // in a packet
  const window = MAX_ON_THE_WAY >> scale;
  if (addresses.length === 0 || window > LARGEST) return '';
  const from = `${family === 4 ? 'ip' : 'ip6'} saddr { ${[...new Set(addresses)].join(', ')} }`;
  return `add rule inet foster forward iifname "${OUTSIDE}" ${from} tcp flags & syn == 0 tcp window > ${window} tcp window set ${window}`;
}

/**
 * By how many bits pasta shifts windows: as this machine does (tcp_select_initial_window() in net/ipv4/tcp_output.c), and by 8 at
 * most.
 */
function windowScale(): number {
  const sizes = ['ipv4/tcp_rmem', 'core/rmem_max'].flatMap((name) => {
    try {
      return Number(readFileSync(`/proc/sys/net/${name}`, 'latin1').trim().split(/\s+/).at(-1));
    } catch {
      return []; // an older kernel shows the second only outside of network namespaces
    }
  });
  return Math.min(Math.max(Math.floor(Math.log2(Math.max(...sizes, 1))) - 15, 0), 8);
}

/** The interface of the host's default route. */
export function defaultInterface(): string | undefined {
  return defaultRoute()?.[0];
}

/** The gateway of the host's default route; undefined if it has none. */
export function defaultGateway(): string | undefined {
  const text = defaultRoute()?.[2];
  if (text === undefined || !/^[0-9A-F]{8}$/i.test(text)) return undefined;
  return [...Buffer.from(text, 'hex').reverse()].join('.');
}

/** proc_pid_net(5), "route": interface, destination, gateway ... */
function defaultRoute(): string[] | undefined {
  try {
    const rows = readFileSync('/proc/net/route', 'utf8').split('\n').slice(1);
    return rows.map((row) => row.split('\t')).find(([, destination]) => destination === '00000000');
  } catch {
    return undefined;
  }
}

/** proc_pid_net(5), "ipv6_route": destination, its prefix ... flags, interface. */
function hasDefaultRoute6(): boolean {
  const REJECTS = 0x200;
  try {
    const rows = readFileSync('/proc/net/ipv6_route', 'utf8').split('\n');
    return rows.some((row) => {
      const [destination = '', prefix, , , , , , , flags = ''] = row.split(/\s+/);
      return /^0{32}$/.test(destination) && prefix === '00' && (Number.parseInt(flags, 16) & REJECTS) === 0;
    });
  } catch {
    return false;
  }
}

/** An address for the host's name server, if that has a loopback address. */
export const DNS_ADDRESS = LINK.dns;

/** The host's name servers. Containers reach a server with a loopback address at another address. */
export function hostNameServers(): string[] {
  let text = '';
  try {
    text = readFileSync('/etc/resolv.conf', 'utf8');
  } catch {
    return [];
  }
  const servers = [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server = '']) => server);
  return servers.some(isLoopback) ? [DNS_ADDRESS] : servers;
}

/**
 * The folder in which pasta finds the network namespace. Its AppArmor profile in Debian and Ubuntu (abstractions/pasta) lets it
 * open namespaces only in /run/user/UID/netns. Without systemd there is no such folder.
 */
const CONFINED_TOP = '/run/user';

type Families = Record<4 | 6, boolean>;

/**
 * Connects the holder's network namespace to the outside: pasta is to start with the first packet. Where this machine reaches nobody,
 * it starts at once, so that what it says about that is known.
 * @throws FosterError
 */
export function connectOutside(pidfd: number, pasta: string): void {
  const families = familiesOutside();
  rmSync(failureFile(), { force: true });
  runSteps(pidfd, families[4] || families[6] ? outsideSteps(families, pasta) : [pastaStep(pasta, families)]);
}

/** The address families with which this machine reaches others. */
export function familiesOutside(): Families {
  return { 4: defaultRoute() !== undefined, 6: hasDefaultRoute6() };
}

/** Has pasta start with the first packet to the outside. */
export function outsideSteps(families: Families, pasta: string): HostStep[] {
  return [
    pastaStep(pasta, families, { reports: networksFolder() }),
    {
      kind: 'netlink',
      where: 'holder',
      messages: leadToWaiting(families),
      call: `ip route add default dev ${WAITING} metric ${LAST}`,
      why: 'prepare the way to the outside',
    },
  ];
}

const failureFile = () => join(networksFolder(), wire.OUTSIDE_FAILURE);

/** Why pasta could not be started for the last packet that wanted to leave; undefined if there was no such packet. */
export function outsideFailure(): string | undefined {
  try {
    const text = readFileSync(failureFile(), 'utf8');
    return text === '' ? undefined : `pasta has failed: ${visible(text)}`;
  } catch {
    return undefined;
  }
}

/** The metric of the routes to WAITING: those of pasta are better. */
const LAST = 0x7fffffff;

function leadToWaiting(families: Families): Buffer {
  const index = wire.WAITING_INDEX;
  const lead = (address: string, family: 4 | 6) => {
    const own = addressBytes(parseAddress(address) ?? 0n, family);
    const destination = Buffer.alloc(own.length);
    // the address is for what the router itself sends, such as questions for names
    return [
      addAddress(index, own, own.length * 8),
      addRoute({ destination, prefix: 0, index, metric: LAST }),
    ];
  };
  return Buffer.concat([
    ...(existsSync('/proc/net/if_inet6') ? [omitLinkLocal(index)] : []),
    setUp(index, MTU),
    ...(families[4] ? lead(LINK.own, 4) : []),
    ...(families[6] ? lead(LINK6.own, 6) : []),
  ]);
}

/** @param mode.reports it starts with the first packet, and not at once: the folder for a failure */
function pastaStep(path: string, families: Families, mode: { reports?: string } = {}): HostStep {
  const top = existsSync(CONFINED_TOP) ? CONFINED_TOP : '/tmp';
  const args = [
    ...['--quiet', '--config-net', '--netns-only', '--netns', join(top, '0/netns/foster')],
    ...['--ns-ifname', OUTSIDE, '--mtu', String(MTU)],
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--address', LINK.own, '--netmask', String(LINK.prefix), '--gateway', LINK.router],
    ...(families[6] ? ['--address', LINK6.own, '--gateway', LINK6.router] : []),
    // --no-map-gw: the gateway must not lead to the host's loopback address
    ...['--no-map-gw', '--dns-forward', LINK.dns],
    // root's user namespace looks like the initial one, so pasta would become the user nobody, without any rights
    ...(process.getuid?.() === 0 ? ['--runas', '0:0'] : []),
  ];
  return serviceStep('up', path, ['pasta', ...args], 'connect the networks to the outside', { top, ...mode });
}
