import type { Agent, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { visible } from '../../spec/parse/flag.js';
import { errnoOf } from '../../sys/errno.js';
import { FosterError } from '../../sys/errors.js';
import { surroundings } from '../../sys/surroundings.js';
import { isLoopback } from './names.js';
import { proxyFor } from './proxy.js';
import type { TlsOptions } from './tls.js';

/** HTTP as registries speak it: one request, one response, with limits on whatever the other side may do. */

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT';

export interface Request {
  method: Method;
  url: URL;
  headers?: Record<string, string>;
  /** A stream is opened anew for each attempt. */
  body?: Uint8Array | (() => Readable);
}

export interface ConnectionOptions {
  tlsVerify: boolean;
  /** A folder of certificates, instead of those of certs.d. */
  certDir?: string | undefined;
  /** Milliseconds in which nothing comes until we give up: 30 s by default. */
  silence?: number | undefined;
  /** Ends whatever is under way. */
  signal?: AbortSignal | undefined;
}

const SILENCE_MS = 30_000;
const MAX_REDIRECTS = 10;
/** So much is read of a response that nobody wants, so that its connection can serve again. */
const MAX_DRAINED = 64 * 1024;

/** The connections to one host, and what each of them is made with. */
interface Route {
  agent: Agent;
  tls: TlsOptions | undefined;
}

/** The connections to some hosts, kept open between requests until `close`. */
export class Connections {
  readonly #routes = new Map<string, Promise<Route>>();

  constructor(readonly options: ConnectionOptions) {}

  /**
   * Sends a request and follows redirects of GET and HEAD; what was authorized for one host is not told another.
   * @returns the response, whatever its status; its body must be read or destroyed
   * @throws FosterError for a redirect to where it must not lead; the error of node:net for a broken connection
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
    const { signal, silence = SILENCE_MS } = this.options;
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
      sent.setTimeout(silence, () => (received ?? sent).destroy(new SilenceError(url.host, silence)));
      sent.on('error', reject);
      sent.on('response', (response) => {
        received = response;
        response.on('error', () => {}); // whoever reads it is told; an error nobody listens to would end us
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
    // this machine itself is never reached through a proxy
    const proxy = isLoopback(url.host) ? undefined : proxyFor(url, surroundings().env);
    if (proxy === undefined) return { agent: new Agent(common), tls };
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return { agent: new HttpsProxyAgent(proxy, common), tls };
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    for (const route of await Promise.allSettled(this.#routes.values())) {
      if (route.status === 'fulfilled') route.value.agent.destroy();
    }
  }
}

class SilenceError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(host: string, milliseconds: number) {
    super(`${host} has been silent for ${Math.round(milliseconds / 1000)} seconds`);
  }
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name));
}

/** Reads a body that is of no interest; one that is long is cut off with its connection. */
export async function drain(response: IncomingMessage): Promise<void> {
  try {
    await readBody(response, MAX_DRAINED);
  } catch {
    response.destroy();
  }
}

/**
 * A body of at most `limit` bytes.
 * @throws FosterError as soon as there is more; errors of a broken connection
 */
export async function readBody(
  response: IncomingMessage,
  limit: number,
  what = 'the answer',
): Promise<Buffer> {
  const tooLong = () =>
    new FosterError(`${what} is longer than ${limit} bytes`, { advice: 'that is the limit' });
  if (Number(response.headers['content-length'] ?? 0) > limit) {
    response.destroy();
    throw tooLong();
  }
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) throw tooLong(); // leaving the loop ends the connection
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Whether a failed connection may work the next time. */
export function isTransient(error: unknown): boolean {
  if (error instanceof FosterError) return false;
  return PASSING.has(errnoOf(error) ?? '');
}

const PASSING: ReadonlySet<string> = new Set(
  (
    'ECONNRESET ECONNABORTED ECONNREFUSED ETIMEDOUT EPIPE EAI_AGAIN ENETUNREACH EHOSTUNREACH ENETDOWN ' +
    'ERR_STREAM_PREMATURE_CLOSE HPE_INVALID_EOF_STATE'
  ).split(' '),
);

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name could not be looked up: is there a network?',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  EPROTO: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** TLS failures of which certificates are the cause. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_\w+)$/;

export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(errnoOf(error) ?? '');
}

/** The failure of a connection, as a sentence. */
export function connectionFailure(host: string, error: unknown): FosterError {
  if (error instanceof FosterError) return error;
  const code = errnoOf(error) ?? '';
  const why =
    WORDS[code] ?? (isUntrusted(error) ? 'its certificate is signed by an unknown authority' : undefined);
  const message = error instanceof Error ? visible(error.message) : String(error);
  return new FosterError(`no connection with ${host}: ${why ?? message}`, {
    advice: adviceFor(code, host, isUntrusted(error)),
    cause: error,
  });
}

function adviceFor(code: string, host: string, untrusted: boolean): string {
  if (untrusted) {
    return `put its authority's certificate into ~/.config/containers/certs.d/${host}/ca.crt, or give --tls-verify=false`;
  }
  if (WORDS[code]?.includes('TLS')) return 'give --tls-verify=false if it is meant to be without encryption';
  return 'check the name of the registry, and the network';
}
