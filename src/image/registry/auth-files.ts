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
  /** By registry: which credential helper has its credentials. */
  credHelpers?: Record<string, string>;
  /** The credential helper that has those of all others. */
  credsStore?: string;
}

export interface AuthEntry {
  /** `USER:PASSWORD` in base64. */
  auth?: string;
  /** Instead of the password: to be exchanged for tokens. */
  identitytoken?: string;
}

/** The name under which Docker keeps what belongs to docker.io. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

/** Files in which credentials are looked up, the first one first. */
export function authFiles(): string[] {
  const only = onlyAuthFile();
  if (only !== undefined) return [only];
  const { DOCKER_CONFIG } = surroundings().env;
  const docker = DOCKER_CONFIG ? DOCKER_CONFIG : join(homeFolder(), '.docker');
  return [...new Set([ownAuthFile(), configAuthFile(), join(docker, 'config.json')])];
}

/** The file that the caller names, in place of all others. */
function onlyAuthFile(): string | undefined {
  const { authFile, env } = surroundings();
  return authFile ?? (env.REGISTRY_AUTH_FILE || undefined);
}

/** The file that a log-in is written to. As Podman's, it does not outlive the session where there is a folder for it. */
export function ownAuthFile(): string {
  const only = onlyAuthFile();
  if (only !== undefined) return only;
  const session = sessionFolder();
  return session === undefined ? configAuthFile() : join(session, 'containers/auth.json');
}

/**
 * $XDG_RUNTIME_DIR where it is ours alone, as it has to be: `su` may keep that of somebody else, and what others may
 * write to is no place for passwords.
 */
function sessionFolder(): string | undefined {
  const { XDG_RUNTIME_DIR } = surroundings().env;
  if (!XDG_RUNTIME_DIR?.startsWith('/')) return undefined;
  try {
    const info = statSync(XDG_RUNTIME_DIR);
    const isOurs = info.isDirectory() && info.uid === process.geteuid?.() && (info.mode & 0o022) === 0;
    return isOurs ? XDG_RUNTIME_DIR : undefined;
  } catch {
    return undefined; // it ended with the session, or is not for us to see
  }
}

function configAuthFile(): string {
  return join(baseFolder('XDG_CONFIG_HOME', '.config'), 'containers/auth.json');
}

/**
 * Reads a file of credentials; one that does not exist is empty.
 * @throws FosterError where it cannot be read or is not what it should be
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
 * What the entries of a registry may be called, the most particular first: `host/team/app`, `host/team`, `host`.
 * @param repository undefined for the registry as a whole
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

/** The value for the first of `keys` that the record has, in whatever form. */
export function lookUp<T>(record: Record<string, T> | undefined, keys: string[]): T | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  const byKey = new Map(Object.entries(record).map(([key, value]) => [canonicalKey(key), value]));
  const found = keys.find((key) => byKey.has(key));
  return found === undefined ? undefined : byKey.get(found);
}
