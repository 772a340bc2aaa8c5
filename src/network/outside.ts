import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setQueueLength } from '../plan/netlink.js';
import { isLoopback } from '../spec/hosts.js';
import { MTU } from './definition.js';
import { runSteps, startService } from './service.js';

/** The way to the outside: pasta(1). */

/** The interface to the outside, and the addresses on its link, which no network of containers can have. */
export const OUTSIDE = 'outside';
const LINK = { own: '169.254.249.2', router: '169.254.249.1', dns: '169.254.249.3', prefix: 24 } as const;

/**
 * The address at which containers reach the host: that of the interface with the default route, else any that is not a
 * loopback address. Services that listen only on 127.0.0.1 are for programs of the host, and out of reach.
 */
export function hostAddress(): string {
  const addresses = Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.flatMap(({ family, internal, address }) =>
      family === 'IPv4' && !internal ? [{ name, address }] : [],
    ),
  );
  const outward = defaultInterface();
  return (addresses.find(({ name }) => name === outward) ?? addresses[0])?.address ?? LINK.router;
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
 * The number of packets that may wait for pasta. With the usual 500, senders overrun it, and most packets are sent again: pasta
 * alone carried 0.5 Gbit/s, and 14 with this.
 */
export const QUEUE_LENGTH = 10_000;

/**
 * The folder in which pasta finds the network namespace. Its AppArmor profile in Debian and Ubuntu (abstractions/pasta) lets it
 * open namespaces only in /run/user/UID/netns. Without systemd there is no such folder.
 */
const CONFINED_TOP = '/run/user';

/** Connects the holder's network namespace to the outside. @throws FosterError if pasta fails */
export function startPasta(pidfd: number, pid: number, path: string): void {
  const top = existsSync(CONFINED_TOP) ? CONFINED_TOP : '/tmp';
  const args = [
    ...['--quiet', '--config-net', '--netns-only', '--netns', join(top, '0/netns/foster')],
    ...['--ns-ifname', OUTSIDE, '--mtu', String(MTU)],
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--address', LINK.own, '--netmask', String(LINK.prefix)],
    // --no-map-gw: the gateway must not lead to the host's loopback address
    ...['--gateway', LINK.router, '--no-map-gw', '--dns-forward', LINK.dns],
    // root's user namespace looks like the initial one, so pasta would become the user nobody, without any rights
    ...(process.getuid?.() === 0 ? ['--runas', '0:0'] : []),
  ];
  startService(pidfd, 'up', path, ['pasta', ...args], 'connect the networks to the outside', {
    netns: `/proc/${pid}/ns/net`,
    top,
  });
  runSteps(pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: setQueueLength(OUTSIDE, QUEUE_LENGTH),
      call: `ip link set ${OUTSIDE} txqueuelen ${QUEUE_LENGTH}`,
      why: 'prepare the way to the outside',
    },
  ]);
}
