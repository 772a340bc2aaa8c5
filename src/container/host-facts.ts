import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import type { RootFiles } from '../layers/root-files.js';
import type { PlanFacts } from '../plan/facts.js';
import { HOST_GATEWAY, hostnameFile, hostsFile, resolvConf } from '../spec/hosts.js';
import type { HostEntry, NetworkMode } from '../spec/request.js';
import type { Spec } from '../spec/types.js';
import { callerName } from '../sys/caller-name.js';

/** Tells programs that they run in a container, as Podman's does: https://systemd.io/CONTAINER_INTERFACE and many scripts. */
const CONTAINER_MARK = '/run/.containerenv';

/** What becomes /etc/hosts, /etc/hostname and /etc/resolv.conf. */
export interface NetworkFiles {
  hostname: string;
  domainname?: string;
  network: NetworkMode;
  dns: string[];
  dnsSearch?: string[];
  dnsOptions?: string[];
  addHosts: HostEntry[];
  /** Paths that are left as the image has them: of those, and of /etc/passwd and /etc/group. */
  without?: string[];
}

/** Files that foster mounts in every container: they are no part of what it has changed. */
export const OWN_FILES: readonly string[] = [
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  CONTAINER_MARK,
];

/** Those files with their text, but for the ones that a mount of the Spec puts in their place. */
export function networkFiles(
  wanted: NetworkFiles,
  spec: Spec,
  root: RootFiles,
  attached?: { hosts: HostEntry[]; dns: string[] },
): PlanFacts['files'] {
  const { hostname, domainname, network, without = [] } = wanted;
  const addHosts = [
    ...wanted.addHosts.map((entry) => resolveGateway(entry, attached)),
    ...(attached?.hosts ?? []),
  ];
  const base = network === 'host' ? { base: hostText('/etc/hosts') } : {};
  const texts = {
    '/etc/hosts': hostsFile({ hostname, domainname, addHosts, ...base, isAttached: attached !== undefined }),
    '/etc/hostname': hostnameFile(hostname),
    '/etc/resolv.conf': resolvConf({ ...wanted, servers: attached?.dns, host: hostText('/etc/resolv.conf') }),
    [CONTAINER_MARK]: '',
  };
  const taken = new Set([...spec.mounts.map(({ destination }) => destination), ...without]);
  return Object.entries(texts)
    .filter(([path]) => !taken.has(path))
    .map(([path, text]) => ({
      path,
      text,
      replacesLink: root.isLink(path),
      ...(path === CONTAINER_MARK && { isOptional: true }),
    }));
}

/** `--add-host NAME:host-gateway`: the host, as the container reaches it. */
function resolveGateway(entry: HostEntry, attached: { hosts: HostEntry[] } | undefined): HostEntry {
  if (entry.address !== HOST_GATEWAY) return entry;
  const host = attached?.hosts.find(({ name }) => name === 'host.containers.internal');
  return { ...entry, address: host?.address ?? '127.0.0.1' };
}

/**
 * With --userns keep-id the process is the caller, whom the root filesystem may never have heard of: lines that name
 * him. None where its files have him already.
 * @param layer the container's own layer, which an earlier start may have put them in
 */
export function callersAccount(spec: Spec, root: RootFiles, layer: string): PlanFacts['accounts'] {
  const { uid, gid } = spec.process.user;
  const isCaller = spec.linux.uidMappings.some(
    ({ containerID, hostID, size }) => size === 1 && containerID === uid && hostID === process.getuid?.(),
  );
  if (uid === 0 || !isCaller) return [];
  const name = callerName();
  const wanted = [
    { path: '/etc/passwd', id: uid, line: `${name}:x:${uid}:${gid}:${name}:/:/bin/sh` },
    { path: '/etc/group', id: gid, line: `${name}:x:${gid}:` },
  ];
  const taken = new Set(spec.mounts.map(({ destination }) => destination));
  return wanted.flatMap(({ path, id, line }) => {
    const text = root.read(path);
    const entries = text.split('\n').map((entry) => entry.split(':'));
    const isKnown = entries.some(([each, , number]) => each === name || number === String(id));
    if (text === '' || isKnown || taken.has(path) || existsSync(`${layer}${path}`)) return [];
    return [{ path, text: `${text.endsWith('\n') ? '' : '\n'}${line}\n` }];
  });
}

function hostText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Of the paths in /proc and /sys that are to be hidden or made read-only: those that this kernel has. */
export function kernelPaths(spec: Spec): PlanFacts['kernelPaths'] {
  const found = new Map<string, 'file' | 'directory'>();
  for (const path of [...spec.linux.maskedPaths, ...spec.linux.readonlyPaths]) {
    if (!/^\/(proc|sys)\//.test(path)) continue;
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info !== undefined) found.set(path, info.isDirectory() ? 'directory' : 'file');
  }
  return found;
}

/** The sources of bind mounts that are directories. */
export function bindDirectories(spec: Spec): ReadonlySet<string> {
  const binds = spec.mounts.filter(({ type }) => type === 'bind').map(({ source }) => source);
  return new Set(binds.filter((source) => statSync(source, { throwIfNoEntry: false })?.isDirectory()));
}
