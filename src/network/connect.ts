import { closeSync, existsSync } from 'node:fs';
import { addAddress, addRoute, deleteAddress, deleteRoute, deliverMarked, setUp } from '../plan/netlink.js';
import { addressBytes, formatSubnet } from '../spec/addresses.js';
import { FosterError } from '../sys/errors.js';
import { faultPoint } from '../sys/fault.js';
import { findProgram } from '../sys/programs.js';
import { type NetworkDefinition, rangeOf } from './definition.js';
import { startNameServer, stopNameServer } from './dns.js';
import {
  ensureHolder,
  type Holder,
  type HolderState,
  holderState,
  recordNetworks,
  runInHolder,
} from './holder.js';
import { removeNames, withdrawStaleNames } from './names.js';
import { OUTSIDE, startPasta } from './outside.js';
import { answerFromAllNetworks, forgetResolvers } from './resolvers.js';
import { runSteps } from './service.js';
import { readNetwork } from './store.js';

/**
 * Makes the network holder's namespace a router. Each container has its own link to it, with no other container on it. So no
 * container can see the packets of others, or send with their addresses, as it could on a bridge: the router accepts only
 * packets with the source address of their link (rp_filter).
 */

const SETTINGS = `cd /proc/sys/net || exit
echo 1 > ipv4/ip_forward
echo 1 > ipv4/conf/default/rp_filter
echo 0 > ipv4/conf/all/send_redirects
echo 0 > ipv4/conf/default/send_redirects
[ ! -d ipv6 ] || echo 1 > ipv6/conf/all/forwarding
`;

/** The mark of packets for a connection of foster-init to a published port: src/init/forward.c. */
const DELIVERED = 1;

/**
 * The rules of nft(8): outgoing packets get the address of the holder, and containers of different networks do not reach
 * each other. For IPv6 they also replace rp_filter, which does not exist there.
 */
const RULES = `table inet foster {
  chain anti-spoofing {
    type filter hook prerouting priority raw;
    iifname "v*" meta nfproto ipv6 ip6 saddr != fe80::/10 fib saddr . iif oif missing drop
  }
  chain deliver {
    type filter hook prerouting priority mangle;
    iifname "v*" meta l4proto { tcp, udp } socket transparent 1 meta mark set ${DELIVERED}
  }
  chain names { type nat hook prerouting priority dstnat; }
  chain input {
    type filter hook input priority filter
    iifname "v*" ct status dnat accept
    iifname "v*" meta mark != ${DELIVERED} jump to-router
  }
  chain to-router { }
  chain forward { type filter hook forward priority filter; iifname "v*" jump between; }
  chain between { }
  chain leave { type nat hook postrouting priority srcnat; oifname "${OUTSIDE}" masquerade; }
}
`;

/** Prepares a new holder. @returns true, or why there is no way to the outside */
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
  runSteps(pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: deliverMarked(4, DELIVERED),
      call: `ip rule add fwmark ${DELIVERED} lookup 100; ip route add local default dev lo table 100`,
      why: 'let published ports show the addresses of clients',
    },
    ...(existsSync('/proc/net/if_inet6')
      ? [
          {
            kind: 'netlink' as const,
            where: 'holder' as const,
            messages: deliverMarked(6, DELIVERED),
            call: `ip -6 rule add fwmark ${DELIVERED} lookup 100; ip -6 route add local default dev lo table 100`,
            why: 'let published ports show the addresses of IPv6 clients',
          },
        ]
      : []),
  ]);
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

/**
 * Connects a network to the holder, unless it is connected already. The caller must hold the lock of the networks.
 * @param isAlive whether the container with that id is running
 * @returns why containers have no names in the network; undefined if they have, or if the network should have no names
 * @throws FosterError
 */
export function connectNetwork(
  holder: Holder,
  network: NetworkDefinition,
  isAlive: (id: string) => boolean,
): string | undefined {
  withdrawStaleNames(network, isAlive);
  if (holder.state.networks[network.name] === network.id) return undefined;
  const ranges = network.subnets.map(rangeOf);
  // a killed command may have left a name server
  stopNameServers(holder, network);
  const messages = ranges.flatMap(({ family, subnet, gateway }) => [
    deleteAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
    deleteRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
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
  const missing = startNameServer(holder, network);
  faultPoint('network connected');
  holder.state.networks[network.name] = network.id;
  recordNetworks(holder);
  return missing;
}

/**
 * Has the name servers of a network ask others from now on, if it is connected. To be called with the lock of the networks.
 * @param isAlive whether the container with that id runs
 * @throws FosterError
 */
export function renewNameServer(network: NetworkDefinition, isAlive: (id: string) => boolean): void {
  if (holderState()?.networks[network.name] !== network.id) return;
  const holder = ensureHolder(prepareHolder); // our lock keeps it from ending
  try {
    if (holder.state.networks[network.name] !== network.id) return;
    // where this is killed, the next container connects it anew
    delete holder.state.networks[network.name];
    forgetResolvers(holder, network);
    recordNetworks(holder);
    stopNameServer(holder.state.pid, network);
    faultPoint('name server stopped');
    startNameServer(holder, network);
    holder.state.networks[network.name] = network.id;
    recordNetworks(holder);
    faultPoint('name server started');
    answerFromAllNetworks(holder, isAlive);
  } finally {
    closeSync(holder.pidfd);
    closeSync(holder.lock);
  }
}

/**
 * Undoes `connectNetwork` for a network that no container uses any more, so that another network can have its name and its
 * addresses. The caller must hold the lock of the networks.
 * @throws FosterError
 */
export function forgetNetwork(network: NetworkDefinition): void {
  if (holderState() !== undefined) {
    const holder = ensureHolder(prepareHolder); // our lock keeps it from ending
    try {
      removeFrom(holder, network);
    } finally {
      closeSync(holder.pidfd);
      closeSync(holder.lock);
    }
  }
  removeNames(network);
}

function stopNameServers(holder: Holder, network: NetworkDefinition): void {
  if (forgetResolvers(holder, network)) recordNetworks(holder);
  stopNameServer(holder.state.pid, network);
}

function removeFrom(holder: Holder, network: NetworkDefinition): void {
  // comes first: if we are killed after this, the next container connects the network again
  if (holder.state.networks[network.name] === network.id) delete holder.state.networks[network.name];
  forgetResolvers(holder, network);
  recordNetworks(holder);
  stopNameServer(holder.state.pid, network);
  const ranges = network.subnets.map(rangeOf);
  const messages = ranges.flatMap(({ family, subnet, gateway }) => [
    deleteRoute({ destination: addressBytes(subnet.base, family), prefix: subnet.prefix }),
    deleteAddress(LOOPBACK, addressBytes(gateway, family), family === 4 ? 32 : 128),
  ]);
  runSteps(holder.pidfd, [
    {
      kind: 'netlink',
      where: 'holder',
      messages: Buffer.concat(messages),
      call: `ip route delete ${ranges.map(({ subnet }) => formatSubnet(subnet)).join(', ')}`,
      why: `remove the network ${network.name}`,
    },
  ]);
  faultPoint('network disconnected');
  const nft = findProgram('nft');
  const others = Object.entries(holder.state.networks).flatMap(([name, id]) => {
    const other = readNetwork(name);
    return other?.id === id ? [rulesOf(other)] : [];
  });
  // in one transaction, so that the rules always apply
  const rules = ['flush chain inet foster to-router', 'flush chain inet foster between', ...others];
  if (nft !== undefined) runInHolder(holder.pidfd, nft, ['nft', '-f', '-'], `${rules.join('\n')}\n`);
}

const LOOPBACK = 1;

/** The rules for what a network's containers may reach: each other, the gateway, and the outside. */
function rulesOf({ subnets, isInternal }: NetworkDefinition): string {
  return subnets
    .map((each) => {
      const { family, subnet } = rangeOf(each);
      const ip = family === 4 ? 'ip' : 'ip6';
      const text = formatSubnet(subnet);
      // fe80::/10: neighbour discovery
      const router = family === 4 ? each.gateway : `{ ${each.gateway}, fe80::/10, ff02::/16 }`;
      return `
add rule inet foster to-router ${ip} saddr ${text} ${ip} daddr != ${router} drop
add rule inet foster between ${ip} saddr ${text} oifname != "${OUTSIDE}" ${ip} daddr != ${text} drop
${isInternal ? `add rule inet foster between ${ip} saddr ${text} oifname "${OUTSIDE}" drop` : ''}`;
    })
    .join('\n');
}
