import type { HealthCheck, Hook, ServerProbe } from '../../spec/request.js';
import type { Container, Handler, Probe } from '../model.js';

type Probes = Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'>;

/** The probes that the health checks of a container are. @param escaped makes a text the same where `$(NAME)` is replaced */
export function probeFields(checks: readonly HealthCheck[], escaped: (text: string) => string): Probes {
  return Object.assign(
    {},
    ...checks.map((check) =>
      check.role === undefined
        ? ofDocker(check, escaped)
        : { [`${check.role}Probe`]: probeOf(check, escaped) },
    ),
  );
}

/** A probe of a file. */
function probeOf(check: HealthCheck, escaped: (text: string) => string): Probe {
  const { delay = 0, interval, timeout, retries, successes, grace } = check;
  return {
    ...askedOf(check, escaped),
    periodSeconds: seconds(interval),
    timeoutSeconds: seconds(timeout),
    failureThreshold: retries,
    ...(delay > 1000 && { initialDelaySeconds: seconds(delay) }),
    ...(successes !== undefined && { successThreshold: successes }),
    ...(grace !== undefined && { terminationGracePeriodSeconds: seconds(grace) }),
  };
}

function askedOf({ command, probe }: HealthCheck, escaped: (text: string) => string): Probe {
  return probe === undefined ? { exec: { command: command.map(escaped) } } : serverFields(probe);
}

/** A health check of Docker: the time in which failures do not count becomes a startupProbe, if it is asked more often then. */
function ofDocker(check: HealthCheck, escaped: (text: string) => string): Probes {
  const { interval, startInterval = interval, startPeriod } = check;
  const isStart = startPeriod > 0 && startInterval < interval;
  const main = probeOf({ ...check, ...(!isStart && { delay: startPeriod }) }, escaped);
  const start: Probe = {
    ...askedOf(check, escaped),
    periodSeconds: seconds(startInterval),
    failureThreshold: Math.ceil(seconds(startPeriod) / seconds(startInterval)),
  };
  return {
    ...(check.kills ? { livenessProbe: main } : { readinessProbe: main }),
    ...(isStart && { startupProbe: start }),
  };
}

/** The hook of a file that does this. @param escaped makes a text the same where `$(NAME)` is replaced */
export function handlerFields({ command, probe, sleep }: Hook, escaped: (text: string) => string): Handler {
  if (sleep !== undefined) return { sleep: { seconds: Math.ceil(sleep / 1000) } };
  return probe === undefined ? { exec: { command: command.map(escaped) } } : serverFields(probe);
}

/** Kubernetes has no parts of seconds. */
function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** Headers that foster adds. */
const OWN = ['user-agent', 'accept', 'connection'];

function serverFields({ address, port, http }: ServerProbe): Probe {
  const host = address === '127.0.0.1' ? {} : { host: address };
  if (http === undefined) return { tcpSocket: { port, ...host } };
  const [first = '', ...lines] = http.split('\r\n').filter(Boolean);
  const httpHeaders = lines
    .map((line) => ({ name: line.slice(0, line.indexOf(': ')), value: line.slice(line.indexOf(': ') + 2) }))
    .filter(
      ({ name, value }) =>
        !OWN.includes(name.toLowerCase()) && !(name === 'Host' && value.endsWith(`:${port}`)),
    );
  return {
    httpGet: {
      path: first.split(' ')[1] ?? '/',
      port,
      ...host,
      ...(httpHeaders.length > 0 && { httpHeaders }),
    },
  };
}
