import { existsSync } from 'node:fs';
import { MTU } from '../network/definition.js';
import { defaultGateway, defaultInterface, hostAddress } from '../network/outside.js';
import type { HostEntry, PortMapping } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { installCommand } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';
import type { Attachment, NetworkDraft } from './network-draft.js';
import type { ContainerRecord } from './record.js';

/** `--network pasta`: a pasta(1) connects the container alone, with options of the person's choice. */

/** Where the container's name server is, unless an option says otherwise: Podman's address. */
const DNS = '169.254.1.1';

/**
 * How many packets may wait for pasta. With the usual 500, a sender overruns it, and most packets are sent again: connections to this
 * machine carried 0.5 Gbit/s, and 14 with this.
 */
const QUEUE_LENGTH = 10_000;

/** Where pasta finds the network namespace: src/network/outside.ts. */
const TOPS = ['/run/user', '/tmp'];

/** @throws FosterError where the container cannot have a pasta of its own */
export function checkPasta({ spec }: Pick<ContainerRecord, 'spec'>): void {
  if (spec.linux.namespaces.some(({ type }) => type === 'user')) return;
  throw new FosterError('--network pasta and --userns host cannot be used together', {
    kind: 'unsupported',
    advice: 'pasta would have all rights of root: use --network host',
  });
}

/** @throws FosterError where pasta is not installed */
export function connectByPasta(
  { published = [], network: { hostname } }: NetworkDraft,
  options: readonly string[],
): Attachment {
  const path = findProgram('pasta');
  if (path === undefined)
    throw new FosterError('cannot connect the container to the outside: pasta is not installed', {
      kind: 'unsupported',
      advice: installCommand('pasta'),
    });
  const top = TOPS.find((folder) => existsSync(folder)) ?? '/';
  const argv = ['pasta', ...argumentsFor(options, published, `${top}/0/netns/foster`)];
  return {
    pasta: {
      name: 'pasta',
      args: ['attend', top, path, ...argv],
      device: givenValue(options, '--ns-ifname') ?? givenValue(options, '-I') ?? defaultInterface() ?? 'tap0',
      queueLength: QUEUE_LENGTH,
      call: `execve(${JSON.stringify(path)}, ${JSON.stringify(argv)})`,
    },
    lock: undefined,
    hosts: [...hostEntries(options), { name: hostname, address: '127.0.1.1' }],
    dns: [givenValue(options, '--dns-forward') ?? DNS],
    leases: [],
    names: [],
  };
}

/** Podman's defaults: nothing is forwarded, and nothing of the host's loopback is there, unless an option says so. */
function argumentsFor(options: readonly string[], ports: readonly PortMapping[], netns: string): string[] {
  const has = (...names: string[]) =>
    options.some((option) => names.some((name) => option === name || option.startsWith(`${name}=`)));
  const ofPodman = options.filter((option) => option !== '--map-gw' && option !== '--config-net');
  const forwarded = ports.flatMap((port) => [port.protocol === 'tcp' ? '-t' : '-u', portWord(port)]);
  const hasPort = (protocol: PortMapping['protocol']) => ports.some((port) => port.protocol === protocol);
  return [
    '--config-net',
    ...ofPodman,
    ...forwarded,
    ...(has('-t', '--tcp-ports') || hasPort('tcp') ? [] : ['-t', 'none']),
    ...(has('-u', '--udp-ports') || hasPort('udp') ? [] : ['-u', 'none']),
    ...(has('-T', '--tcp-ns') ? [] : ['-T', 'none']),
    ...(has('-U', '--udp-ns') ? [] : ['-U', 'none']),
    ...(has('-m', '--mtu') ? [] : ['--mtu', String(MTU)]),
    ...(has('--dns-forward') ? [] : ['--dns-forward', DNS]),
    ...(has('--map-gw', '--no-map-gw') ? [] : ['--no-map-gw']),
    ...(has('-q', '--quiet') ? [] : ['--quiet']),
    '--netns-only',
    '--netns',
    netns,
  ];
}

/** `127.0.0.1/8080:80` */
function portWord({ hostIp, hostPort, containerPort }: PortMapping): string {
  return `${hostIp === '' ? '' : `${hostIp}/`}${hostPort}:${containerPort}`;
}

/** The container has addresses of the host, so there is a way to that only by another one. */
function hostEntries(options: readonly string[]): HostEntry[] {
  const gateway = givenValue(options, '--gateway') ?? givenValue(options, '-g') ?? defaultGateway();
  const hasOwn = (givenValue(options, '--address') ?? givenValue(options, '-a')) !== undefined;
  const address = options.includes('--map-gw') ? gateway : hasOwn ? hostAddress() : undefined;
  return address === undefined
    ? []
    : ['host.containers.internal', 'host.docker.internal'].map((name) => ({ name, address }));
}

function givenValue(options: readonly string[], name: string): string | undefined {
  const at = options.findIndex((option) => option === name || option.startsWith(`${name}=`));
  return at < 0 ? undefined : options[at]?.includes('=') ? options[at]?.split('=')[1] : options[at + 1];
}
