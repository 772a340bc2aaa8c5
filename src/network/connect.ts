import { closeSync, readFileSync } from 'node:fs';
import { hostResults, runHostSteps } from '../launch/host-steps.js';
import { addAddress, addRoute, setUp } from '../plan/netlink.js';
import type { HostStep } from '../plan/step.js';
import { addressBytes, formatSubnet } from '../spec/addresses.js';
import { isLoopback } from '../spec/hosts.js';
import { FosterError } from '../sys/errors.js';
import { waitForChild } from '../sys/libc.js';
import { findProgram } from '../sys/programs.js';
import { type NetworkDefinition, rangeOf } from './definition.js';
import { type Holder, type HolderState, recordNetworks, runInHolder } from './holder.js';

/**
 * What makes the network holder's namespace a router: each container has a link of its own to it, and no other container
 * is on that link. So none can see or forge what others send, as it could on a bridge: the router passes on only what
 * comes from the address that the link has (rp_filter).
 */

/** The interface to the outside, and the addresses on its link; they are in no network that containers can be in. */
const OUTSIDE = 'outside';
const LINK = { own: '169.254.249.2', router: '169.254.249.1', dns: '169.254.249.3', prefix: 24 } as const;

/** The host, as containers see it: pasta carries connections to it to the loopback address of the host. */
export const HOST_ADDRESS = LINK.router;
/** A name server that is the host's, for where that has a loopback address. */
export const DNS_ADDRESS = LINK.dns;

/** Bytes; at 1500 pasta carries a hundredth of what it does with this. */
export const MTU = 65520;

const SETTINGS = `cd /proc/sys/net || exit
echo 1 > ipv4/ip_forward
echo 1 > ipv4/conf/default/rp_filter
echo 0 > ipv4/conf/all/send_redirects
echo 0 > ipv4/conf/default/send_redirects
[ ! -d ipv6 ] || echo 1 > ipv6/conf/all/forwarding
`;

/**
 * nft(8): what leaves has the address of the holder, and containers of different networks do not reach each other. IPv6
 * has no rp_filter.
 */
const RULES = `table inet foster {
  chain anti-spoofing {
    type filter hook prerouting priority raw;
    iifname "v*" meta nfproto ipv6 ip6 saddr != fe80::/10 fib saddr . iif oif missing drop
  }
  chain input { type filter hook input priority filter; iifname "v*" jump to-router; }
  chain to-router { }
  chain forward { type filter hook forward priority filter; iifname "v*" jump between; }
  chain between { }
  chain leave { type nat hook postrouting priority srcnat; oifname "${OUTSIDE}" masquerade; }
}
`;

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

/** Prepares a new holder. @returns whether there is a way to the outside, or why not */
export function prepareHolder(pidfd: number, pid: number): HolderState['outside'] {
  const nft = findProgram('nft');
  runInHolder(pidfd, '/bin/sh', ['sh', '-s'], SETTINGS);
  runSteps(pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: setUp(LOOPBACK),
      call: 'ip link set lo up',
      why: 'prepare the network',
    },
  ]);
  if (nft === undefined) return 'nft is not installed; apt-get install nftables';
  runInHolder(pidfd, nft, ['nft', '-f', '-'], RULES);
  const pasta = findProgram('pasta');
  if (pasta === undefined) return 'pasta is not installed; apt-get install passt';
  try {
    startPasta(pidfd, pid, pasta);
    return true;
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    return error.message;
  }
}

function startPasta(pidfd: number, pid: number, path: string): void {
  const args = [...pastaLink(), '--tcp-ports', 'none', '--udp-ports', 'none'];
  startService(
    pidfd,
    'up',
    path,
    ['pasta', ...args],
    'connect the networks to the outside',
    `/proc/${pid}/ns/net`,
  );
}

/**
 * Arguments of pasta(1) for the interface to the outside.
 */
export function pastaLink(): string[] {
  return [
    ...['--quiet', '--config-net', '--netns-only', '--netns', '/tmp/netns'],
    ...['--ns-ifname', OUTSIDE, '--mtu', String(MTU), '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--address', LINK.own, '--netmask', String(LINK.prefix)],
    ...['--gateway', LINK.router, '--dns-forward', LINK.dns],
  ];
}

/** Starts a program that belongs to the holder and ends with it. @throws FosterError */
export function startService(
  pidfd: number,
  flags: string,
  path: string,
  argv: string[],
  why: string,
  netns = '-',
): void {
  const [name = ''] = argv;
  runSteps(pidfd, [
    {
      kind: 'start',
      name,
      args: ['serve', flags, netns, path, ...argv],
      call: `execve(${JSON.stringify(path)}, ...)`,
      why,
      parts: { 0: { why } },
      stopTimeout: 0,
      earlyExit: { errnos: [], why: '', advice: '' },
    },
  ]);
}

function runSteps(pidfd: number, steps: HostStep[]): void {
  const work = runHostSteps(steps, { pid: 0, holder: pidfd });
  for (const [index, result] of hostResults(work).entries())
    if (steps[index]?.kind === 'start' && result > 0) waitForChild(result); // it continues in a child
  if (work.output !== undefined) closeSync(work.output);
}

/** Connects a network to the holder, if it is not yet. To be called with the lock of the networks. @throws FosterError */
export function connectNetwork(holder: Holder, network: NetworkDefinition): void {
  if (holder.state.networks[network.name] === network.id) return;
  const ranges = network.subnets.map(rangeOf);
  const messages = ranges.flatMap(({ family, subnet, gateway }) => [
    addAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
    addRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
  ]);
  const text = ranges.map(({ subnet }) => formatSubnet(subnet)).join(', ');
  runSteps(holder.pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: Buffer.concat(messages),
      call: `ip route add unreachable ${text}`,
      why: `prepare the network ${network.name}`,
    },
  ]);
  const nft = findProgram('nft');
  if (nft !== undefined) runInHolder(holder.pidfd, nft, ['nft', '-f', '-'], rulesOf(network));
  holder.state.networks[network.name] = network.id;
  recordNetworks(holder);
}

const LOOPBACK = 1;

/** What a network's containers may reach: each other, its gateway, and the outside. */
function rulesOf({ subnets, isInternal }: NetworkDefinition): string {
  return subnets
    .map((each) => {
      const { family, subnet } = rangeOf(each);
      const ip = family === 4 ? 'ip' : 'ip6';
      const text = formatSubnet(subnet);
      return `
add rule inet foster to-router ${ip} saddr ${text} ${ip} daddr != ${each.gateway} drop
add rule inet foster between ${ip} saddr ${text} oifname != "${OUTSIDE}" ${ip} daddr != ${text} drop
${isInternal ? `add rule inet foster between ${ip} saddr ${text} oifname "${OUTSIDE}" drop` : ''}`;
    })
    .join('\n');
}
