import { readFileSync } from 'node:fs';
import type { Look } from '../lab.js';
import { seen } from './seen.js';

/** What checks look at in networks: files of /proc/PID/net, which show the network namespace of the process. */

/** The names of the network interfaces of a container. */
export function interfaces(container: string): Look {
  return (world) => {
    const init = world.init(container);
    const names = [...init.read('net/dev').matchAll(/^\s*([^\s:]+):/gm)].map(([, name]) => name);
    return seen(names.join(' '), init, 'net/dev');
  };
}

/** The address of the default gateway of a container. */
export function gateway(container: string): Look {
  return (world) => {
    const init = world.init(container);
    const routes = init
      .read('net/route')
      .split('\n')
      .map((line) => line.split('\t'));
    const route = routes.find(([, destination, way]) => destination === '00000000' && way !== '00000000');
    return seen(route?.[2] && addressOf(route[2]), init, 'net/route');
  };
}

/** Eight hexadecimal digits in the byte order of the machine, which is little-endian wherever foster runs. */
function addressOf(digits: string): string {
  return Buffer.from(digits, 'hex').reverse().join('.');
}

/** How many sockets listen on a TCP port of a container. */
export function listeners(container: string, port: number): Look {
  return (world) => {
    const init = world.init(container);
    const ports = listeningPorts(`${init.read('net/tcp')}\n${init.read('net/tcp6')}`);
    return seen(ports.filter((one) => one === port).length, init, 'net/tcp*');
  };
}

/** The published TCP port of a container on which something listens on this machine. */
export function publishedPort(container: string): Look {
  return (world) => {
    const published = world.container(container).record.published ?? [];
    const open = listeningPorts(readFileSync('/proc/self/net/tcp', 'utf8'));
    const found = published.find(({ hostPort }) => open.includes(hostPort));
    return { value: found?.hostPort, from: '/proc/self/net/tcp' };
  };
}

/** proc_net_tcp(5): state 0A is LISTEN. */
function listeningPorts(text: string): number[] {
  return [...text.matchAll(/^\s*\d+: [\dA-F]+:([\dA-F]{4}) \S+ 0A /gm)].map(([, port = '']) =>
    Number.parseInt(port, 16),
  );
}
