import { readFileSync } from 'node:fs';
import type { RunRequest } from '../spec/request.js';
import type { Seccomp } from '../spec/types.js';

/** The profile of `--security-opt seccomp=FILE`; undefined without that option. @throws FosterError */
export async function readProfile({
  seccomp,
  capabilities,
}: Pick<RunRequest, 'seccomp' | 'capabilities'>): Promise<Seccomp | undefined> {
  if (typeof seccomp === 'string') return undefined;
  const { file } = seccomp;
  const { parseSeccompProfile } = await import('../spec/parse/seccomp-file.js');
  return parseSeccompProfile(readFileSync(file, 'utf8'), file, { architecture: process.arch, capabilities });
}
