import type { Credentials } from '../image/registry/registry.js';

export type { Credentials };

/** How to connect to a registry. */
export interface RegistryConnection {
  tlsVerify: boolean;
  /** A directory with certificates, used instead of certs.d. */
  certDir?: string | undefined;
}

/** The name that credentials are stored under: `docker.io` for its other names, too. @throws FosterError */
export async function registryName(text: string): Promise<string> {
  const { canonicalRegistryName } = await import('../image/registry/names.js');
  return canonicalRegistryName(text);
}

/** Stored credentials for a registry; undefined if there are none. */
export async function storedCredentials(registry: string): Promise<Credentials | undefined> {
  const { credentialsFor } = await import('../image/registry/credentials.js');
  return await credentialsFor({ registry });
}

/** Asks a registry whether it accepts credentials. @throws FosterError of the kind `denied` if it does not */
export async function check(
  registry: string,
  credentials: Credentials,
  connection: RegistryConnection,
): Promise<void> {
  const { checkCredentials } = await import('../image/registry/login.js');
  await checkCredentials(registry, credentials, connection);
}

/** Stores credentials for pull, push and build. @returns where: a path, or the name of a credential helper */
export async function store(
  registry: string,
  credentials: Pick<Credentials, 'username' | 'password'>,
): Promise<string> {
  const { storeCredentials } = await import('../image/registry/login.js');
  return await storeCredentials(registry, credentials);
}

/**
 * Removes stored credentials.
 * @returns whether there were any, and the other file that still has credentials for the registry
 */
export async function logout(registry: string): Promise<{ wasThere: boolean; left?: string }> {
  const { removeCredentials } = await import('../image/registry/login.js');
  return await removeCredentials(registry);
}

/** Removes the stored credentials for all registries. Credential helpers keep theirs. */
export async function logoutAll(): Promise<void> {
  const { removeAllCredentials } = await import('../image/registry/login.js');
  await removeAllCredentials();
}
