import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { debianSource } from '../../../rootfs/debian.js';

/**
 * A mirror of Debian's archive on the host's loopback address, for apt in containers: it passes requests on to the mirror that
 * the host's own apt uses.
 */
export class DebianMirror {
  /** Paths of what it was asked for, relative to the archive. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<DebianMirror> {
    const server = createServer();
    const mirror = new DebianMirror(server);
    server.on('request', (question, answer) => mirror.#answer(question, answer));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return mirror;
  }

  /** The line of sources.list(5) for a container that reaches the host by name. */
  get source(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `deb http://host.containers.internal:${port}/debian ${debianSource().suite} main`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(question: IncomingMessage, answer: ServerResponse): void {
    const path = (question.url ?? '').replace(/^\/debian\//, '');
    this.requests.push(path);
    const url = new URL(path, debianSource().mirror.replace(/\/?$/, '/'));
    const { http_proxy: proxy } = process.env;
    const ask = url.protocol === 'https:' ? secureRequest : request;
    const target =
      proxy === undefined || url.protocol === 'https:'
        ? { host: url.hostname, port: url.port, path: url.pathname }
        : { host: new URL(proxy).hostname, port: new URL(proxy).port, path: url.href };
    const passedOn = ask({ ...target, headers: { host: url.host } }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    passedOn.on('error', ({ message }) => answer.writeHead(502).end(message));
    passedOn.end();
  }
}
