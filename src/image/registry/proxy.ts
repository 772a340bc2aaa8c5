import { BlockList, isIP } from 'node:net';
import { FosterError } from '../../sys/errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an https registry: HTTPS_PROXY or ALL_PROXY, unless its host is in NO_PROXY. Each may be in lower case,
 * which then takes precedence.
 * @throws FosterError if it is not the address of an HTTP proxy
 */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const named = variable(env, 'HTTPS_PROXY') || variable(env, 'ALL_PROXY');
  if (named === '' || isExcepted(url, variable(env, 'NO_PROXY'))) return undefined;
  const address = named.includes('://') ? named : `http://${named}`;
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new FosterError('HTTPS_PROXY is not the address of an HTTP proxy', {
    kind: 'invalid',
    advice: 'expected something like http://proxy:3128',
  });
}

function variable(env: Environment, name: string): string {
  return env[name.toLowerCase()] || env[name] || '';
}

/**
 * NO_PROXY as Go, and so Docker and Podman, read it: hosts separated by commas, or `*`. `example.com` means its subdomains, too,
 * `.example.com` and `*.example.com` only these; addresses may be given as blocks (`10.0.0.0/8`); `host:443` means one port.
 */
function isExcepted(url: URL, exceptions: string): boolean {
  const name = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const port = url.port || '443';
  return exceptions
    .toLowerCase()
    .split(/[,\s]+/)
    .filter(Boolean)
    .some((exception) => exception === '*' || excepts(exception, name, port));
}

function excepts(exception: string, name: string, port: string): boolean {
  if (exception.includes('/')) return isInBlock(name, exception);
  const [, host = exception, onlyPort] = /^([^:]+|\[.*\]):(\d+)$/.exec(exception) ?? [];
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const pattern = host.replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  if (isIP(pattern) !== 0) return isInBlock(name, `${pattern}/${isIP(pattern) === 4 ? 32 : 128}`);
  return name.endsWith(pattern.startsWith('.') ? pattern : `.${pattern}`) || name === pattern;
}

/** Whether a host is given by an address in a block such as `10.0.0.0/8`. */
function isInBlock(name: string, block: string): boolean {
  const [network = '', length = ''] = block.split('/');
  const version = isIP(network);
  if (version === 0 || isIP(name) !== version || !/^\d{1,3}$/.test(length)) return false;
  if (Number(length) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(length), family);
  return list.check(name, family);
}
