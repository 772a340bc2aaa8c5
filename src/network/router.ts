import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { deliverMarked, setUp } from '../plan/netlink.js';
import type { HostStep } from '../plan/step.js';
import { formatSubnet } from '../spec/addresses.js';
import { FosterError } from '../sys/errors.js';
import { notInstalled } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';
import { type NetworkDefinition, rangeOf } from './definition.js';
import { ensureHolder, type Holder, type HolderState, LAYOUT, runInHolder, UNKNOWN_RULES } from './holder.js';
import { connectOutside, OUTSIDE, OWN_ADDRESSES, rulesForThisMachine, WAITING } from './outside.js';
import { programStep, runSteps } from './service.js';
import { readNetwork } from './store.js';

/**
 * Makes the network holder's namespace a router. Each container has its own link to it, with no other container on it. So no
 * container can see the packets of others, or send with their addresses, as it could on a bridge: the router accepts only
 * packets with the source address of their link (rp_filter).
 */

const LOOPBACK = 1;

/*
 * The search for duplicate addresses sends packets without an address. pasta takes the source of the last packet for ours, and would
 * send answers there: in the first second of pasta, those of IPv6 were lost. No link of the router has room for a duplicate.
 */
const SETTINGS = `cd /proc/sys/net || exit
echo 1 > ipv4/ip_forward
echo 1 > ipv4/conf/default/rp_filter
echo 0 > ipv4/conf/all/send_redirects
echo 0 > ipv4/conf/default/send_redirects
[ ! -d ipv6 ] || echo 1 > ipv6/conf/all/forwarding
[ ! -d ipv6 ] || echo 0 > ipv6/conf/default/accept_dad
`;

/** The mark of packets for a connection of foster-init to a published port: src/init/forward.c. */
const DELIVERED = 1;

/** The interfaces to the outside. */
const TO_OUTSIDE = `{ "${OUTSIDE}", "${WAITING}" }`;

/**
 * The rules of nft(8): containers of different networks do not reach each other. For IPv6 they also replace rp_filter, which does not exist there.
 * A link-local address says nothing about the network that its owner is in, so it is only for the link: it would get past all rules below.
 */
const RULES = `table inet foster {
  chain anti-spoofing {
    type filter hook prerouting priority raw;
    iifname "v*" ip6 saddr fe80::/10 ip6 daddr != { fe80::/10, ff02::/16 } drop
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
  chain leave { type nat hook postrouting priority srcnat; }
}
`;

/**
 * What gives outgoing packets the addresses of the holder: the same by both ways, so that a connection may begin on one and go on
 * by the other. To masquerade would be to end it with the interface.
 */
const RULES_FOR_LEAVING = `
add rule inet foster leave oifname ${TO_OUTSIDE} meta nfproto ipv4 snat ip to ${OWN_ADDRESSES[4]}
add rule inet foster leave oifname ${TO_OUTSIDE} meta nfproto ipv6 snat ip6 to ${OWN_ADDRESSES[6]}`;

/** Where an earlier foster has started pasta, with addresses of the host. */
const RULES_BEFORE_WAITING = `add rule inet foster leave oifname "${OUTSIDE}" masquerade`;

/** What the router is made of. Where it changes, a running holder is completed. */
export function ingredients(): string {
  const programs = ['nft', 'pasta'].filter((name) => findProgram(name) !== undefined);
  const digest = createHash('sha256')
    .update(SETTINGS)
    .update(RULES)
    .update(RULES_FOR_LEAVING)
    .digest('hex')
    .slice(0, 16);
  return [digest, ...programs].join(' ');
}

/** The network holder, started and prepared as need be. The caller must hold the lock of the networks. @throws FosterError */
export function networkHolder(): Holder {
  return ensureHolder(ingredients(), prepareRouter);
}

/**
 * Prepares a holder: a new one, or one that an earlier foster has started or that started before a program was installed.
 * Containers may be connected to it, so pasta and the name servers that run are left alone.
 */
function prepareRouter(pidfd: number, state: HolderState): void {
  const nft = findProgram('nft');
  runSteps(pidfd, settingSteps());
  if (nft === undefined) {
    if (state.outside !== true) state.outside = notInstalled('nft');
    return;
  }
  if (state.outside !== true) state.layout = LAYOUT;
  const leaving = state.layout === LAYOUT ? RULES_FOR_LEAVING : RULES_BEFORE_WAITING;
  // in one transaction, so that there are always rules
  const shared = [RULES, leaving, rulesForThisMachine()];
  const anew = ['add table inet foster', 'delete table inet foster', ...shared, rulesOfAll(state)];
  const known = state.resolvers?.rules ?? '';
  const rules = [...anew, ...(known === UNKNOWN_RULES ? [] : [known])];
  runInHolder(pidfd, nft, ['nft', '-f', '-'], `${rules.join('\n')}\n`);
  runSteps(pidfd, deliverySteps());
  if (state.outside !== true) state.outside = leadOutside(pidfd);
}

/** Makes a new holder a router that knows these networks. */
export function routerSteps(nft: string, networks: readonly NetworkDefinition[]): HostStep[] {
  const rules = [RULES, RULES_FOR_LEAVING, rulesForThisMachine(), ...networks.map(rulesOf)].join('\n');
  return [
    ...settingSteps(),
    programStep(nft, ['nft', rules], 'make the rules of the networks'),
    ...deliverySteps(),
  ];
}

function settingSteps(): HostStep[] {
  const why = 'prepare the networks';
  return [
    programStep('/bin/sh', ['sh', '-c', SETTINGS], why),
    { kind: 'netlink', where: 'holder', messages: setUp(LOOPBACK), call: 'ip link set lo up', why },
  ];
}

function deliverySteps(): HostStep[] {
  const families = existsSync('/proc/net/if_inet6') ? ([4, 6] as const) : ([4] as const);
  return families.map((family) => {
    const ip = family === 4 ? 'ip' : 'ip -6';
    return {
      kind: 'netlink',
      where: 'holder',
      messages: deliverMarked(family, DELIVERED),
      call: `${ip} rule add fwmark ${DELIVERED} lookup 100; ${ip} route add local default dev lo table 100`,
      why: `let published ports show the IPv${family} addresses of clients`,
    };
  });
}

/** @returns true, or why there is no way to the outside */
function leadOutside(pidfd: number): HolderState['outside'] {
  const pasta = findProgram('pasta');
  if (pasta === undefined) return notInstalled('pasta');
  try {
    connectOutside(pidfd, pasta);
    return true;
  } catch (error) {
    if (!(error instanceof FosterError)) throw error;
    return error.message;
  }
}

/** The rules for all networks that a holder connects. */
export function rulesOfAll({ networks }: Pick<HolderState, 'networks'>): string {
  const connected = Object.entries(networks).flatMap(([name, id]) => {
    const network = readNetwork(name);
    return network?.id === id ? [rulesOf(network)] : [];
  });
  return connected.join('\n');
}

/** The rules for what a network's containers may reach: each other, the gateway, and the outside. */
export function rulesOf({ subnets, isInternal }: NetworkDefinition): string {
  return subnets
    .map((each) => {
      const { family, subnet } = rangeOf(each);
      const ip = family === 4 ? 'ip' : 'ip6';
      const text = formatSubnet(subnet);
      // fe80::/10: neighbour discovery
      const router = family === 4 ? each.gateway : `{ ${each.gateway}, fe80::/10, ff02::/16 }`;
      return `
add rule inet foster to-router ${ip} saddr ${text} ${ip} daddr != ${router} drop
add rule inet foster between ${ip} saddr ${text} oifname != ${TO_OUTSIDE} ${ip} daddr != ${text} drop
${isInternal ? `add rule inet foster between ${ip} saddr ${text} oifname ${TO_OUTSIDE} drop` : ''}`;
    })
    .join('\n');
}
