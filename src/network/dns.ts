import { closeSync, mkdirSync, readFileSync } from 'node:fs';
import { openPidfd, signalPidfd, waitReadable } from '../sys/libc.js';
import { childrenOf } from '../sys/process.js';
import { findProgram } from '../sys/programs.js';
import type { NetworkDefinition } from './definition.js';
import type { Holder } from './holder.js';
import { hasNames, namesFolder } from './names.js';
import { DNS_ADDRESS, hostNameServers } from './outside.js';
import { startService } from './service.js';

const SIGKILL = 9;

/**
 * Starts dnsmasq(8) for the names of a network, at the addresses of its gateways.
 * @returns why it is not running; undefined if it is running, or if the network should have no names
 */
export function startNameServer({ pidfd }: Holder, network: NetworkDefinition): string | undefined {
  if (!hasNames(network)) return undefined;
  const path = findProgram('dnsmasq');
  if (path === undefined) return 'dnsmasq is not installed; apt-get install dnsmasq-base';
  mkdirSync(namesFolder(network), { recursive: true, mode: 0o700 });
  startService(
    pidfd,
    'unpb',
    path,
    ['dnsmasq', ...argumentsFor(network)],
    `start a name server for the network ${network.name}`,
  );
  return undefined;
}

function argumentsFor(network: NetworkDefinition): string[] {
  const { subnets, dns, isInternal } = network;
  const isForwarded = hostNameServers().includes(DNS_ADDRESS);
  const upstream = isInternal
    ? ['--no-resolv']
    : dns.length > 0
      ? ['--no-resolv', ...dns.map((server) => `--server=${server}`)]
      : isForwarded
        ? ['--no-resolv', `--server=${DNS_ADDRESS}`]
        : ['--resolv-file=/etc/resolv.conf']; // dnsmasq follows changes of this file
  return [
    ...[
      '--conf-file=/dev/null',
      '--no-hosts',
      '--bind-interfaces',
      '--pid-file=',
      '--user=root',
      '--group=root',
    ],
    // names without dots belong to containers, and addresses of private networks have no names outside
    ...['--domain-needed', '--bogus-priv', '--cache-size=1000', '--local-ttl=0'],
    ...subnets.map(({ gateway }) => `--listen-address=${gateway}`),
    nameOption(network),
    ...upstream,
  ];
}

const nameOption = (network: Pick<NetworkDefinition, 'name'>) => `--hostsdir=${namesFolder(network)}`;

/** Milliseconds that the kernel may take to end it. */
const PATIENCE = 5000;

/** Ends the name server of a network, and waits until its addresses are free. */
export function stopNameServer(holder: number, network: Pick<NetworkDefinition, 'name'>): void {
  const wanted = nameOption(network);
  for (const pid of childrenOf(holder)) {
    if (!commandLine(pid).includes(wanted)) continue;
    const pidfd = openPidfd(pid);
    signalPidfd(pidfd, SIGKILL); // this is PID 1 of a namespace, and dnsmasq ends with it
    waitReadable(pidfd, PATIENCE);
    closeSync(pidfd);
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}
