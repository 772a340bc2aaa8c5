import { familyOf } from '../spec/addresses.js';
import { quoted } from '../spec/parse/flag.js';
import type { HealthCheck, ProbeRole } from '../spec/request.js';
import { FosterError } from '../sys/errors.js';
import type { Origins } from './environment.js';
import { expand } from './expand.js';
import type { Container, Probe, ProbeName } from './model.js';
import type { Place } from './place.js';
import { portIn } from './ports.js';

/** In the order in which foster shows one of them as the health of a container. */
const ORDER = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const satisfies ProbeName[];

const ROLES = {
  readinessProbe: 'readiness',
  livenessProbe: 'liveness',
  startupProbe: 'startup',
} as const satisfies Record<ProbeName, ProbeRole>;

/** The defaults of Kubernetes, in seconds. */
const DEFAULTS = { period: 10, timeout: 1, failures: 3 };

/** Milliseconds that a program has until it is asked for the first time, where nothing is said; before it may be killed, a second. */
const MOMENT = 250;
const SECOND = 1000;

/**
 * The health checks that the probes of a container are, first the one that is its health: the readinessProbe, if there is one.
 * @param variables of the container, for `$(NAME)`
 * @throws FosterError that names the field
 */
export function checksOfProbes(
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
  { leaveOut }: Pick<Origins, 'leaveOut'>,
): HealthCheck[] {
  return ORDER.flatMap((name) => {
    const probe = container[name];
    if (probe === undefined) return [];
    const at = place.below(name);
    try {
      return [checkOf(ROLES[name], probe, container, at, variables)];
    } catch (error) {
      if (!(error instanceof FosterError) || error.kind !== 'unsupported') throw error;
      leaveOut(error);
      return [];
    }
  });
}

function checkOf(
  role: ProbeRole,
  probe: Probe,
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
): HealthCheck {
  const { initialDelaySeconds = 0, successThreshold = 1, terminationGracePeriodSeconds: grace } = probe;
  if (role !== 'readiness' && successThreshold !== 1)
    throw place.below('successThreshold').error('only a readinessProbe can need more than one success');
  if (role === 'readiness' && grace !== undefined)
    throw place.below('terminationGracePeriodSeconds').error('a readinessProbe does not end the container');
  const interval = (probe.periodSeconds ?? DEFAULTS.period) * SECOND;
  const delay = initialDelaySeconds * SECOND || (role === 'liveness' ? SECOND : MOMENT);
  return {
    ...askedBy(probe, container, place, variables),
    role,
    delay,
    interval,
    // as Kubernetes may, it asks more often whether the container is ready for the first time
    ...(role === 'readiness' && interval > SECOND
      ? { startInterval: SECOND, startPeriod: delay + interval }
      : { startInterval: interval, startPeriod: 0 }),
    timeout: (probe.timeoutSeconds ?? DEFAULTS.timeout) * SECOND,
    retries: probe.failureThreshold ?? DEFAULTS.failures,
    ...(successThreshold !== 1 && { successes: successThreshold }),
    ...(grace !== undefined && { grace: grace * SECOND }),
  };
}

/** What a handler asks: a command in the container, or a server. @throws FosterError that names the field */
export function askedBy(
  { exec, httpGet, tcpSocket }: Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket'>,
  container: Container,
  place: Place,
  variables: ReadonlyMap<string, string>,
): Asked {
  const [asked, another] = [
    exec && { command: exec.command.map((word) => expand(word, variables)) },
    httpGet && askHttp(httpGet, container, place.below('httpGet')),
    tcpSocket && askTcp(tcpSocket, container, place.below('tcpSocket')),
  ].filter((one) => one !== undefined);
  if (another !== undefined) throw place.error('expected one of exec, httpGet and tcpSocket');
  if (asked === undefined) throw place.refusal('it asks nothing', 'use exec, httpGet or tcpSocket');
  return asked;
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
