import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { FOSTER, type Home, type Result, Running } from './foster.js';
import type { OciLayout } from './oci-layout.js';
import { freePorts } from './ports.js';
import { waitUntil } from './wait.js';

/** Starts a foster command, while this process can serve its requests. */
export function startFoster(
  home: Home,
  args: string[],
  env: Record<string, string> = {},
  cwd?: string,
): Running {
  const stdio = ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'];
  return new Running(spawn(FOSTER, args, { cwd, env: { ...home.env, ...env }, stdio }));
}

export async function foster(
  home: Home,
  args: string[],
  env: Record<string, string> = {},
  cwd?: string,
): Promise<Result> {
  const running = startFoster(home, args, env, cwd);
  running.child.stdin.end();
  return await running.ended;
}

export const USER = 'me';
export const PASSWORD = 'secret';
/** As made by htpasswd(1), with bcrypt. */
const HTPASSWD = `${USER}:$2b$04$mum/5MziSHj25MwKXZnt9uuvh.TOv4gSEdtkT8dqQDDOkqtiuM1X.\n`;

export interface RegistrySettings {
  /** With a certificate signed by an unknown authority. */
  tls?: boolean;
  /** Requires USER and PASSWORD. */
  password?: boolean;
}

/** Debian's docker-registry, empty, on a port of 127.0.0.1. */
export class DebianRegistry {
  #child: ChildProcess | undefined;

  private constructor(
    readonly host: string,
    readonly folder: string,
  ) {}

  /** Its self-signed certificate. */
  get certificate(): string {
    return join(this.folder, 'cert.pem');
  }

  /** @param folder for its data; must not exist */
  static async start(folder: string, { tls = false, password = false }: RegistrySettings = {}) {
    mkdirSync(folder);
    const port = await freePorts();
    const registry = new DebianRegistry(`127.0.0.1:${port}`, folder);
    if (tls) makeCertificate(folder);
    writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
    const config = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: {
        addr: registry.host,
        secret: 'test',
        ...(tls && { tls: { certificate: registry.certificate, key: join(folder, 'key.pem') } }),
      },
      ...(password && { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }),
    };
    writeFileSync(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
    registry.#child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    await waitUntil('the registry listens', () => listens(port));
    return registry;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

function makeCertificate(folder: string): void {
  execFileSync(
    'openssl',
    [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test'.split(
        ' ',
      ),
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
    ],
    { stdio: 'ignore' },
  );
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** A request and its response. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** How often the same request was made before. */
  count: number;
}

/**
 * A registry in this process. It behaves correctly, except for the `overrides` of a test.
 *
 *     registry.lies.set('/v2/app/manifests/1', ({ response }) => response.writeHead(500).end());
 */
export class HostileRegistry {
  readonly overrides = new Map<string, (exchange: Exchange) => unknown>();
  /** `METHOD PATH`, and the Range header, if any. */
  readonly asked: string[] = [];
  readonly #server = createHttpServer((request, response) => this.#serve(request, response));
  readonly #counts = new Map<string, number>();

  constructor(readonly layout: OciLayout) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  reset(): void {
    this.overrides.clear();
    this.asked.length = 0;
    this.#counts.clear();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const path = url.replace(/\?.*/, '');
    this.asked.push(`${method} ${path}${headers.range === undefined ? '' : ` ${headers.range}`}`);
    const count = this.#counts.get(path) ?? 0;
    this.#counts.set(path, count + 1);
    const lie = this.overrides.get(path);
    if (lie === undefined || lie({ request, response, count }) === 'honest') this.honest(request, response);
  }

  /** The correct response. */
  honest({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const [, kind, which = ''] = /^\/v2\/app\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const named = this.layout.names.get(which);
    const bytes = this.layout.blobs.get(named?.digest ?? which);
    if (url === '/v2/') response.writeHead(200).end('{}');
    else if (kind === undefined || bytes === undefined) response.writeHead(404).end();
    else if (kind === 'manifests') {
      const { mediaType } = JSON.parse(bytes.toString()) as { mediaType: string };
      response.writeHead(200, { 'content-type': mediaType }).end(bytes);
    } else {
      const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
      const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
      const piece = bytes.subarray(start);
      const length = { 'content-length': piece.length };
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...length, 'content-range': range } : length);
      response.end(piece);
    }
  }
}
