import type { RunRequest } from '../request.js';
import { flagError } from './flag.js';

/** Which image: `--pull`, `--platform`, and Podman's `--arch`, `--os` and `--variant`. */
export interface PlatformFlags {
  platform?: string;
  arch?: string;
  os?: string;
  variant?: string;
}

/** Podman's spellings, and what a boolean means in scripts. */
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

/** @param flag `--pull`, or the one that was used @throws FosterError */
export function parsePull(value: string, flag = '--pull'): RunRequest['pull'] {
  const policy = PULL.get(value.toLowerCase());
  if (policy === undefined) throw flagError(flag, value, 'expected missing, always, newer or never');
  return policy;
}

/** `OS/ARCHITECTURE[/VARIANT]`; undefined where nothing is asked for. @throws FosterError */
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
  if (/^[\w.-]+(\/[\w.-]+){0,2}$/.test(value)) return value; // an architecture alone is Linux's
  throw flagError(flag, value, 'expected OS/ARCHITECTURE[/VARIANT], for example linux/arm64');
}
