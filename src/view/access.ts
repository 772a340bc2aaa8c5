import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** What is read of the headers of a request: RFC 9110, and https://www.w3.org/TR/fetch-metadata. */
export interface RequestHead {
  method?: string | undefined;
  /** The path with the query. */
  url?: string | undefined;
  headers: Partial<Record<string, string | string[]>>;
}

/** Who may see the page: browsers that have come with a token, which works once and is exchanged for a cookie. */
export class Access {
  readonly #port: number;
  readonly #secret = randomBytes(32).toString('base64url');
  /** Digests of the tokens that were not used yet. */
  readonly #tokens = new Set<string>();

  constructor(port: number) {
    this.#port = port;
  }

  /** A new address of the page, for one browser. */
  newAddress(): string {
    const token = randomBytes(32).toString('base64url');
    if (this.#tokens.size >= MOST_TOKENS) this.#tokens.clear();
    this.#tokens.add(digest(token));
    return `http://127.0.0.1:${this.#port}/?token=${token}`;
  }

  /** Whether a token is one that was not used yet; from now on it is used. */
  redeem(token: string): boolean {
    return this.#tokens.delete(digest(token));
  }

  /**
   * The header that gives a browser the cookie. Cookies are the same for all ports of a machine, so its name has the port.
   * Strict: no other site can make a browser send it.
   */
  get cookie(): string {
    return `${this.#name}=${this.#secret}; HttpOnly; SameSite=Strict; Path=/`;
  }

  get #name(): string {
    return `foster-view-${this.#port}`;
  }

  /** Whether a request has the cookie. */
  isKnown({ headers: { cookie } }: RequestHead): boolean {
    const found = String(cookie ?? '')
      .split('; ')
      .find((each) => each.startsWith(`${this.#name}=`));
    const [given, wanted] = [found?.slice(this.#name.length + 1) ?? '', this.#secret].map(Buffer.from);
    return given !== undefined && wanted?.length === given.length && timingSafeEqual(given, wanted);
  }
}

/** Of addresses that nobody has used: Enter in the terminal makes one each. */
const MOST_TOKENS = 100;

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** The token in the address of a request. */
export function tokenOf({ url = '' }: RequestHead): string | undefined {
  const [path, query = ''] = url.split('?');
  return path === '/' ? /^token=([\w-]{43})$/.exec(query)?.[1] : undefined;
}

const FOREIGN = 'the request comes from another site.';

/**
 * What is wrong with a request, whoever has sent it; undefined if nothing is. A page of another site cannot get an answer:
 * neither under a name of its own that leads to 127.0.0.1 (DNS rebinding), nor by a request of its script, form or frame. A link that
 * somebody follows may lead here if it has a token.
 */
export function faultOf({ method, url, headers }: RequestHead, port: number): string | undefined {
  const { host, origin } = headers;
  if (method !== 'GET') return 'only GET requests are answered.';
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`)
    return `this is not the host that the request names: the address begins with http://127.0.0.1:${port}/.`;
  if (origin !== undefined && origin !== `http://${host}`) return FOREIGN;
  const site = headers['sec-fetch-site'] ?? 'none';
  if (site === 'none' || site === 'same-origin') return undefined;
  const isFollowed = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return isFollowed && tokenOf({ url, headers }) !== undefined ? undefined : FOREIGN;
}
