import { readFileSync } from 'node:fs';
import { setQueueLength } from '../plan/netlink.js';
import { isLoopback } from '../spec/hosts.js';
import { MTU } from './definition.js';
import { runSteps, startService } from './service.js';

/** The way to the outside: pasta(1). */

/** The interface to the outside, and the addresses on its link; they are in no network that containers can be in. */
export const OUTSIDE = 'outside';
const LINK = { own: '169.254.249.2', router: '169.254.249.1', dns: '169.254.249.3', prefix: 24 } as const;

/** The host, as containers see it: pasta carries connections to it to the loopback address of the host. */
export const HOST_ADDRESS = LINK.router;
/** A name server that is the host's, for where that has a loopback address. */
export const DNS_ADDRESS = LINK.dns;

/** The host's name servers, as far as containers reach them: one on its loopback address is reached by another one. */
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
 * Packets that may wait for pasta. With the usual 500, senders overrun it, and most of what they send is sent again: 0.5 Gbit/s
 * instead of 14.
 */
const QUEUE_LENGTH = 10_000;

/** Connects the holder's network namespace to the outside. @throws FosterError where pasta fails */
export function startPasta(pidfd: number, pid: number, path: string): void {
  const args = [
    ...['--quiet', '--config-net', '--netns-only', '--netns', '/tmp/netns'],
    ...['--ns-ifname', OUTSIDE, '--mtu', String(MTU)],
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--address', LINK.own, '--netmask', String(LINK.prefix)],
    ...['--gateway', LINK.router, '--dns-forward', LINK.dns],
    // root's user namespace looks like the first one, where pasta would become nobody and could do nothing
    ...(process.getuid?.() === 0 ? ['--runas', '0:0'] : []),
  ];
  startService(
    pidfd,
    'up',
    path,
    ['pasta', ...args],
    'connect the networks to the outside',
    `/proc/${pid}/ns/net`,
  );
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
