import type { Reference } from './reference.js';
import type { Credentials } from './registry.js';
export async function credentialsFor(
  _reference: Pick<Reference, 'registry' | 'repository'>,
): Promise<Credentials | undefined> {
  return undefined;
}
