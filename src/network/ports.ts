import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { NetworkFacts } from '../plan/facts.js';
import { addressBytes, familyOf, parseAddress } from '../spec/addresses.js';
import { parsePublish } from '../spec/parse/network.js';
import type { PortMapping } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { installCommand } from '../sys/packages.js';
import { findProgram } from '../sys/programs.js';

/** Published ports: foster-init carries connections to them, so that the container sees the addresses of its clients. */

/** The address of a container in a network, and that of the network's router. */
export interface PortTarget {
  address: string;
  router: string;
}

/**
 * The service that listens on ports of the host for a container, as part of a host step.
 * @param targets at most one of each address family; none while the container is in no network
 * @param folder the container's, where the service finds out that `targets` have changed: src/init/ports.c
 * @throws FosterError if nft is not installed
 */
export function portService(
  ports: readonly PortMapping[],
  targets: readonly PortTarget[],
  folder: string,
): NonNullable<NetworkFacts['service']> {
  if (findProgram('nft') === undefined)
    throw new FosterError('cannot publish ports: nft is not installed', {
      kind: 'unsupported',
      advice: installCommand('nft'),
    });
  const shown = ports.map(describePort);
  return {
    name: 'foster-init forward',
    args: ['forward', folder, ...ports.map((port) => portWord(port, targets))],
    call: `execve("/proc/self/exe", ["foster-init", "forward", ${shown.map((text) => JSON.stringify(text)).join(', ')}])`,
    parts: Object.fromEntries(shown.map((text, index) => [index, { why: `publish port ${text}` }])),
  };
}

/** `127.0.0.1:8080->80/tcp` */
function describePort({ hostIp, hostPort, containerPort, protocol }: PortMapping): string {
  const ip = hostIp.includes(':') ? `[${hostIp}]` : hostIp || '0.0.0.0';
  return `${ip}:${hostPort}->${containerPort}/${protocol}`;
}

/** An argument of `foster-init forward`: src/init/forward.c. */
function portWord(
  { hostIp, hostPort, containerPort, protocol }: PortMapping,
  targets: readonly PortTarget[],
): string {
  const of = (family: 4 | 6) => targets.find(({ address }) => familyOf(address) === family);
  const pair = (family: 4 | 6) => {
    const target = of(family);
    return target === undefined
      ? NO_ADDRESS.repeat(2)
      : socketAddress(target.address, containerPort) + socketAddress(target.router, 0);
  };
  return `${protocol[0]}${socketAddress(hostIp || '::', hostPort)}${pair(4)}${pair(6)}`;
}

const NO_ADDRESS = '00'.repeat(28);

/** struct sockaddr_in or sockaddr_in6, in hexadecimal. */
function socketAddress(text: string, port: number): string {
  const [family, value] = [familyOf(text), parseAddress(text)];
  if (family === undefined || value === undefined) throw new Error(`not an address: ${text}`);
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(family === 4 ? 2 : 10, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(addressBytes(value, family), family === 4 ? 4 : 8);
  return bytes.toString('hex');
}

/** Publishes the ports that an image exposes (`80/tcp`) on free ports of the host. @param known ports already published */
export function exposedPorts(exposed: readonly string[], known: readonly PortMapping[]): PortMapping[] {
  return exposed.flatMap((text) => {
    const ports = /\/sctp$/.test(text) ? [] : parsePublish(text);
    return ports.filter(
      (port) =>
        !known.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol),
    );
  });
}

/**
 * Chooses free host ports where 0 is given. Whether the others are free is known when the container starts: `checkPorts`.
 * @throws FosterError if two are the same
 */
export async function choosePorts(ports: readonly PortMapping[]): Promise<PortMapping[]> {
  const chosen: PortMapping[] = [];
  const taken = new Set<string>();
  for (const port of ports) {
    const hostPort = port.hostPort === 0 ? await bind(port) : port.hostPort;
    const key = `${port.hostIp}/${hostPort}/${port.protocol}`;
    if (taken.has(key))
      throw new FosterError(`cannot publish port ${hostPort}/${port.protocol} twice`, { kind: 'invalid' });
    taken.add(key);
    chosen.push({ ...port, hostPort });
  }
  return chosen;
}

/** Checks that a container can publish its ports, before anything starts. @throws FosterError with the port */
export async function checkPorts(ports: readonly PortMapping[]): Promise<void> {
  for (const port of ports) await bind(port);
}

/** Binds a port of the host for a moment, a free one for 0. @returns the port */
function bind({ hostIp, protocol, hostPort: port }: PortMapping): Promise<number> {
  return new Promise((done, fail) => {
    const refuse = (error: NodeJS.ErrnoException) => fail(bindFailure(error, hostIp, port, protocol));
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', refuse);
      server.listen({ port, host: hostIp || '0.0.0.0' }, () => {
        const address = server.address();
        server.close(() => done(typeof address === 'object' && address !== null ? address.port : port));
      });
      return;
    }
    const socket = createSocket(hostIp.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', refuse);
    socket.bind(port, hostIp || '0.0.0.0', () => {
      const { port: bound } = socket.address();
      socket.close(() => done(bound));
    });
  });
}

function bindFailure(
  error: NodeJS.ErrnoException,
  hostIp: string,
  port: number,
  protocol: string,
): FosterError {
  const what = `cannot publish port ${hostIp === '' ? '' : `${hostIp}:`}${port}/${protocol}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new FosterError(`${what}: another program uses it`, {
        kind: 'conflict',
        advice: "choose another port, or stop that program: 'ss -tulpn' and 'foster ps' name it",
        cause: error,
      });
    case 'EACCES':
      return new FosterError(`${what}: ports below 1024 are for root`, {
        kind: 'denied',
        advice: `choose a port from 1024, or as root: sysctl net.ipv4.ip_unprivileged_port_start=${port}`,
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new FosterError(`${what}: ${hostIp} is not an address of this machine`, {
        kind: 'invalid',
        cause: error,
      });
    default:
      return new FosterError(`${what}: ${error.code ?? error.message}`, { cause: error });
  }
}
