import { closeSync, mkdirSync, readFileSync } from 'node:fs';
import type { HostStep } from '../plan/step.js';
import { openPidfd, signalPidfd, waitReadable } from '../sys/libc.js';
import { notInstalled } from '../sys/packages.js';
import { childrenOf } from '../sys/process.js';
import { findProgram } from '../sys/programs.js';
import type { NetworkDefinition } from './definition.js';
import type { Holder } from './holder.js';
import { hasNames, namesFolder } from './names.js';
import { DNS_ADDRESS, hostNameServers } from './outside.js';
import { runSteps, serviceStep } from './service.js';

const SIGKILL = 9;

/**
 * Starts dnsmasq(8) for the names of a network, at the addresses of its gateways.
 * @returns why it is not running; undefined if it is running, or if the network should have no names
 */
export function startNameServer({ pidfd }: Holder, network: NetworkDefinition): string | undefined {
  if (!hasNames(network)) return undefined;
  return serveNames(pidfd, serviceOf(network), `the network ${network.name}`);
}

/** As `startNameServer`, for a new holder. @returns undefined if that is not possible */
export function nameServerSteps(network: NetworkDefinition): HostStep[] | undefined {
  if (!hasNames(network)) return [];
  const path = findProgram('dnsmasq');
  return path === undefined
    ? undefined
    : [nameServerStep(path, serviceOf(network), `the network ${network.name}`)];
}

function serviceOf(network: NetworkDefinition): NameService {
  return { networks: [network], addresses: network.subnets.map(({ gateway }) => gateway), ...network };
}

/** What a name server answers: the names of containers in these networks, and where it asks for others. */
export interface NameService extends Pick<NetworkDefinition, 'dns' | 'isInternal'> {
  networks: readonly NetworkDefinition[];
  addresses: readonly string[];
}

/** @returns why there is none */
export function serveNames(pidfd: number, service: NameService, what: string): string | undefined {
  const path = findProgram('dnsmasq');
  if (path === undefined) return notInstalled('dnsmasq');
  for (const network of service.networks) mkdirSync(namesFolder(network), { recursive: true, mode: 0o700 });
  runSteps(pidfd, [nameServerStep(path, service, what)]);
  return undefined;
}

function nameServerStep(path: string, service: NameService, what: string): HostStep {
  const argv = ['dnsmasq', ...argumentsFor(service)];
  return serviceStep('unpb', path, argv, `start a name server for ${what}`);
}

function argumentsFor({ networks, addresses, dns, isInternal }: NameService): string[] {
  const isForwarded = hostNameServers().includes(DNS_ADDRESS);
  const upstream = isInternal
    ? ['--no-resolv']
    : dns.length > 0
      ? ['--no-resolv', ...dns.map((server) => `--server=${server}`)]
      : isForwarded
        ? ['--no-resolv', `--server=${DNS_ADDRESS}`]
        : ['--resolv-file=/etc/resolv.conf']; // dnsmasq follows changes of this file
  return [
    ...['--conf-file=/dev/null', '--no-hosts', '--bind-interfaces', '--pid-file=', '--user=', '--group='],
    // names without dots belong to containers, and addresses of private networks have no names outside
    ...['--domain-needed', '--bogus-priv', '--cache-size=1000', '--local-ttl=0'],
    ...addresses.map(listenOption),
    ...networks.map(nameOption),
    ...upstream,
  ];
}

const listenOption = (address: string) => `--listen-address=${address}`;
const nameOption = (network: Pick<NetworkDefinition, 'name'>) => `--hostsdir=${namesFolder(network)}`;

/** Milliseconds that the kernel may take to end it. */
const PATIENCE = 5000;

/** Ends the name servers that know a network, and waits until their addresses are free. */
export function stopNameServer(holder: number, network: Pick<NetworkDefinition, 'name'>): void {
  stopServers(holder, nameOption(network));
}

/** Ends the name server at an address. */
export function stopNameServerAt(holder: number, address: string): void {
  stopServers(holder, listenOption(address));
}

function stopServers(holder: number, wanted: string): void {
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
