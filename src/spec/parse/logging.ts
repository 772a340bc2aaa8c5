import type { LogOptions } from '../request.js';
import { flagError, unsupportedValue } from './flag.js';
import { parseSize } from './sizes.js';

/** The drivers that keep a file, in the spellings of Docker and Podman: foster's has its own format. */
const FILES = ['json-file', 'local', 'k8s-file'];
const ELSEWHERE =
  'journald syslog gelf fluentd awslogs splunk etwlogs gcplogs logentries passthrough-tty'.split(' ');

/**
 * Parses `--log-driver` and all `--log-opt` values: `max-size=SIZE`, `max-file=NUMBER`, `tag=TEXT`, `labels=NAMES`,
 * `env=NAMES`.
 * @throws FosterError
 */
export function parseLogging(driver: string | undefined, values: string[]): LogOptions {
  const options: LogOptions = { maxSize: 0, maxFiles: 1, ...(driver && { driver: parseDriver(driver) }) };
  for (const value of values) {
    const [, key = '', setting = ''] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
    if (key === 'max-size') options.maxSize = setting === '-1' ? 0 : parseSize('--log-opt max-size', setting);
    else if (key === 'max-file' && /^[1-9]\d{0,3}$/.test(setting)) options.maxFiles = Number(setting);
    else if (key === 'tag' && setting !== '') options.tag = setting;
    else if (key === 'labels' || key === 'env') options[key] = setting.split(',').filter(Boolean);
    else if (key === 'path')
      throw unsupportedValue(
        '--log-opt',
        value,
        "the log is in the container's folder",
        "read it with 'foster logs'",
      );
    else
      throw flagError(
        '--log-opt',
        value,
        'expected max-size=SIZE, max-file=NUMBER, tag=TEXT, labels=NAME,... or env=NAME,...',
      );
  }
  return options;
}

/** Whether the container's output is not kept at all. */
export function isUnlogged({ driver }: LogOptions): boolean {
  return driver === 'none' || driver === 'passthrough';
}

function parseDriver(driver: string): string {
  if ([...FILES, 'none', 'passthrough'].includes(driver)) return driver;
  if (ELSEWHERE.includes(driver))
    throw unsupportedValue(
      '--log-driver',
      driver,
      'the log of a container is a file',
      "read it with 'foster logs --follow' and pass it on",
    );
  throw flagError('--log-driver', driver, `expected ${FILES.join(', ')}, none or passthrough`);
}
