import { isDeepStrictEqual } from 'node:util';
import { familyOf } from '../spec/addresses.js';
import { quoted } from '../spec/parse/flag.js';
import type { HealthCheck } from '../spec/request.js';
import type { Origins } from './environment.js';
import { expand } from './expand.js';
import type { Container, Probe, ProbeName } from './model.js';
import type { Place } from './place.js';
import { portIn } from './ports.js';

/** A container has one health check, so that its probes must ask the same. */
const ORDER = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const satisfies ProbeName[];

/** The defaults of Kubernetes, in seconds. */
const DEFAULTS = { period: 10, timeout: 1, failures: 3 };

/**
 * The health check that the probes of a container are: a livenessProbe kills the container when it fails, and a startupProbe is the
 * time until then. The readinessProbe is the health that foster ps shows.
 * @param variables of the container, for `$(NAME)`
 * @throws FosterError that names the field
 */
export function healthOfProbes(
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
  origins: Pick<Origins, 'leaveOut'>,
): HealthCheck | undefined {
  const name = ORDER.find((one) => container[one] !== undefined);
  const probe = name && container[name];
  if (name === undefined || probe === undefined) return undefined;
  const at = place.below(name);
  if (name === 'startupProbe') {
    origins.leaveOut(at.refusal('alone, it is not supported', 'add a livenessProbe that asks the same'));
    return undefined;
  }
  const check = checkOf(probe, container, at, variables);
  for (const other of ORDER.slice(ORDER.indexOf(name) + 1)) {
    const more = container[other];
    if (more === undefined || isSame(more, probe)) continue;
    const problem = `it asks something else than the ${name}, and a container has one health check`;
    origins.leaveOut(place.below(other).refusal(problem, 'let both ask the same'));
  }
  const { startupProbe: start } = container;
  const isStart = start !== undefined && isSame(start, probe);
  return {
    ...check,
    ...(name === 'livenessProbe' && { kills: true }),
    ...(isStart && {
      startPeriod: milliseconds(
        (start.initialDelaySeconds ?? 0) +
          (start.failureThreshold ?? DEFAULTS.failures) * (start.periodSeconds ?? DEFAULTS.period),
      ),
      startInterval: milliseconds(start.periodSeconds ?? DEFAULTS.period),
    }),
  };
}

function isSame(one: Probe, other: Probe): boolean {
  const asked = ({ exec, httpGet, tcpSocket }: Probe) => ({ exec, httpGet, tcpSocket });
  return isDeepStrictEqual(asked(one), asked(other));
}

function checkOf(
  probe: Probe,
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
): HealthCheck {
  const { exec, httpGet, tcpSocket, initialDelaySeconds = 0 } = probe;
  if ([exec, httpGet, tcpSocket].filter((handler) => handler !== undefined).length !== 1)
    throw place.error('expected one of exec, httpGet and tcpSocket');
  const interval = milliseconds(probe.periodSeconds ?? DEFAULTS.period);
  return {
    ...(exec && { command: exec.command.map((word) => expand(word, variables)) }),
    ...(httpGet && askHttp(httpGet, container, place.below('httpGet'))),
    ...(tcpSocket && askTcp(tcpSocket, container, place.below('tcpSocket'))),
    interval,
    startInterval: interval,
    timeout: milliseconds(probe.timeoutSeconds ?? DEFAULTS.timeout),
    startPeriod: milliseconds(initialDelaySeconds),
    retries: probe.failureThreshold ?? DEFAULTS.failures,
  } as HealthCheck;
}

function milliseconds(seconds: number): number {
  return seconds * 1000;
}

type Asked = Pick<HealthCheck, 'command' | 'probe'>;

function askHttp(
  { path = '/', port, host, scheme, httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  container: Container,
  place: Place,
): Asked {
  if (scheme === 'HTTPS')
    throw place
      .below('scheme')
      .refusal('foster itself has no TLS where it asks', 'use exec, or scheme: HTTP');
  if (!/^[\x21-\x7e]*$/.test(path))
    throw place.below('path').error(`${quoted(path)} is not a path of an address`);
  for (const [index, { name, value }] of httpHeaders.entries())
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\r\n\0]/.test(value))
      throw place.below('httpHeaders', index).error('it is not a header');
  const number = portIn(port, container.ports ?? [], place.below('port'));
  const address = addressOf(host, place.below('host'));
  const names = new Set(httpHeaders.map(({ name }) => name.toLowerCase()));
  const own = {
    Host: `${hostText(address)}:${number}`,
    'User-Agent': 'foster',
    Accept: '*/*',
    Connection: 'close',
  };
  const headers = [
    ...Object.entries(own).filter(([name]) => !names.has(name.toLowerCase())),
    ...httpHeaders.map(({ name, value }): [string, string] => [name, value]),
  ];
  const target = path.startsWith('/') ? path : `/${path}`;
  const http = `GET ${target} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return {
    command: [`http://${hostText(address)}:${number}${target}`],
    probe: { address, port: number, http },
  };
}

function askTcp({ port, host }: NonNullable<Probe['tcpSocket']>, container: Container, place: Place): Asked {
  const number = portIn(port, container.ports ?? [], place.below('port'));
  const address = addressOf(host, place.below('host'));
  return { command: [`tcp://${hostText(address)}:${number}`], probe: { address, port: number } };
}

function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function addressOf(host: string | undefined, place: Place): string {
  if (host === undefined || host === '' || host === 'localhost') return '127.0.0.1';
  if (familyOf(host) !== undefined) return host;
  throw place.refusal(
    'foster asks an address, and does not look up names',
    'leave it out: it is the pod itself',
  );
}
