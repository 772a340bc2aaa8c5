import { posix, resolve } from 'node:path';
import type { KernelPaths, SeccompChoice } from '../request.js';
import { flagError, parseBoolean, unsupportedValue } from './flag.js';
import type { PathContext } from './volumes.js';

/** Values of `--security-opt`; undefined if not given. */
export interface SecurityOptions {
  noNewPrivileges: boolean | undefined;
  seccomp: SeccompChoice | undefined;
  kernelPaths: KernelPaths;
}

/**
 * Parses all `--security-opt` values, also with Docker's older separator `:`. `apparmor=unconfined` is accepted because
 * containers are always unconfined, and SELinux labels because Docker ignores them, too, if there is no SELinux.
 * @throws FosterError
 */
export function parseSecurityOptions(values: string[], context: PathContext): SecurityOptions {
  const paths = { mask: [] as string[], unmask: [] as string[], procOptions: [] as string[] };
  const options: SecurityOptions = { noNewPrivileges: undefined, seccomp: undefined, kernelPaths: paths };
  for (const value of values) {
    const [, key = '', setting] = /^([^=:]*)(?:[=:](.*))?$/s.exec(value) ?? [];
    if (key === 'no-new-privileges') {
      options.noNewPrivileges = setting === undefined || parseBoolean(`--security-opt ${key}`, setting);
    } else if (key === 'seccomp' && setting) {
      options.seccomp = parseSeccomp(value, setting, context);
    } else if (key === 'mask' && setting) {
      paths.mask.push(...kernelPathsOf(value, setting));
    } else if (value === 'unmask=ALL' || value === 'unmask=all' || value === 'systempaths=unconfined') {
      options.kernelPaths = { ...paths, unmask: 'all' };
    } else if (key === 'unmask' && setting) {
      paths.unmask.push(...kernelPathsOf(value, setting));
    } else if (key === 'proc-opts' && setting) {
      paths.procOptions.push(...procOptionsOf(value, setting));
    } else if (key === 'apparmor' && setting && setting !== 'unconfined') {
      throw unsupportedValue(
        '--security-opt',
        value,
        'AppArmor profiles are not applied',
        'use apparmor=unconfined',
      );
    } else if (key !== 'apparmor' && !isLabel(key, setting)) {
      throw flagError(
        '--security-opt',
        value,
        'expected no-new-privileges[=true|false], seccomp=unconfined|PROFILE.json, mask=PATH, unmask=ALL|PATH or proc-opts=OPTIONS',
      );
    }
  }
  return options;
}

function isLabel(key: string, setting = ''): boolean {
  return key === 'label' && /^(disable|nested|(user|role|type|level|filetype):.+)$/.test(setting);
}

function kernelPathsOf(value: string, setting: string): string[] {
  const paths = setting.split(':');
  if (paths.every((path) => path.startsWith('/'))) return paths.map((path) => posix.resolve('/', path));
  throw flagError('--security-opt', value, 'expected absolute paths, separated by colons');
}

/** Options of proc(5) that hide processes. */
function procOptionsOf(value: string, setting: string): string[] {
  const options = setting.split(',');
  const known = /^(hidepid=([0124]|off|noaccess|invisible|ptraceable)|gid=\d{1,9}|subset=pid)$/;
  if (options.every((option) => known.test(option))) return options;
  throw flagError('--security-opt', value, 'expected hidepid=MODE, gid=GID or subset=pid');
}

function parseSeccomp(value: string, setting: string, context: PathContext): SeccompChoice {
  // 'builtin' is Docker's word, 'default' is Podman's
  if (setting === 'default' || setting === 'builtin') return 'default';
  if (setting === 'unconfined') return 'unconfined';
  const file = resolve(context.cwd, setting);
  if (!context.exists(file)) throw flagError('--security-opt', value, `${file} does not exist`);
  return { file };
}
