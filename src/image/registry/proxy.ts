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
  const address = named.includes('://') ? named : `https://${named}`;
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
 * NO_PROXY: hosts separated by commas, or `*`; `.example.com` and `*.example.com` mean all subdomains, `host:443` one
 * port.
 */
function isExcepted(url: URL, exceptions: string): boolean {
  const name = url.host.replace(/:\d*$/, ''); // with the brackets of an IPv6 address
  return exceptions
    .toLowerCase()
    .split(/[,\s]+/)
    .filter(Boolean)
    .some((exception) => {
      const [, pattern = exception, onlyPort] = /^(.+):(\d+)$/.exec(exception) ?? [];
      if (onlyPort !== undefined && onlyPort !== (url.port || '443')) return false;
      return /^[.*]/.test(pattern) ? name.endsWith(pattern.replace(/^\*/, '')) : name === pattern;
    });
}
