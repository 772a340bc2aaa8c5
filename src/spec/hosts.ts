import { familyOf } from './addresses.js';
import { flagError } from './parse/flag.js';
import type { HostEntry, NetworkMode } from './request.js';

/** Stands for the address by which a container reaches the host. */
export const HOST_GATEWAY = 'host-gateway';

/**
 * Parses an `--add-host` value, `NAME:ADDRESS` or `NAME=ADDRESS`; an IPv6 address may be in brackets.
 * @throws FosterError
 */
export function parseAddHost(value: string): HostEntry {
  const match = /^([^:=\s]+)[:=](.+)$/.exec(value);
  if (match === null) throw flagError('--add-host', value, 'expected NAME:ADDRESS, for example db:10.0.0.5');
  const [, name = '', written = ''] = match;
  const address = written.replace(/^\[(.*)\]$/, '$1');
  if (address === HOST_GATEWAY) return { name, address };
  if (!isAddress(address)) throw flagError('--add-host', value, `${address} is not an IP address`);
  return { name, address };
}

/**
 * Parses a `--dns` value: an IP address.
 * @throws FosterError
 */
export function parseDns(value: string): string {
  if (!isAddress(value)) throw flagError('--dns', value, 'expected an IP address');
  return value;
}

/** Whether `text` is an IPv4 or IPv6 address, optionally with a zone (`%eth0`). */
export function isAddress(text: string): boolean {
  const [, address = '', zone] = /^([^%]*)(%[\w.-]+)?$/.exec(text) ?? [];
  const family = familyOf(address);
  return family === 6 || (family === 4 && zone === undefined);
}

/**
 * The container's /etc/hosts.
 * @param base the host's /etc/hosts, which goes first if the container shares the host's network
 */
export function hostsFile(options: {
  hostname: string;
  domainname?: string | undefined;
  addHosts: HostEntry[];
  base?: string;
  /** Whether `addHosts` has an address of its own for it. */
  isAttached?: boolean;
}): string {
  const { hostname, domainname } = options;
  const standard = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
  ];
  const lines = [
    ...(options.base === undefined ? standard : [options.base.trimEnd()]),
    // entries of --add-host go first: the first line with a name wins
    ...options.addHosts.map(({ name, address }) => `${address}\t${name}`),
    // as in Debian, so that a program can resolve its own host name without a network
    ...(options.isAttached
      ? []
      : [`127.0.1.1\t${domainname ? `${hostname}.${domainname} ` : ''}${hostname}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Parses all `--dns-search` values; `.` alone is for none at all.
 * @throws FosterError
 */
export function parseDnsSearch(values: string[]): string[] {
  for (const value of values)
    if (value !== '.' && !/^[\w-]+(\.[\w-]+)*\.?$/.test(value))
      throw flagError('--dns-search', value, 'expected a domain, or . for none');
  return values.filter((value) => value !== '.');
}

/**
 * Parses a `--dns-option` value: resolv.conf(5).
 * @throws FosterError
 */
export function parseDnsOption(value: string): string {
  if (!/^[a-z][a-z0-9-]*(:\d{1,5})?$/.test(value))
    throw flagError('--dns-option', value, 'expected an option of resolv.conf(5), such as ndots:2');
  return value;
}

/** Options for /etc/resolv.conf that replace the host's. */
export interface ResolverOptions {
  dns: string[];
  dnsSearch?: string[] | undefined;
  dnsOptions?: string[] | undefined;
}

/**
 * The container's /etc/resolv.conf: the host's, with the name servers of --dns, if any, and the domains and options that
 * were given instead. Servers on a loopback address of the host can only be reached on the host's network.
 * @param host text of the host's resolv.conf
 * @param servers name servers instead of the host's, where --dns gives none
 */
export function resolvConf(
  options: ResolverOptions & { host: string; network: NetworkMode; servers?: string[] | undefined },
): string {
  const { dnsSearch, dnsOptions, servers = [] } = options;
  const kept = options.host.split('\n').filter((line) => {
    const [keyword = '', address = ''] = line.trim().split(/\s+/);
    if (!/^(nameserver|search|domain|options|sortlist)$/.test(keyword)) return false;
    if (dnsSearch !== undefined && /^(search|domain)$/.test(keyword)) return false;
    if (dnsOptions !== undefined && keyword === 'options') return false;
    if (keyword !== 'nameserver') return true;
    return (
      options.dns.length === 0 && servers.length === 0 && (options.network === 'host' || !isLoopback(address))
    );
  });
  const lines = [
    ...(options.dns.length > 0 ? options.dns : servers).map((address) => `nameserver ${address}`),
    ...kept,
    ...(dnsSearch?.length ? [`search ${dnsSearch.join(' ')}`] : []),
    ...(dnsOptions?.length ? [`options ${dnsOptions.join(' ')}`] : []),
  ];
  if (!lines.some((line) => line.trimStart().startsWith('nameserver'))) {
    lines.unshift('# no name server can be reached from this container; set one with --dns ADDRESS');
  }
  return `${lines.join('\n')}\n`;
}

export function isLoopback(address: string): boolean {
  return /^(127\.|::1(%|$)|::ffff:127\.)/.test(address.toLowerCase()) || address === 'localhost';
}

/** The container's /etc/hostname. */
export function hostnameFile(hostname: string): string {
  return `${hostname}\n`;
}
