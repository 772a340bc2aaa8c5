import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { baseFolder, homeFolder } from '../../sys/base-folders.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { parseDocument } from '../store/blobs.js';
import { canonicalRegistryName } from './names.js';

/** The files in which Podman and Docker keep credentials: containers-auth.json(5). */
export interface AuthFile {
  auths?: Record<string, AuthEntry>;
  /** The credential helper for each registry. */
  credHelpers?: Record<string, string>;
  /** The credential helper for all other registries. */
  credsStore?: string;
}

export interface AuthEntry {
  /** `USER:PASSWORD` in base64. */
  auth?: string;
  /** Instead of the password: exchanged for access tokens. */
  identitytoken?: string;
}

/** The key that Docker uses for docker.io. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** Files in which credentials are looked up, in this order. */
export function authFiles(): string[] {
  const only = onlyAuthFile();
  if (only !== undefined) return [only];
  const { DOCKER_CONFIG } = surroundings().env;
  const docker = DOCKER_CONFIG ? DOCKER_CONFIG : join(homeFolder(), '.docker');
  return [...new Set([ownAuthFile(), configAuthFile(), join(docker, 'config.json')])];
}

/** The file that the caller names, which replaces all others. */
function onlyAuthFile(): string | undefined {
  const { authFile, env } = surroundings();
  return authFile ?? (env.REGISTRY_AUTH_FILE || undefined);
}

/** The file that a login is written to. Like Podman's, it is in the session's runtime folder, if there is one. */
export function ownAuthFile(): string {
  const only = onlyAuthFile();
  if (only !== undefined) return only;
  const session = sessionFolder();
  return session === undefined ? configAuthFile() : join(session, 'containers/auth.json');
}

/**
 * $XDG_RUNTIME_DIR if it belongs to this user alone: `su` may keep that of another user, and passwords must not go
 * where others can write.
 */
function sessionFolder(): string | undefined {
  const { XDG_RUNTIME_DIR } = surroundings().env;
  if (!XDG_RUNTIME_DIR?.startsWith('/')) return undefined;
  try {
    const info = statSync(XDG_RUNTIME_DIR);
    const isOurs = info.isDirectory() && info.uid === process.geteuid?.() && (info.mode & 0o022) === 0;
    return isOurs ? XDG_RUNTIME_DIR : undefined;
  } catch {
    return undefined; // the session has ended, or the folder is not accessible
  }
}

function configAuthFile(): string {
  return join(baseFolder('XDG_CONFIG_HOME', '.config'), 'containers/auth.json');
}

/**
 * Reads a file of credentials; one that does not exist is empty.
 * @throws FosterError if it cannot be read or is invalid
 */
export function readAuthFile(path: string): AuthFile {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new FosterError(`cannot read the credentials in ${path}: ${code ?? error}`, {
      advice: 'check its permissions',
      cause: error,
    });
  }
  if (bytes.toString('utf8').trim() === '') return {};
  return parseDocument<AuthFile>(bytes, path);
}

/**
 * Possible keys of entries for a registry, the most specific first: `host/team/app`, `host/team`, `host`.
 * @param repository undefined for the whole registry
 */
export function authKeys(registry: string, repository: string | undefined): string[] {
  const parts = repository === undefined ? [] : repository.split('/');
  return [registry, ...parts.map((_, last) => [registry, ...parts.slice(0, last + 1)].join('/'))].reverse();
}

/** A key of `auths` in the form of `authKeys`: Docker writes `https://index.docker.io/v1/`, old tools `https://HOST/v2/`. */
export function canonicalKey(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const [host = '', ...path] = bare.split('/');
  return [canonicalRegistryName(host), ...path].join('/');
}

/** The value for the first of `keys` that the record has, in any form. */
export function lookUp<T>(record: Record<string, T> | undefined, keys: string[]): T | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  const byKey = new Map(Object.entries(record).map(([key, value]) => [canonicalKey(key), value]));
  const found = keys.find((key) => byKey.has(key));
  return found === undefined ? undefined : byKey.get(found);
}
