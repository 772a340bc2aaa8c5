import type { PodFlags } from '../spec/parse/pod-request.js';
import { given, pairs } from './container-flags.js';
import type { ContainerPort } from './model.js';
import type { Place } from './place.js';
import { containersOf, type PodPlan } from './pod-plan.js';
import { protocolOf } from './ports.js';

/** What a command says about all pods. */
export interface PodOptions {
  /** Of `--network`; undefined for the usual one. */
  networks: readonly string[] | undefined;
  /** `HOST:CONTAINER` and so on. */
  publish: readonly string[];
  /** Publish the ports of containers that have no hostPort. */
  publishAll: boolean;
  userns: string | undefined;
  hasHosts: boolean;
  ip: string | undefined;
  mac: string | undefined;
}

/** Turns a pod into options of `foster pod create`, which checks them. @throws FosterError that names a field */
export function podFlags(plan: PodPlan, options: PodOptions): PodFlags {
  const { spec, meta, place } = plan;
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, dnsConfig = {}, hostAliases = [] } = spec;
  const ports = [...hostPorts(plan, options), ...plan.ports, ...options.publish];
  const isOnHost = hostNetwork ?? options.networks?.[0] === 'host';
  const network = hostNetwork ? ['host'] : options.networks;
  const isNetwork = network !== undefined && !['host', 'none'].includes(network[0] ?? '');
  const dns = dnsConfig.nameservers ?? [];
  if (spec.dnsPolicy === 'None' && dns.length === 0)
    throw place.below('dnsPolicy').error('None needs dnsConfig.nameservers');
  if (hostPID && shareProcessNamespace)
    throw place.below('shareProcessNamespace').error('it cannot be used together with hostPID');
  const hosts = hostAliases.flatMap(({ ip, hostnames = [] }) => hostnames.map((name) => `${name}:${ip}`));
  return {
    name: meta.name,
    share: hostPID || shareProcessNamespace ? 'ipc,net,uts,pid' : 'ipc,net,uts',
    exitPolicy: 'stop',
    ...given({
      label: pairs(meta.labels),
      network: network && [...network],
      networkAlias: isNetwork ? [meta.name, ...plan.aliases] : undefined,
      publish: ports.length > 0 && !isOnHost ? ports : undefined,
      pid: hostPID ? 'host' : undefined,
      ipc: hostIPC ? 'host' : undefined,
      hostname: isOnHost ? undefined : spec.hostname,
      userns: options.userns,
      ip: options.ip,
      macAddress: options.mac,
      hosts: options.hasHosts,
      addHost: hosts.length > 0 ? hosts : undefined,
      dns: dns.length > 0 ? dns : undefined,
      dnsSearch: dnsConfig.searches,
      dnsOption: dnsConfig.options?.map(({ name, value }) =>
        value === undefined ? name : `${name}:${value}`,
      ),
      sysctl: spec.securityContext?.sysctls?.map(({ name, value }) => `${name}=${value}`),
    }),
  };
}

function hostPorts(plan: PodPlan, { publishAll }: PodOptions): string[] {
  return containersOf(plan).flatMap(({ container, place, role }) =>
    (container.ports ?? []).flatMap((port, index) =>
      role === 'init' ? [] : portFlags(port, place.below('ports', index), publishAll),
    ),
  );
}

function portFlags(
  { containerPort, hostPort, hostIP, protocol }: ContainerPort,
  place: Place,
  publishAll: boolean,
) {
  const outside = hostPort ?? (publishAll ? containerPort : undefined);
  const kind = protocolOf(protocol, place);
  if (outside === undefined) return [];
  const address = hostIP === undefined ? '' : `${hostIP.includes(':') ? `[${hostIP}]` : hostIP}:`;
  return [`${address}${outside}:${containerPort}/${kind}`];
}

/** The fields that become these options, for errors. */
export function fieldOfPodFlag(flag: string): string[] {
  return [...(FIELDS[flag] ?? [])];
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '--add-host': ['hostAliases'],
  '--dns': ['dnsConfig', 'nameservers'],
  '--dns-option': ['dnsConfig', 'options'],
  '--dns-search': ['dnsConfig', 'searches'],
  '--hostname': ['hostname'],
  '--publish': ['containers'],
  '--sysctl': ['securityContext', 'sysctls'],
};
