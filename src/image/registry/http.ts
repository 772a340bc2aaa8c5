import type { Agent, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { visible } from '../../spec/parse/flag.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { isLoopback } from './names.js';
import { proxyFor } from './proxy.js';
import type { TlsOptions } from './tls.js';

/** HTTP for registries: one request, one response, with limits on what the other side can do. */

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT';

export interface Request {
  method: Method;
  url: URL;
  headers?: Record<string, string>;
  /** A function opens a new stream for each attempt. */
  body?: Uint8Array | (() => Readable);
}

export interface ConnectionOptions {
  tlsVerify: boolean;
  /** A folder of certificates, instead of those of certs.d. */
  certDir?: string | undefined;
  /** Milliseconds without data after which a request fails: 30 s by default. */
  idleTimeout?: number | undefined;
  /** How often a request is retried, instead of the usual; and the least number of milliseconds before that. */
  retries?: number | undefined;
  retryDelay?: number | undefined;
  /** Aborts all requests. */
  signal?: AbortSignal | undefined;
}

const IDLE_TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 10;
/** How much of an unwanted response is read, so that its connection can be reused. */
const MAX_DRAINED = 64 * 1024;

/** The connections to one host, and their options. */
interface Route {
  agent: Agent;
  tls: TlsOptions | undefined;
}

/** Connections to hosts, kept open between requests until `close`. */
export class Connections {
  readonly #routes = new Map<string, Promise<Route>>();

  constructor(readonly options: ConnectionOptions) {}

  /**
   * Sends a request and follows redirects of GET and HEAD; the Authorization header is not sent to another host.
   * @returns the response, whatever its status; its body must be read or destroyed
   * @throws FosterError for a forbidden redirect; the error of node:net for a broken connection
   */
  async send(request: Request): Promise<IncomingMessage> {
    let { url } = request;
    let headers = request.headers ?? {};
    for (let count = 0; count <= MAX_REDIRECTS; count++) {
      const response = await this.#exchange({ ...request, url, headers });
      const { location } = response.headers;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0);
      if (!isRedirect || location === undefined || !['GET', 'HEAD'].includes(request.method)) return response;
      await drain(response);
      const next = this.#target(location, url);
      if (next.host !== url.host || next.protocol !== url.protocol)
        headers = without(headers, 'authorization');
      url = next;
    }
    throw new FosterError(`${request.url.host} redirects too many times`, {
      advice: 'its redirects form a loop',
    });
  }

  #target(location: string, from: URL): URL {
    const refused = (why: string) =>
      new FosterError(`${from.host} redirects to ${visible(location.slice(0, 200))}, ${why}`, {
        advice: 'it was not followed',
      });
    if (!URL.canParse(location, from.href)) throw refused('which is not a valid URL');
    const url = new URL(location, from);
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw refused('which is not an http or https URL');
    if (url.protocol === 'http:' && from.protocol === 'https:' && this.options.tlsVerify) {
      throw refused('where the connection would no longer be encrypted');
    }
    url.username = '';
    url.password = '';
    return url;
  }

  async #exchange({ method, url, headers, body }: Request): Promise<IncomingMessage> {
    const isSecure = url.protocol === 'https:';
    const [{ request }, { agent, tls }] = await Promise.all([
      isSecure ? import('node:https') : import('node:http'),
      this.#route(url),
    ]);
    const { signal, idleTimeout = IDLE_TIMEOUT_MS } = this.options;
    signal?.throwIfAborted();
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(url, {
        method,
        headers: { 'user-agent': 'foster', 'accept-encoding': 'identity', ...headers },
        agent,
        signal,
        ...tls,
      });
      let received: IncomingMessage | undefined;
      sent.setTimeout(idleTimeout, () =>
        (received ?? sent).destroy(new IdleTimeoutError(url.host, idleTimeout)),
      );
      sent.on('error', reject);
      sent.on('response', (response) => {
        received = response;
        response.on('error', () => {}); // the reader gets the error; without a listener it would end the process
        resolve(response);
      });
      if (typeof body !== 'function') {
        sent.end(body);
        return;
      }
      const stream = body();
      stream.on('error', (error) => sent.destroy(error));
      sent.on('close', () => stream.destroy());
      stream.pipe(sent);
    });
  }

  #route(url: URL): Promise<Route> {
    const key = `${url.protocol}//${url.host}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = this.#findRoute(url);
      this.#routes.set(key, route);
    }
    return route;
  }

  async #findRoute(url: URL): Promise<Route> {
    const common = { keepAlive: true, maxSockets: 8 };
    if (url.protocol === 'http:') {
      const { Agent } = await import('node:http');
      return { agent: new Agent(common), tls: undefined };
    }
    const [{ Agent }, { tlsOptions }] = await Promise.all([import('node:https'), import('./tls.js')]);
    const tls = tlsOptions(url.host, this.options.tlsVerify, this.options.certDir);
    // no proxy for this machine itself
    const proxy = isLoopback(url.host) ? undefined : proxyFor(url, surroundings().env);
    if (proxy === undefined) return { agent: new Agent(common), tls };
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return { agent: new HttpsProxyAgent(proxy, common), tls };
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    for (const route of await Promise.allSettled(this.#routes.values())) {
      if (route.status === 'fulfilled') route.value.agent.destroy();
    }
  }
}

class IdleTimeoutError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(host: string, milliseconds: number) {
    super(`no data from ${host} for ${Math.round(milliseconds / 1000)} seconds`);
  }
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name));
}

/** Reads and discards a body; if it is long, closes the connection instead. */
export async function drain(response: IncomingMessage): Promise<void> {
  try {
    await readBody(response, MAX_DRAINED);
  } catch {
    response.destroy();
  }
}

/**
 * Reads a body of at most `limit` bytes.
 * @throws FosterError if it is longer; errors of a broken connection
 */
export async function readBody(
  response: IncomingMessage,
  limit: number,
  what = 'the response',
): Promise<Buffer> {
  const tooLong = () => new FosterError(`${what} is longer than the limit of ${limit} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    response.destroy();
    throw tooLong();
  }
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) throw tooLong(); // leaving the loop closes the connection
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Whether it is worth trying a failed connection again. */
export function isTransient(error: unknown): boolean {
  if (error instanceof FosterError) return false;
  return TRANSIENT_CODES.has(errnoOf(error) ?? '');
}

const TRANSIENT_CODES: ReadonlySet<string> = new Set(
  (
    'ECONNRESET ECONNABORTED ECONNREFUSED ETIMEDOUT EPIPE EAI_AGAIN ENETUNREACH EHOSTUNREACH ENETDOWN ' +
    'ERR_STREAM_PREMATURE_CLOSE HPE_INVALID_EOF_STATE'
  ).split(' '),
);

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'its name cannot be resolved; check the network',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  EPROTO: 'it does not use TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not use TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** TLS failures that are caused by certificates. */
const UNTRUSTED_CODES =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_\w+)$/;

export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED_CODES.test(errnoOf(error) ?? '');
}

/** The error for a failed connection. */
export function connectionFailure(host: string, error: unknown): FosterError {
  if (error instanceof FosterError) return error;
  const code = errnoOf(error) ?? '';
  const why = REASONS[code] ?? (isUntrusted(error) ? 'certificate signed by unknown authority' : undefined);
  const message = error instanceof Error ? visible(error.message) : String(error);
  return new FosterError(`cannot connect to ${host}: ${why ?? message}`, {
    advice: adviceFor(code, host, isUntrusted(error)),
    cause: error,
  });
}

function adviceFor(code: string, host: string, untrusted: boolean): string {
  if (untrusted) {
    return `put the certificate of its authority into ~/.config/containers/certs.d/${host}/ca.crt, or use --tls-verify=false`;
  }
  if (REASONS[code]?.includes('TLS')) return 'use --tls-verify=false if it has no encryption';
  return 'check its name and port, and the network';
}
