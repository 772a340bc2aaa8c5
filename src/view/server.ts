import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errnoNumber, errnoOf, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { Access, faultOf, tokenOf } from './access.js';
import { type PageFiles, policy, readPageFiles } from './page-files.js';
import type { Patch } from './patch.js';
import { emptyScene, type Scene } from './scene.js';
import { Streams } from './streams.js';

const HEADERS = {
  'Content-Security-Policy': `${policy("'self'", "'self'")}; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const AGAIN = 'In the terminal of foster view, Enter prints another address.';

/** The page of `foster view` on 127.0.0.1: the page itself, and a stream of what changes. */
export class ViewServer {
  readonly #server: Server;
  readonly #files: PageFiles = readPageFiles();
  readonly #streams = new Streams();
  readonly #access: Access;
  readonly #port: number;
  #at = 0;
  #scene = emptyScene();

  private constructor(server: Server) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#access = new Access(this.#port);
    server.on('request', (request, response) => this.#answer(request, response));
    server.maxConnections = 64;
  }

  /** @param port 0 for any that is free @throws FosterError if nobody can listen there */
  static async listen(port: number): Promise<ViewServer> {
    const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 16 * 1024 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(cannotListen(port, error)));
      server.listen({ host: '127.0.0.1', port, exclusive: true }, resolve);
    });
    server.removeAllListeners('error');
    return new ViewServer(server);
  }

  /** An address of the page that works once. */
  newAddress(): string {
    return this.#access.newAddress();
  }

  /** Settles when a page is open. */
  async wanted(): Promise<void> {
    await this.#streams.wanted();
  }

  /** @param scene as it is with the patch */
  show(patch: Patch, scene: Scene): void {
    this.#at = patch.at;
    this.#scene = scene;
    this.#streams.send(patch);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const fault = faultOf(request, this.#port);
    const token = tokenOf(request);
    if (fault !== undefined) refuse(response, 403, fault);
    else if (token !== undefined) this.#enter(token, response);
    else if (this.#access.isKnown(request)) this.#give(request.url ?? '', response);
    else refuse(response, 403, `this browser has not come with a token. ${AGAIN}`);
  }

  /** The page itself is the answer: after a redirection from another site, the browser would not send a strict cookie. */
  #enter(token: string, response: ServerResponse): void {
    if (this.#access.redeem(token)) {
      response.setHeader('Set-Cookie', this.#access.cookie);
      give(response, 'text/html', this.#files.html);
    } else refuse(response, 403, `this address was used already: it works only once. ${AGAIN}`);
  }

  #give(path: string, response: ServerResponse): void {
    const { html, style, script } = this.#files;
    if (path === '/') give(response, 'text/html', html);
    else if (path === '/page.css') give(response, 'text/css', style);
    else if (path === '/page.js') give(response, 'text/javascript', script);
    else if (path !== '/changes') refuse(response, 404, 'there is no such page.');
    else if (!this.#streams.add(response, this.#at, this.#scene))
      refuse(response, 503, 'too many pages are open. Close one of them.');
  }
}

function give(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8` }).end(text);
}

function refuse(response: ServerResponse, status: number, sentence: string): void {
  response
    .writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
    .end(`foster view: ${sentence}\n`);
}

function cannotListen(port: number, error: Error): FosterError {
  const name = errnoOf(error);
  const why = name === undefined ? error.message : errnoWords(errnoNumber(name));
  return new FosterError(`cannot listen on 127.0.0.1:${port}: ${why}`, {
    ...(name === 'EADDRINUSE' && { advice: 'choose another --port, or leave it out' }),
    ...(name === 'EACCES' && { advice: 'choose a --port of 1024 or more, or leave it out' }),
    cause: error,
  });
}
