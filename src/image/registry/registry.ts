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
  /** What a token shall allow; nothing but a log-in where there is no repository. */
  actions?: 'pull' | 'pull,push';
}

/** How often one request may be answered with "401 Unauthorized" before that counts as final. */
const MAX_RENEWALS = 2;
const MAX_ERROR_BODY = 64 * 1024;

/** A repository in a registry, over HTTP: distribution-spec v1.1, and Docker's registry API v2. */
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

  /** The address of something below the repository, `manifests/latest`; of the API itself for an empty path. */
  async url(path: string): Promise<URL> {
    this.#origin ??= this.#findOrigin();
    const repository = this.repository === undefined ? '' : `${this.repository}/`;
    return new URL(`${await this.#origin}/v2/${repository}${path}`);
  }

  /**
   * Sends a request, with whatever authorization the registry asks for, again where that may help.
   * @param target a path below the repository, or the address that an earlier answer has named
   * @returns the response, whatever its status
   * @throws FosterError where no answer is to be had
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
   * https, but http where that is allowed and the host does not speak TLS. On this machine it is tried first: reading
   * the certificates that TLS needs takes longer than all else.
   */
  async #findOrigin(): Promise<string> {
    const secure = `https://${this.host}`;
    const plain = `http://${this.host}`;
    if (!URL.canParse(secure)) throw new FosterError(`${visible(this.host)} is not the name of a host`);
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

  /** A server that wants TLS answers "400 Bad Request", or not at all. */
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

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** How the caller wants a registry to be spoken to. */
export interface RegistryAccess {
  /** Instead of what a log-in has stored. */
  creds?: Credentials | undefined;
  tlsVerify: boolean;
  /** A folder of certificates, instead of those of certs.d. */
  certDir?: string | undefined;
}

/** A repository, with what a log-in has stored where the caller gives no credentials. @throws FosterError */
export async function openRegistry(
  reference: Pick<Reference, 'registry' | 'repository'>,
  { creds, tlsVerify, certDir }: RegistryAccess,
  more: Omit<RegistryOptions, 'credentials' | 'tlsVerify' | 'certDir'> = {},
): Promise<Registry> {
  const { credentialsFor } = await import('./credentials.js');
  const credentials = creds ?? (await credentialsFor(reference));
  return Registry.of(reference, { ...more, credentials, tlsVerify, certDir });
}

/**
 * The error for a response that is not what was hoped for. Reads its body, for what the registry says.
 * @param what completes the sentence "cannot ...": `pull alpine:latest`
 */
export async function responseError(
  what: string,
  response: IncomingMessage,
  registry: string,
): Promise<FosterError> {
  const said = await reasonOf(response);
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
    return new FosterError(`cannot ${what}: ${registry} has received too many requests${said}`, {
      advice: 'wait, or log in',
    });
  }
  return new FosterError(`cannot ${what}: ${registry} answers with status ${status}${said}`, {
    advice: status >= 500 ? 'try again later' : 'is it a registry?',
  });
}

/** distribution-spec, "Error Codes". */
async function reasonOf(response: IncomingMessage): Promise<string> {
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
