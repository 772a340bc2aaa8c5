import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FosterError } from '../../sys/errors.js';
import { withLock } from '../rootfs/cache.js';
import {
  type AuthEntry,
  type AuthFile,
  canonicalKey,
  lookUp,
  ownAuthFile,
  readAuthFile,
} from './auth-files.js';
import { credentialsFor, serverOf } from './credentials.js';
import { drain } from './http.js';
import { type Credentials, Registry, responseError } from './registry.js';

/**
 * Checks credentials with a registry.
 * @throws FosterError if it rejects them
 */
export async function checkCredentials(
  registry: string,
  credentials: Credentials,
  options: { tlsVerify: boolean; certDir?: string | undefined },
): Promise<void> {
  const client = new Registry(registry, undefined, {
    tlsVerify: options.tlsVerify,
    certDir: options.certDir,
    credentials,
  });
  try {
    const response = await client.request('GET', '');
    if (response.statusCode !== 200) throw await responseError(`log in to ${registry}`, response, registry);
    await drain(response);
  } finally {
    await client.close();
  }
}

/**
 * Stores credentials, in the credential helper that the file names for the registry, if any.
 * @returns where they are stored
 * @throws FosterError
 */
export async function storeCredentials(
  registry: string,
  { username, password }: Pick<Credentials, 'username' | 'password'>,
): Promise<string> {
  const path = ownAuthFile();
  const helper = helperOf(readAuthFile(path), registry);
  if (helper !== undefined) {
    const { storeInHelper } = await import('./credential-helper.js');
    await storeInHelper(helper, serverOf(registry), { Username: username, Secret: password });
    return `docker-credential-${helper}`;
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await changeAuthFile(path, (file) => ({
    ...file,
    auths: { ...withoutRegistry(file.auths, registry), [registry]: { auth } },
  }));
  return path;
}

/**
 * Removes the stored credentials of a registry.
 * @returns whether there were any, and another file that still has some
 * @throws FosterError
 */
export async function removeCredentials(registry: string): Promise<{ wasThere: boolean; left?: string }> {
  const path = ownAuthFile();
  const file = readAuthFile(path);
  const helper = helperOf(file, registry);
  let wasThere = lookUp(file.auths, [registry]) !== undefined;
  if (helper !== undefined) {
    const { eraseFromHelper, getFromHelper } = await import('./credential-helper.js');
    wasThere ||= (await getFromHelper(helper, serverOf(registry))) !== undefined;
    await eraseFromHelper(helper, serverOf(registry));
  }
  if (lookUp(file.auths, [registry]) !== undefined) {
    await changeAuthFile(path, (current) => ({
      ...current,
      auths: withoutRegistry(current.auths, registry),
    }));
  }
  const left = (await credentialsFor({ registry }))?.source;
  return { wasThere, ...(left === undefined ? {} : { left }) };
}

/** Removes all credentials from the file that foster and Podman write. Helpers keep theirs. */
export async function removeAllCredentials(): Promise<void> {
  const path = ownAuthFile();
  if (Object.keys(readAuthFile(path).auths ?? {}).length === 0) return;
  await changeAuthFile(path, (file) => ({ ...file, auths: {} }));
}

function helperOf(file: AuthFile, registry: string): string | undefined {
  return lookUp(file.credHelpers, [registry]) ?? file.credsStore;
}

function withoutRegistry(auths: AuthFile['auths'], registry: string): Record<string, AuthEntry> {
  return Object.fromEntries(Object.entries(auths ?? {}).filter(([key]) => canonicalKey(key) !== registry));
}

/** Replaces the file atomically; others can never read it. */
async function changeAuthFile(path: string, change: (file: AuthFile) => AuthFile): Promise<void> {
  await withLock('credentials', async () => {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const target = resolveLink(path);
      const fresh = `${target}.${process.pid}.new`;
      try {
        const text = `${JSON.stringify(change(readAuthFile(path)), undefined, 2)}\n`;
        writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
        renameSync(fresh, target);
      } catch (error) {
        rmSync(fresh, { force: true });
        throw error;
      }
    } catch (error) {
      if (error instanceof FosterError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new FosterError(`cannot write the credentials to ${path}: ${why}`, {
        advice: 'choose another file with REGISTRY_AUTH_FILE',
        cause: error,
      });
    }
  });
}

/** The file may be a symbolic link. */
function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
