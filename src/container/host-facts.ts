import { closeSync, existsSync, fstatSync, lstatSync, openSync, readFileSync, statSync } from 'node:fs';
import type { RootFiles } from '../layers/root-files.js';
import type { PlanFacts } from '../plan/facts.js';
import { HOST_GATEWAY, hostnameFile, hostsFile, resolvConf } from '../spec/hosts.js';
import { MTAB } from '../spec/mtab.js';
import { visible } from '../spec/parse/flag.js';
import type { HostEntry, NetworkMode } from '../spec/request.js';
import type { Mount, Spec } from '../spec/types.js';
import { callerName } from '../sys/caller-name.js';
import { errnoNumber, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { errnoOfAny } from '../sys/ffi.js';
import { openBeneath } from '../sys/libc.js';

/** Tells programs that they run in a container, as in Podman: https://systemd.io/CONTAINER_INTERFACE and many scripts. */
const CONTAINER_MARK = '/run/.containerenv';

const O_PATH = 0o10000000;

/** What /etc/hosts, /etc/hostname and /etc/resolv.conf are made from. */
export interface NetworkFiles {
  hostname: string;
  domainname?: string;
  network: NetworkMode;
  dns: string[];
  dnsSearch?: string[];
  dnsOptions?: string[];
  addHosts: HostEntry[];
  /** Which of these files, and of /etc/passwd and /etc/group, are left as the image has them. */
  without?: string[];
}

/** Files that foster mounts in every container. They do not count as changes of the container. */
export const OWN_FILES: readonly string[] = [
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  CONTAINER_MARK,
];

/** These files with their text, except those that a mount of the Spec provides. */
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

/** Whether /etc/mtab is not in a mount of the Spec. */
export function isMtabOfRoot({ mounts }: Pick<Spec, 'mounts'>): boolean {
  return !mounts.some(({ destination }) => [MTAB.path, '/etc'].includes(destination));
}

/** Resolves `--add-host NAME:host-gateway` to the address at which the container reaches the host. */
function resolveGateway(entry: HostEntry, attached: { hosts: HostEntry[] } | undefined): HostEntry {
  if (entry.address !== HOST_GATEWAY) return entry;
  const host = attached?.hosts.find(({ name }) => name === 'host.containers.internal');
  return { ...entry, address: host?.address ?? '127.0.0.1' };
}

/**
 * Lines for /etc/passwd and /etc/group that name the caller. With --userns keep-id the process is the caller, whom the
 * root filesystem usually does not know. Returns none if its files name the caller already.
 * @param layer the container's own layer, because an earlier start may have put the lines there
 */
export function callersAccount(spec: Spec, root: RootFiles, layer: string): PlanFacts['accounts'] {
  const { uid, gid } = spec.process.user;
  const isCaller = spec.linux.uidMappings.some(
    ({ containerID, hostID, size }) => size === 1 && containerID === uid && hostID === process.getuid?.(),
  );
  if (uid === 0 || !isCaller) return [];
  const name = callerName();
  const wanted = [
    { path: '/etc/passwd', id: uid, line: `${name}:x:${uid}:${gid}:${name}:${homeOf(spec)}:/bin/sh` },
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

/** The process's HOME, where it can be a field of /etc/passwd. */
function homeOf({ process: { env } }: Spec): string {
  const home = env.findLast((entry) => entry.startsWith('HOME='))?.slice(5) ?? '/';
  return /^\/[^:\p{Cc}]*$/u.test(home) ? home : '/';
}

function hostText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The paths in /proc and /sys to hide or make read-only that exist on this kernel. */
export function kernelPaths(spec: Spec): PlanFacts['kernelPaths'] {
  const found = new Map<string, 'file' | 'directory'>();
  for (const path of [...spec.linux.maskedPaths, ...spec.linux.readonlyPaths]) {
    if (!/^\/(proc|sys)\//.test(path)) continue;
    const info = lstatSync(path, { throwIfNoEntry: false });
    if (info !== undefined) found.set(path, info.isDirectory() ? 'directory' : 'file');
  }
  return found;
}

/** The sources of bind mounts that are directories, not files. */
export function bindDirectories(mounts: Mount[]): ReadonlySet<string> {
  const binds = mounts.filter(({ type }) => type === 'bind').map(({ source }) => source);
  return new Set(binds.filter((source) => statSync(source, { throwIfNoEntry: false })?.isDirectory()));
}

/**
 * Which of these paths in volumes and folders are directories, as `TOP/PATH`. No link is followed. A path that only a user of the
 * container may read counts as a directory.
 * @throws FosterError if a path does not exist
 */
export function directoriesBeneath(
  places: Iterable<[string, { of: string; top: string; path: string }]>,
): string[] {
  return [...places].flatMap(([destination, { of, top, path }]) =>
    isDirectoryBeneath(top, path, `${path} of ${of} at ${destination}`) ? [`${top}/${path}`] : [],
  );
}

function isDirectoryBeneath(top: string, path: string, what: string): boolean {
  let fd: number | undefined;
  let file: number | undefined;
  try {
    fd = openSync(top, O_PATH);
    file = openBeneath(fd, path, O_PATH);
    return fstatSync(file).isDirectory();
  } catch (error) {
    const code = errnoOfAny(error);
    if (code === 'EACCES') return true;
    if (code === undefined) throw error;
    throw new FosterError(`cannot mount ${visible(what)}: ${errnoWords(errnoNumber(code))}`, {
      kind: 'not-found',
      advice:
        code === 'ELOOP'
          ? 'a part of the path is a symbolic link, and links there are not followed'
          : 'make it there first',
    });
  } finally {
    for (const each of [fd, file]) if (each !== undefined) closeSync(each);
  }
}
