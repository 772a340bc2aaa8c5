import { compare, exposedPorts, inPortOrder, type Ports } from '../../container/exposed-ports.js';
import type { PortMapping } from '../../spec/request.js';

/** Published and exposed ports, as Docker and Podman write them. */

/** `0.0.0.0:8080`, `[::1]:8080` */
export function hostAddress({ hostIp, hostPort }: Pick<PortMapping, 'hostIp' | 'hostPort'>): string {
  return `${hostOf(hostIp)}:${hostPort}`;
}

function hostOf(hostIp: string): string {
  if (hostIp === '') return '0.0.0.0';
  return hostIp.includes(':') ? `[${hostIp}]` : hostIp;
}

/** A range of container ports that are published on a range of host ports, or that are only exposed. */
interface Run {
  hostIp: string;
  /** The first port of the host; undefined if the ports are only exposed. */
  hostPort: number | undefined;
  port: number;
  protocol: string;
  length: number;
}

/** The column of `ps`: `0.0.0.0:8000-8001->80-81/tcp, 443/tcp`. */
export function portsText({ ports = [], published = [] }: Ports): string {
  const single: Run[] = published.map(({ hostIp, hostPort, containerPort, protocol }) => ({
    ...{ hostIp, hostPort, port: containerPort, protocol, length: 1 },
  }));
  const isPublished = (port: number, protocol: string) =>
    published.some((one) => one.containerPort === port && one.protocol === protocol);
  const exposed = ports
    .flatMap(runOf)
    .filter((run) => run.length > 1 || !isPublished(run.port, run.protocol));
  const runs: Run[] = [];
  const inOrder = [...single, ...exposed].toSorted(
    (one, other) =>
      compare(one.hostIp, other.hostIp) ||
      compare(one.protocol, other.protocol) ||
      one.port - other.port ||
      (one.hostPort ?? 0) - (other.hostPort ?? 0),
  );
  for (const next of inOrder) {
    const last = runs.find((run) => continues(run, next));
    if (last === undefined) runs.push({ ...next });
    else last.length += next.length;
  }
  return runs
    .toSorted((one, other) => one.port - other.port || compare(one.protocol, other.protocol))
    .map(runText)
    .join(', ');
}

/** `80/tcp`, `8000-8010/udp` */
function runOf(text: string): Run[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(text) ?? [];
  if (first === '') return [];
  const length = Number(last) - Number(first) + 1;
  return [{ hostIp: '', hostPort: undefined, port: Number(first), protocol, length }];
}

function continues(run: Run, next: Run): boolean {
  return (
    run.hostIp === next.hostIp &&
    run.protocol === next.protocol &&
    run.port + run.length === next.port &&
    (run.hostPort === undefined ? next.hostPort === undefined : run.hostPort + run.length === next.hostPort)
  );
}

function runText({ hostIp, hostPort, port, protocol, length }: Run): string {
  const range = (first: number) => (length === 1 ? String(first) : `${first}-${first + length - 1}`);
  const inside = `${range(port)}/${protocol}`;
  return hostPort === undefined ? inside : `${hostOf(hostIp)}:${range(hostPort)}->${inside}`;
}

/** A port of the host, as `inspect` shows it. */
interface Binding {
  HostIp: string;
  HostPort: string;
}

/** `.HostConfig.PortBindings`: the requested host ports for each port of the container. */
export function portBindings({ published = [] }: Ports): Record<string, Binding[]> {
  return bindings(published, '');
}

function bindings(published: readonly PortMapping[], everywhere: string): Record<string, Binding[]> {
  const found: Record<string, Binding[]> = {};
  for (const { hostIp, hostPort, containerPort, protocol } of inPortOrder(published)) {
    const key = `${containerPort}/${protocol}`;
    found[key] = [
      ...(found[key] ?? []),
      { HostIp: hostIp === '' ? everywhere : hostIp, HostPort: String(hostPort) },
    ];
  }
  return found;
}

/** `.NetworkSettings.Ports` of a running container: null for a port that is only exposed. */
export function openPorts(record: Ports): Record<string, Binding[] | null> {
  const exposed = Object.fromEntries(exposedPorts(record).map((port) => [port, null]));
  return { ...exposed, ...bindings(record.published ?? [], '0.0.0.0') };
}
