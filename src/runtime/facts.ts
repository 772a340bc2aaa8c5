import { lstatSync, readFileSync, statSync } from 'node:fs';
import type { PlanFacts } from '../plan/facts.js';
import { hostnameFile, hostsFile, resolvConf } from '../spec/hosts.js';
import type { HostEntry, NetworkMode } from '../spec/request.js';
import type { Spec } from '../spec/types.js';
import type { RootFiles } from './root-files.js';

/** What becomes /etc/hosts, /etc/hostname and /etc/resolv.conf. */
export interface NetworkFiles {
  hostname: string;
  network: NetworkMode;
  dns: string[];
  addHosts: HostEntry[];
}

/** Those files with their text, but for the ones that a mount of the Spec puts in their place. */
export function networkFiles(wanted: NetworkFiles, spec: Spec, root: RootFiles): PlanFacts['files'] {
  const { hostname, network, dns, addHosts } = wanted;
  const base = network === 'host' ? { base: hostText('/etc/hosts') } : {};
  const texts = {
    '/etc/hosts': hostsFile({ hostname, addHosts, ...base }),
    '/etc/hostname': hostnameFile(hostname),
    '/etc/resolv.conf': resolvConf({ dns, host: hostText('/etc/resolv.conf'), network }),
  };
  const taken = new Set(spec.mounts.map(({ destination }) => destination));
  return Object.entries(texts)
    .filter(([path]) => !taken.has(path))
    .map(([path, text]) => ({ path, text, replacesLink: root.isLink(path) }));
}

function hostText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Of the paths that are to be hidden or made read-only: those that this kernel has. */
export function kernelPaths(spec: Spec): PlanFacts['kernelPaths'] {
  const found = new Map<string, 'file' | 'directory'>();
  for (const path of [...spec.linux.maskedPaths, ...spec.linux.readonlyPaths]) {
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
