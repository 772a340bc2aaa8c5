import type { ContainerRecord } from '../../container/record.js';
import { isReady, statusWord } from '../../container/store.js';
import { podState } from '../../pod/state.js';
import type { Pod } from '../../pod/store.js';

/** A pod as `podman pod inspect` shows it. */
export function podInspection(pod: Pod): Record<string, unknown> {
  const { record, containers } = pod;
  const { id, name, created, labels, infra, shares, exitPolicy, restart, cgroup, command } = record;
  return {
    Id: id,
    Name: name,
    Created: created,
    CreateCommand: command ?? [],
    ExitPolicy: exitPolicy,
    State: podState(pod),
    Hostname: infra?.network.hostname ?? '',
    Labels: labels,
    CreateCgroup: cgroup !== undefined,
    CgroupParent: cgroup?.slice(0, cgroup.lastIndexOf('/')) ?? '',
    CgroupPath: cgroup ?? '',
    CreateInfra: infra !== undefined,
    InfraContainerID: infra?.id ?? '',
    ...(infra && { InfraConfig: infraConfig(infra, record.ofHost) }),
    SharedNamespaces: [...shares].sort(),
    RestartPolicy: restart.policy,
    NumContainers: containers.length,
    Containers: containers.map((container) => ({
      Id: container.record.id,
      Name: container.record.name,
      State: statusWord(container.state),
      // only foster's
      Ready: isReady(container),
    })),
  };
}

/** Podman's names, which are of two kinds. */
function infraConfig(
  { published = [], network, networks = [], asked, spec }: Omit<ContainerRecord, 'name'>,
  ofHost: readonly string[],
): Record<string, unknown> {
  const bindings = new Map<string, { HostIp: string; HostPort: string }[]>();
  for (const { hostIp, hostPort, containerPort, protocol } of published) {
    const key = `${containerPort}/${protocol}`;
    bindings.set(key, [...(bindings.get(key) ?? []), { HostIp: hostIp, HostPort: String(hostPort) }]);
  }
  const isOfHost = (shared: string) => ofHost.includes(shared);
  return {
    PortBindings: Object.fromEntries(bindings),
    HostNetwork: isOfHost('net'),
    StaticIP: networks[0]?.ip ?? '',
    StaticMAC: networks[0]?.mac ?? '',
    NoManageResolvConf: network.without?.includes('/etc/resolv.conf') ?? false,
    DNSServer: network.dns,
    DNSSearch: network.dnsSearch ?? null,
    DNSOption: network.dnsOptions ?? null,
    NoManageHosts: network.without?.includes('/etc/hosts') ?? false,
    HostAdd: network.addHosts.map(({ name, address }) => `${name}:${address}`),
    Networks: networks.map(({ name }) => name),
    NetworkOptions: null,
    pid_ns: isOfHost('pid') ? 'host' : 'private',
    userns: spec.linux.namespaces.some(({ type }) => type === 'user') ? asked?.userns || 'private' : 'host',
    uts_ns: isOfHost('uts') ? 'host' : 'private',
  };
}
