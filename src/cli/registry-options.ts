import type { Command } from 'commander';
import type { Credentials } from '../image/registry.js';
import { flagError } from '../spec/flag.js';

/** Options that all commands have which speak to a registry. */
export interface RegistryFlags {
  creds?: string;
  tlsVerify: boolean;
  quiet: boolean;
}

/** @param quiet what --quiet does */
export function addRegistryOptions(command: Command, quiet: string): void {
  command
    .option('--creds <USER:PASSWORD>', 'instead of what foster login has stored')
    .option('--tls-verify', 'false: also without TLS, or with a certificate nobody vouches for', true)
    .option('-q, --quiet', quiet, false);
}

/** @throws FosterError */
export async function credentialsOf({ creds }: RegistryFlags): Promise<Credentials | undefined> {
  if (creds === undefined) return undefined;
  const colon = creds.indexOf(':');
  if (colon > 0)
    return { username: creds.slice(0, colon), password: creds.slice(colon + 1), source: '--creds' };
  if (colon < 0 && creds !== '' && process.stdin.isTTY) {
    const { askSecret } = await import('./ask.js');
    return { username: creds, password: await askSecret('Password: '), source: '--creds' };
  }
  throw flagError('--creds', creds.slice(0, Math.max(0, colon)), 'expected USER:PASSWORD');
}
