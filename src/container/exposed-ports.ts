import type { PortMapping } from '../spec/request.js';
import type { ContainerRecord } from './record.js';

export type Ports = Pick<ContainerRecord, 'ports' | 'published'>;

/** Sorts by the ports of the container, then by those of the host. */
export function inPortOrder(published: readonly PortMapping[]): PortMapping[] {
  return published.toSorted(
    (one, other) =>
      one.containerPort - other.containerPort ||
      compare(one.protocol, other.protocol) ||
      compare(one.hostIp, other.hostIp) ||
      one.hostPort - other.hostPort,
  );
}

/** For texts, by their characters. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** All exposed and published ports of a container: `80/tcp`, `8000-8010/tcp`. */
export function exposedPorts({ ports = [], published = [] }: Ports): string[] {
  const all = new Set([
    ...ports,
    ...inPortOrder(published).map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ]);
  return [...all];
}
