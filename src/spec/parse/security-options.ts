import { resolve } from 'node:path';
import type { SeccompChoice } from '../request.js';
import { flagError, parseBoolean } from './flag.js';
import type { PathContext } from './volumes.js';

/** Values of `--security-opt`; undefined if not given. */
export interface SecurityOptions {
  noNewPrivileges: boolean | undefined;
  seccomp: SeccompChoice | undefined;
}

/**
 * Parses all `--security-opt` values: `no-new-privileges[=BOOL]`, `seccomp=unconfined|default|FILE`, also with Docker's
 * older separator `:`. `apparmor=unconfined` and `label=disable` are accepted because they are always so.
 * @throws FosterError
 */
export function parseSecurityOptions(values: string[], context: PathContext): SecurityOptions {
  const options: SecurityOptions = { noNewPrivileges: undefined, seccomp: undefined };
  for (const value of values) {
    const [, key = '', setting] = /^([^=:]*)(?:[=:](.*))?$/s.exec(value) ?? [];
    if (key === 'no-new-privileges') {
      options.noNewPrivileges = setting === undefined || parseBoolean(`--security-opt ${key}`, setting);
    } else if (key === 'seccomp' && setting) {
      options.seccomp = parseSeccomp(value, setting, context);
    } else if (value !== 'apparmor=unconfined' && value !== 'label=disable') {
      throw flagError(
        '--security-opt',
        value,
        'expected no-new-privileges[=true|false] or seccomp=unconfined|PROFILE.json',
      );
    }
  }
  return options;
}

function parseSeccomp(value: string, setting: string, context: PathContext): SeccompChoice {
  // 'builtin' is Docker's word, 'default' is Podman's
  if (setting === 'default' || setting === 'builtin') return 'default';
  if (setting === 'unconfined') return 'unconfined';
  const file = resolve(context.cwd, setting);
  if (!context.exists(file)) throw flagError('--security-opt', value, `${file} does not exist`);
  return { file };
}
