import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { NetworkFacts } from '../plan/facts.js';
import { NETNS } from '../plan/step.js';
import { parsePublish } from '../spec/parse/network.js';
import type { PortMapping } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import { findProgram } from '../sys/programs.js';
import { pastaLink } from './outside.js';

/** Published ports: a pasta of the container's own carries them, so that it sees the addresses of its clients. */

/** The host step's part that starts pasta for a container. @throws FosterError where it is not installed */
export function portService(ports: readonly PortMapping[]): NonNullable<NetworkFacts['service']> {
  const path = findProgram('pasta');
  if (path === undefined)
    throw new FosterError('cannot publish ports: pasta is not installed', {
      kind: 'unsupported',
      advice: 'apt-get install passt',
    });
  const of = (protocol: PortMapping['protocol']) =>
    ports.filter((port) => port.protocol === protocol).map(specification);
  const flagged = (flag: string, list: string[]) =>
    list.length === 0 ? [flag, 'none'] : list.flatMap((one) => [flag, one]);
  const args = [...pastaLink(), ...flagged('--tcp-ports', of('tcp')), ...flagged('--udp-ports', of('udp'))];
  return {
    name: 'pasta',
    args: ['serve', 'upb', NETNS, path, 'pasta', ...args],
    call: `execve(${JSON.stringify(path)}, ["pasta", ${[...of('tcp'), ...of('udp')].map((one) => JSON.stringify(one)).join(', ')}, ...])`,
  };
}

/** Those that an image exposes (`80/tcp`), each at any free port of the host. @param known published already */
export function exposedPorts(exposed: readonly string[], known: readonly PortMapping[]): PortMapping[] {
  return exposed.flatMap((text) => {
    const ports = /\/sctp$/.test(text) ? [] : parsePublish(text);
    return ports.filter(
      (port) =>
        !known.some((one) => one.containerPort === port.containerPort && one.protocol === port.protocol),
    );
  });
}

/** pasta(1), "--tcp-ports". */
function specification({ hostIp, hostPort, containerPort }: PortMapping): string {
  return `${hostIp === '' ? '' : `${hostIp}/`}${hostPort}:${containerPort}`;
}

/**
 * Chooses free ports for those of 0, and makes sure that the others are free, before anything starts.
 * @throws FosterError that names the port
 */
export async function resolvePorts(ports: readonly PortMapping[]): Promise<PortMapping[]> {
  const resolved: PortMapping[] = [];
  const taken = new Set<string>();
  for (const port of ports) {
    const hostPort = port.hostPort === 0 ? await freePort(port) : port.hostPort;
    const key = `${port.hostIp}/${hostPort}/${port.protocol}`;
    if (taken.has(key))
      throw new FosterError(`cannot publish port ${hostPort}/${port.protocol} twice`, { kind: 'invalid' });
    taken.add(key);
    if (port.hostPort !== 0) await bind(port, hostPort);
    resolved.push({ ...port, hostPort });
  }
  return resolved;
}

async function freePort(port: PortMapping): Promise<number> {
  return await bind(port, 0);
}

/** Binds a port of the host for a moment. Returns it. */
function bind({ hostIp, protocol }: PortMapping, port: number): Promise<number> {
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
