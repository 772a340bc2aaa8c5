import type { RunRequest } from '../request.js';
import { flagError } from './flag.js';

/** The options for the image: `--pull`, `--platform`, and Podman's `--arch`, `--os` and `--variant`. */
export interface PlatformFlags {
  platform?: string;
  arch?: string;
  os?: string;
  variant?: string;
}

/** The policies, Podman's spellings of them, and booleans, which scripts use. */
const PULL: ReadonlyMap<string, RunRequest['pull']> = new Map([
  ['missing', 'missing'],
  ['ifmissing', 'missing'],
  ['ifnotpresent', 'missing'],
  ['false', 'missing'],
  ['always', 'always'],
  ['true', 'always'],
  ['newer', 'newer'],
  ['ifnewer', 'newer'],
  ['never', 'never'],
]);

/** @param flag the option that was used @throws FosterError */
export function parsePull(value: string, flag = '--pull'): RunRequest['pull'] {
  const policy = PULL.get(value.toLowerCase());
  if (policy === undefined) throw flagError(flag, value, 'expected missing, always, newer or never');
  return policy;
}

/** `OS/ARCHITECTURE[/VARIANT]`; undefined without any option. @throws FosterError */
export function platformOf({ platform, arch, os, variant }: PlatformFlags, own: string): string | undefined {
  if (platform !== undefined) {
    const part = arch === undefined ? (os === undefined ? variant && '--variant' : '--os') : '--arch';
    if (part) throw flagError('--platform', platform, `it cannot be used together with ${part}`);
    return checked('--platform', platform);
  }
  if (!arch && !os && !variant) return undefined;
  const parts = [os || 'linux', arch || own, ...(variant ? [variant] : [])];
  return checked(arch ? '--arch' : os ? '--os' : '--variant', parts.join('/'));
}

function checked(flag: string, value: string): string {
  if (/^[\w.-]+(\/[\w.-]+){0,2}$/.test(value)) return value; // an architecture alone means Linux
  throw flagError(flag, value, 'expected OS/ARCHITECTURE[/VARIANT], for example linux/arm64');
}
