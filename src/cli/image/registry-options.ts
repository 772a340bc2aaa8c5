import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ProgressOutput, RegistryAccess } from '../../engine/images.js';
import type { Credentials } from '../../engine/registry.js';
import { flagError } from '../../spec/parse/flag.js';
import { print } from '../output.js';
import { CALLER } from '../surroundings.js';

/** Options of all commands that connect to a registry. */
export interface RegistryFlags {
  creds?: string;
  tlsVerify: boolean;
  authfile?: string;
  certDir?: string;
  quiet: boolean;
}

/** @param quiet the description of --quiet, unless the command has that option already */
export function addRegistryOptions(command: Command, quiet?: string): void {
  command
    .option('--creds <USER:PASSWORD>', 'use these credentials instead of those that foster login stored')
    .option('--tls-verify', 'false allows plain HTTP and unverified certificates', true)
    .option('--authfile <FILE>', 'file to read credentials from')
    .option(
      '--cert-dir <FOLDER>',
      'directory with *.crt of certificate authorities, and *.cert and *.key of the client',
    );
  if (quiet !== undefined) command.option('-q, --quiet', quiet, false);
}

/** How pull and push connect to a registry. @throws FosterError */
export async function registryAccess(flags: RegistryFlags): Promise<RegistryAccess> {
  const { authfile, certDir, tlsVerify } = flags;
  if (authfile !== undefined) useAuthFile(authfile);
  if (certDir !== undefined && !isDirectory(certDir))
    throw flagError('--cert-dir', certDir, 'there is no such folder');
  return { creds: await credentialsOf(flags), tlsVerify, certDir };
}

/** Progress goes to standard output, with progress bars if that is a terminal. */
export function progressOutput(): ProgressOutput {
  return { printLine: (line) => print(`${line}\n`), stream: process.stdout };
}

/** Makes a file the only source of credentials. @throws FosterError */
export function useAuthFile(path: string): void {
  if (!existsSync(path)) throw flagError('--authfile', path, 'there is no such file');
  CALLER.authFile = resolve(path);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function credentialsOf({ creds }: Pick<RegistryFlags, 'creds'>): Promise<Credentials | undefined> {
  if (creds === undefined) return undefined;
  const colon = creds.indexOf(':');
  if (colon > 0)
    return { username: creds.slice(0, colon), password: creds.slice(colon + 1), source: '--creds' };
  if (colon < 0 && creds !== '' && process.stdin.isTTY) {
    const { askSecret } = await import('../ask.js');
    return { username: creds, password: await askSecret('Password: '), source: '--creds' };
  }
  throw flagError('--creds', creds.slice(0, Math.max(0, colon)), 'expected USER:PASSWORD');
}
