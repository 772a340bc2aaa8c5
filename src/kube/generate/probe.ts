import type { HealthCheck, ServerProbe } from '../../spec/request.js';
import type { Container, Probe } from '../model.js';

/** The probes that a health check is. @param escaped makes a text the same where `$(NAME)` is replaced */
export function probeFields(
  check: HealthCheck,
  escaped: (text: string) => string,
): Pick<Container, 'livenessProbe' | 'readinessProbe' | 'startupProbe'> {
  const { command, probe, interval, startInterval = interval, timeout, startPeriod, retries, kills } = check;
  const asked: Probe =
    probe === undefined ? { exec: { command: command.map(escaped) } } : serverFields(probe);
  const isStart = startPeriod > 0 && startInterval < interval;
  const main: Probe = {
    ...asked,
    periodSeconds: seconds(interval),
    timeoutSeconds: seconds(timeout),
    failureThreshold: retries,
    ...(startPeriod > 0 && !isStart && { initialDelaySeconds: seconds(startPeriod) }),
  };
  const start: Probe = {
    ...asked,
    periodSeconds: seconds(startInterval),
    failureThreshold: Math.ceil(seconds(startPeriod) / seconds(startInterval)),
  };
  return {
    ...(kills ? { livenessProbe: main } : { readinessProbe: main }),
    ...(isStart && { startupProbe: start }),
  };
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
