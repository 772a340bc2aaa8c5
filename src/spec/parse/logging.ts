import type { LogOptions } from '../request.js';
import { flagError } from './flag.js';
import { parseSize } from './sizes.js';

/**
 * Parses all `--log-opt` values: `max-size=SIZE` and `max-file=NUMBER`, as for Docker's file drivers.
 * @throws FosterError
 */
export function parseLogOptions(values: string[]): LogOptions {
  const options: LogOptions = { maxSize: 0, maxFiles: 1 };
  for (const value of values) {
    const [, key = '', setting = ''] = /^([^=]*)=(.*)$/.exec(value) ?? [];
    if (key === 'max-size') options.maxSize = setting === '-1' ? 0 : parseSize('--log-opt max-size', setting);
    else if (key === 'max-file' && /^[1-9]\d{0,3}$/.test(setting)) options.maxFiles = Number(setting);
    else throw flagError('--log-opt', value, 'expected max-size=SIZE or max-file=NUMBER');
  }
  return options;
}
