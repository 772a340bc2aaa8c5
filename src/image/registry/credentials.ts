import {
  type AuthEntry,
  type AuthFile,
  authFiles,
  authKeys,
  DOCKER_HUB_KEY,
  lookUp,
  readAuthFile,
} from './auth-files.js';
import type { HelperSecret } from './credential-helper.js';
import type { Credentials } from './token.js';

/** What credentials are for: a repository, or a registry as a whole. */
export interface Target {
  registry: string;
  repository?: string | undefined;
}

/** Helpers return this user name if the secret is an identity token. */
const TOKEN_USER = '<token>';

/**
 * The credentials that `foster login`, `podman login` or `docker login` has stored for a repository.
 * @throws FosterError if a file cannot be read or a helper fails
 */
export async function credentialsFor(target: Target): Promise<Credentials | undefined> {
  for (const path of authFiles()) {
    const found = await credentialsIn(readAuthFile(path), target, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param source the file, for errors */
export async function credentialsIn(
  file: AuthFile,
  { registry, repository }: Target,
  source: string,
): Promise<Credentials | undefined> {
  const keys = authKeys(registry, repository);
  const helper = lookUp(file.credHelpers, [registry]);
  if (helper !== undefined) return await askHelper(helper, registry);
  const entry = lookUp(file.auths, keys);
  const plain = entry === undefined ? undefined : fromEntry(entry, source);
  if (plain !== undefined || file.credsStore === undefined) return plain;
  const { NoSuchHelper } = await import('./credential-helper.js');
  try {
    return await askHelper(file.credsStore, registry);
  } catch (error) {
    // left over from a Docker Desktop that was removed; the other entries still count
    if (error instanceof NoSuchHelper) return undefined;
    throw error;
  }
}

async function askHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const { getFromHelper } = await import('./credential-helper.js');
  const secret = await getFromHelper(helper, serverOf(registry));
  return secret === undefined ? undefined : fromSecret(secret, `docker-credential-${helper}`);
}

/** The name of a registry for helpers. */
export function serverOf(registry: string): string {
  return registry === 'docker.io' ? DOCKER_HUB_KEY : registry;
}

function fromSecret({ Username, Secret }: HelperSecret, source: string): Credentials {
  if (Username === TOKEN_USER) return { username: '', password: '', identityToken: Secret, source };
  return { username: Username, password: Secret, source };
}

function fromEntry({ auth, identitytoken }: AuthEntry, source: string): Credentials | undefined {
  const decoded = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = decoded.indexOf(':');
  const username = colon < 0 ? '' : decoded.slice(0, colon);
  // old versions of Docker pad with NUL
  const password = colon < 0 ? '' : decoded.slice(colon + 1).replace(/\0+$/, '');
  if (typeof identitytoken === 'string' && identitytoken !== '') {
    return { username, password, identityToken: identitytoken, source };
  }
  return username === '' ? undefined : { username, password, source };
}
