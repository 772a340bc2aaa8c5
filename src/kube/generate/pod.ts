import type { ContainerRecord } from '../../container/record.js';
import type { PodRecord } from '../../pod/record.js';
import type { RestartPolicy } from '../../spec/request.js';
import type { VolumeRecord } from '../../volume/record.js';
import { LABEL } from '../labels.js';
import type { Container, ContainerPort, PodSpec } from '../model.js';
import { containerOf, dnsName, type Known, type Volumes } from './container.js';

/** A container, with what its record does not say. */
export interface Existing {
  record: ContainerRecord;
  restart: RestartPolicy;
  imageEnv: readonly string[];
}

/** What pods are made from. */
export type Context = Omit<Known, 'imageEnv'>;

/** An object of a file of Kubernetes. */
export type KubeFields = Record<string, unknown>;

/** The object for a pod. @param members its containers without the one that holds its namespaces */
export function podObject(pod: PodRecord, members: readonly Existing[], context: Context): KubeFields {
  const { infra, shares, ofHost } = pod;
  const volumes: Volumes = new Map();
  const made = (init: boolean) =>
    members
      .filter(({ record }) => (record.initContainer !== undefined) === init)
      .map((one) => containerIn(one, nameIn(pod.name, one.record), volumes, context));
  const init = made(true);
  const spec = specOf(made(false), init, members, volumes, context);
  const name = dnsName(pod.name) || 'pod';
  const hostname = infra?.network.hostname;
  addHostPorts(spec.containers, infra?.published ?? []);
  return object(name, withoutOwn(pod.labels), annotationsOf(members), {
    ...spec,
    ...(hostname !== undefined && hostname !== pod.name && !ofHost.includes('uts') && { hostname }),
    ...(ofHost.includes('net') && { hostNetwork: true }),
    ...(ofHost.includes('pid') && { hostPID: true }),
    ...(ofHost.includes('ipc') && { hostIPC: true }),
    ...(shares.includes('pid') && !ofHost.includes('pid') && { shareProcessNamespace: true }),
    ...(infra && networkFields(infra)),
  });
}

/** The object for a pod with one container that is in none. */
export function containerObject(existing: Existing, context: Context): KubeFields {
  const { record } = existing;
  const volumes: Volumes = new Map();
  const own = dnsName(record.name) || 'container';
  const container = containerIn(existing, own, volumes, context);
  addHostPorts([container], record.published ?? []);
  return object(`${own}-pod`, withoutOwn(record.labels), annotationsOf([existing]), {
    ...specOf([container], [], [existing], volumes, context),
    ...(record.network.network === 'host' && { hostNetwork: true }),
    ...networkFields(record),
  });
}

function object(
  name: string,
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>>,
  spec: PodSpec,
): KubeFields {
  const metadata = {
    name,
    labels: { app: name, ...labels },
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec };
}

function containerIn(one: Existing, name: string, volumes: Volumes, context: Context): Container {
  return containerOf(one.record, name, volumes, { ...context, imageEnv: one.imageEnv });
}

/** As kube play has called it, or what is left of its name without that of the pod. */
function nameIn(pod: string, { name, labels }: ContainerRecord): string {
  const own = name.startsWith(`${pod}-`) ? name.slice(pod.length + 1) : name;
  return labels[LABEL.container] ?? (dnsName(own) || 'container');
}

function withoutOwn(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith('io.foster.')));
}

function annotationsOf([first]: readonly Existing[]): Record<string, string> {
  return first?.record.spec.annotations ?? {};
}

function specOf(
  containers: Container[],
  initContainers: Container[],
  members: readonly Existing[],
  volumes: Volumes,
  { warn }: Context,
): PodSpec {
  const main = members.filter(({ record }) => record.initContainer === undefined);
  const policies = new Set(main.map(({ restart }) => policyWord(restart)));
  const graces = new Set(main.map(({ record }) => record.stopTimeout));
  const [policy = 'Never'] = policies;
  if (policies.size > 1) warn(`the containers of a pod have one restartPolicy: all get ${policy}`);
  if (graces.size > 1) warn('the containers of a pod have one terminationGracePeriodSeconds: the longest');
  return {
    ...(initContainers.length > 0 && { initContainers }),
    containers,
    ...(volumes.size > 0 && { volumes: [...volumes.values()] }),
    restartPolicy: policy,
    terminationGracePeriodSeconds: Math.max(0, ...graces),
  };
}

function policyWord({ policy }: RestartPolicy): 'Always' | 'OnFailure' | 'Never' {
  if (policy === 'no') return 'Never';
  return policy === 'on-failure' ? 'OnFailure' : 'Always';
}

/** The ports of the host belong to the container that has such a port, or else to the first. */
function addHostPorts(
  containers: readonly Container[],
  published: NonNullable<ContainerRecord['published']>,
): void {
  for (const { hostIp, hostPort, containerPort, protocol } of published) {
    const fields: ContainerPort = {
      containerPort,
      hostPort,
      ...(hostIp !== '' && { hostIP: hostIp }),
      ...(protocol === 'udp' && { protocol: 'UDP' }),
    };
    const isIt = (port: ContainerPort) =>
      port.containerPort === containerPort &&
      (port.protocol ?? 'TCP').toLowerCase() === protocol &&
      port.hostPort === undefined;
    const owner = containers.find(({ ports = [] }) => ports.some(isIt)) ?? containers[0];
    if (owner === undefined) return;
    const others = (owner.ports ?? []).filter((port) => !isIt(port));
    owner.ports = [...others, fields];
  }
}

function networkFields({ network }: Pick<ContainerRecord, 'network'>): Partial<PodSpec> {
  const { addHosts, dns, dnsSearch, dnsOptions } = network;
  const names = new Map<string, string[]>();
  for (const { name, address } of addHosts) names.set(address, [...(names.get(address) ?? []), name]);
  const config = {
    ...(dns.length > 0 && { nameservers: dns }),
    ...(dnsSearch && { searches: dnsSearch }),
    ...(dnsOptions && { options: dnsOptions.map(optionOf) }),
  };
  return {
    ...(names.size > 0 && { hostAliases: [...names].map(([ip, hostnames]) => ({ ip, hostnames })) }),
    ...(Object.keys(config).length > 0 && { dnsConfig: config }),
  };
}

function optionOf(option: string): { name: string; value?: string } {
  const [name = '', ...value] = option.split(':');
  return value.length > 0 ? { name, value: value.join(':') } : { name };
}

/** The object for a volume: a claim of the same name. */
export function claimObject({ name, labels, options }: VolumeRecord): KubeFields {
  const annotations = {
    ...(options.type && { 'volume.podman.io/type': options.type }),
    ...(options.device && { 'volume.podman.io/device': options.device }),
    ...(options.o && { 'volume.podman.io/mount-options': options.o }),
  };
  const own = withoutOwn(labels);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name,
      ...(Object.keys(own).length > 0 && { labels: own }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
}

/** The object for a service that leads to a pod; undefined if the pod has no ports. */
export function serviceObject({ metadata, spec }: KubeFields): KubeFields | undefined {
  const { name } = metadata as { name: string };
  const { containers } = spec as PodSpec;
  const ports = containers.flatMap((container) => container.ports ?? []);
  if (ports.length === 0) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      selector: { app: name },
      ports: ports.map(({ containerPort, protocol }, index) => ({
        name: String(index),
        port: containerPort,
        ...(protocol && { protocol }),
      })),
    },
  };
}
