import { parsePublish } from '../spec/parse/network.js';
import { isObject, type Json, type JsonObject, textOf } from './json.js';
import type { Place } from './place.js';

/** The long forms of a port, or of each port of a range: `8080:80`, `127.0.0.1:53:53/udp`, a number, or a mapping. */
export function ports(value: Json, at: Place): JsonObject[] {
  const { target, published, protocol, host_ip, mode, ...rest } = isObject(value) ? value : { target: value };
  const isLong = isObject(value);
  const inside = textOf(target ?? '');
  if (isLong && !/^\d{1,5}(-\d{1,5})?$/.test(inside))
    throw at.error(
      inside === '' ? 'target is missing' : `target: expected a port, got ${JSON.stringify(target)}`,
    );
  const outside =
    published === undefined || published === null || published === '' || String(published) === '0'
      ? []
      : [textOf(published)];
  const address = host_ip === undefined || host_ip === null ? '' : textOf(host_ip);
  const ip = address === '' ? [] : [address.includes(':') ? `[${address}]` : address];
  // an address needs a place for the port of the host, even if it is any
  const written = isLong
    ? `${[...ip, ...(ip.length > 0 && outside.length === 0 ? [''] : outside), inside].join(':')}/${textOf(protocol ?? 'tcp')}`
    : inside.replace(/(^|:)0:(?=\d)/, (_, before: string) => (before === '' ? '' : '::'));
  const found = at.parsed(() => parsePublish(written));
  return found.map(({ hostIp, hostPort, containerPort, protocol: parsed }) => ({
    ...rest,
    mode: mode ?? 'ingress',
    target: containerPort,
    ...(hostPort !== 0 && { published: String(hostPort) }),
    protocol: parsed,
    ...(hostIp !== '' && { host_ip: hostIp }),
  }));
}
