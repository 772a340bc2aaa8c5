import type { IncomingMessage } from 'node:http';
import { visible } from '../../spec/parse/flag.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { parseDocument } from '../store/blobs.js';
import type { Reference } from '../store/reference.js';
import {
  type ConnectionOptions,
  Connections,
  connectionFailure,
  drain,
  type Method,
  type Request,
  readBody,
} from './http.js';
import { isLoopback, registryHost } from './names.js';
import { withRetries } from './retry.js';
import { Authorization, type Credentials } from './token.js';

export type { Credentials } from './token.js';

export interface RegistryOptions extends ConnectionOptions {
  credentials?: Credentials | undefined;
  /** What a token should allow; without a repository only a login. */
  actions?: 'pull' | 'pull,push';
}

/** How many responses "401 Unauthorized" to one request lead to a new token. */
const MAX_RENEWALS = 2;
const MAX_ERROR_BODY = 64 * 1024;

/** A client for a repository in a registry: distribution-spec v1.1, and Docker's registry API v2. */
export class Registry {
  readonly host: string;
  readonly #connections: Connections;
  readonly #authorization: Authorization;
  #origin: Promise<string> | undefined;
  #hasAnswered = false;

  constructor(
    readonly registry: string,
    /** Undefined for the registry itself. */
    readonly repository: string | undefined,
    readonly options: RegistryOptions,
  ) {
    this.host = registryHost(registry);
    this.#connections = new Connections(options);
    const { actions = 'pull', credentials } = options;
    const scope = repository === undefined ? undefined : `repository:${repository}:${actions}`;
    this.#authorization = new Authorization(this.#connections, registry, credentials, scope);
  }

  static of({ registry, repository }: Pick<Reference, 'registry' | 'repository'>, options: RegistryOptions) {
    return new Registry(registry, repository, options);
  }

  /** The address of a path in the repository, `manifests/latest`; of the API itself for an empty path. */
  async url(path: string): Promise<URL> {
    this.#origin ??= this.#findOrigin();
    const repository = this.repository === undefined ? '' : `${this.repository}/`;
    return new URL(`${await this.#origin}/v2/${repository}${path}`);
  }

  /**
   * Sends a request, authorizes it as the registry requires, and retries it if that may help.
   * @param target a path in the repository, or an address from an earlier response
   * @returns the response, whatever its status
   * @throws FosterError if there is no response
   */
  async request(method: Method, target: string | URL, more: Omit<Request, 'method' | 'url'> = {}) {
    const url = typeof target === 'string' ? await this.url(target) : target;
    const own = await this.url('');
    const isOwn = url.host === own.host && url.protocol === own.protocol;
    for (let renewals = 0; ; renewals++) {
      const { header } = this.#authorization;
      const authorization = header === undefined || !isOwn ? {} : { authorization: header };
      const request = { ...more, method, url, headers: { ...more.headers, ...authorization } };
      const response = await withRetries(
        url.host,
        this.#connections,
        () => this.#connections.send(request),
        () => this.#hasAnswered,
      );
      this.#hasAnswered = true;
      if (response.statusCode !== 401 || !isOwn || renewals === MAX_RENEWALS) return response;
      await drain(response);
      await this.#authorization.answer(response.headers['www-authenticate'], header);
    }
  }

  /**
   * https; or http, if that is allowed and the host does not use TLS. On this machine http is tried first, because
   * reading the certificates for TLS takes longer than everything else.
   */
  async #findOrigin(): Promise<string> {
    const secure = `https://${this.host}`;
    const plain = `http://${this.host}`;
    if (!URL.canParse(secure)) throw new FosterError(`${visible(this.host)} is not a valid host name`);
    if (isLoopback(this.host)) return (await this.#speaksPlainly(plain)) ? plain : secure;
    if (this.options.tlsVerify) return secure;
    try {
      await drain(await this.#connections.send({ method: 'GET', url: new URL(`${secure}/v2/`) }));
      return secure;
    } catch (error) {
      this.options.signal?.throwIfAborted();
      if (error instanceof FosterError || errnoOf(error) === 'ENOTFOUND') {
        throw connectionFailure(this.registry, error);
      }
      return plain;
    }
  }

  /** A server that requires TLS responds with "400 Bad Request", or not at all. */
  async #speaksPlainly(origin: string): Promise<boolean> {
    try {
      const response = await this.#connections.send({ method: 'HEAD', url: new URL(`${origin}/v2/`) });
      await drain(response);
      return response.statusCode !== 400;
    } catch (error) {
      if (error instanceof FosterError || errnoOf(error) === 'ECONNREFUSED') {
        throw connectionFailure(this.registry, error);
      }
      return false;
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** How to access a registry. */
export interface RegistryAccess {
  /** Instead of the stored credentials. */
  creds?: Credentials | undefined;
  tlsVerify: boolean;
  /** A folder of certificates, instead of those of certs.d. */
  certDir?: string | undefined;
  /** How often a request is retried, instead of the usual; and the least number of milliseconds before that. */
  retries?: number | undefined;
  retryDelay?: number | undefined;
}

/** Opens a repository; uses stored credentials unless the caller gives some. @throws FosterError */
export async function openRegistry(
  reference: Pick<Reference, 'registry' | 'repository'>,
  { creds, tlsVerify, certDir, retries, retryDelay }: RegistryAccess,
  more: Omit<RegistryOptions, 'credentials' | 'tlsVerify' | 'certDir'> = {},
): Promise<Registry> {
  const { credentialsFor } = await import('./credentials.js');
  const credentials = creds ?? (await credentialsFor(reference));
  return Registry.of(reference, { ...more, credentials, tlsVerify, certDir, retries, retryDelay });
}

/**
 * The error for an unexpected response. Reads its body for the registry's own message.
 * @param what completes the sentence "cannot ...": `pull alpine:latest`
 */
export async function responseError(
  what: string,
  response: IncomingMessage,
  registry: string,
): Promise<FosterError> {
  const said = await errorText(response);
  const status = response.statusCode ?? 0;
  if (status === 401 || status === 403) {
    return new FosterError(`cannot ${what}: access is denied${said}`, {
      kind: 'denied',
      advice: `check the name, or log in with 'foster login ${registry}'`,
    });
  }
  if (status === 404) {
    return new FosterError(`cannot ${what}: ${registry} does not have it${said}`, {
      kind: 'not-found',
      advice: 'check the name and the tag',
    });
  }
  if (status === 429) {
    return new FosterError(`cannot ${what}: too many requests to ${registry}${said}`, {
      advice: 'wait, or log in',
    });
  }
  return new FosterError(`cannot ${what}: ${registry} responded with status ${status}${said}`, {
    advice: status >= 500 ? 'try again later' : 'check that it is a registry',
  });
}

/** distribution-spec, "Error Codes". */
async function errorText(response: IncomingMessage): Promise<string> {
  try {
    const body = parseDocument<{ errors?: { code?: unknown; message?: unknown }[] }>(
      await readBody(response, MAX_ERROR_BODY),
      'error',
    );
    const { message, code } = body.errors?.[0] ?? {};
    const text = typeof message === 'string' && message !== '' ? message : code;
    return typeof text === 'string' ? ` (${visible(text.slice(0, 200))})` : '';
  } catch {
    response.destroy();
    return '';
  }
}
