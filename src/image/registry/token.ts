import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { parseDocument } from '../store/blobs.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { type Connections, drain, type Request, readBody } from './http.js';
import { isLoopback } from './names.js';
import { withRetries } from './retry.js';

/** Credentials for a registry. */
export interface Credentials {
  username: string;
  password: string;
  /** Instead of a password: an identity token from an earlier login, which is exchanged for an access token. */
  identityToken?: string | undefined;
  /** Where they come from, for error messages. */
  source: string;
}

const MAX_ANSWER = 1024 * 1024;
const MAX_TOKEN = 64 * 1024;

/** The Authorization header of requests to one registry, renewed when the registry no longer accepts it. */
export class Authorization {
  #header: string | undefined;
  #renewal: Promise<void> | undefined;

  /** @param scope scope of a token, if the registry does not name one: `repository:NAME:pull` */
  constructor(
    readonly connections: Connections,
    readonly registry: string,
    readonly credentials: Credentials | undefined,
    readonly scope: string | undefined,
  ) {}

  get header(): string | undefined {
    return this.#header;
  }

  /**
   * Authenticates as a response with status 401 requires.
   * @param used the header that was sent: another request may have renewed it since
   * @throws FosterError if that fails
   */
  async answer(challenge: string | undefined, used: string | undefined): Promise<void> {
    if (used !== this.#header) return;
    this.#renewal ??= this.#renew(parseChallenges(challenge ?? '')).finally(() => {
      this.#renewal = undefined;
    });
    await this.#renewal;
  }

  async #renew(challenges: Challenge[]): Promise<void> {
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer !== undefined) {
      this.#header = `Bearer ${await this.#fetchToken(bearer)}`;
      return;
    }
    const scheme = challenges[0]?.scheme ?? 'unknown';
    if (!challenges.some(({ scheme }) => scheme === 'basic')) {
      throw new FosterError(`${this.registry} requires ${visible(scheme)} authentication`, {
        advice: 'foster supports basic and bearer',
      });
    }
    const header = this.credentials === undefined ? undefined : basic(this.credentials);
    if (header === undefined) throw needsLogin(this.registry);
    if (header === this.#header) throw this.#wrongPassword();
    this.#header = header;
  }

  #wrongPassword(): FosterError {
    const { source = '' } = this.credentials ?? {};
    return new FosterError(`${this.registry} rejected the user name and password from ${source}`, {
      advice: `check them, or log in again with 'foster login ${this.registry}'`,
    });
  }

  async #fetchToken({ parameters }: Challenge): Promise<string> {
    const request = this.#tokenRequest(this.#realm(parameters.get('realm') ?? ''), parameters);
    const response = await withRetries(request.url.host, this.connections, () =>
      this.connections.send(request),
    );
    if (response.statusCode === 401 || response.statusCode === 403) {
      await drain(response);
      throw this.credentials === undefined ? needsLogin(this.registry) : this.#wrongPassword();
    }
    if (response.statusCode !== 200) {
      await drain(response);
      throw new FosterError(
        `no token from ${request.url.host}: it responded with status ${response.statusCode}`,
      );
    }
    const body = await readBody(response, MAX_ANSWER, `the token of ${request.url.host}`);
    const answer = parseDocument<{ token?: unknown; access_token?: unknown }>(
      body,
      'the response with the token',
    );
    const token = answer.token || answer.access_token;
    if (typeof token !== 'string' || token.length > MAX_TOKEN || !/^[\x21-\x7e]+$/.test(token)) {
      throw new FosterError(`the response of ${request.url.host} has no token`);
    }
    return token;
  }

  #realm(text: string): URL {
    const refused = (why: string) =>
      new FosterError(`${this.registry} names the token server ${visible(text.slice(0, 200))}, ${why}`, {
        advice: 'no password was sent there',
      });
    if (!URL.canParse(text)) throw refused('which is not a valid URL');
    const url = new URL(text);
    const isPlain = url.protocol === 'http:';
    if (!isPlain && url.protocol !== 'https:') throw refused('which is not an http or https URL');
    if (isPlain && this.connections.options.tlsVerify && !isLoopback(url.host)) {
      throw refused('where the connection would not be encrypted');
    }
    url.username = '';
    url.password = '';
    return url;
  }

  /** Docker's token authentication: distribution docs, "spec/auth/token.md" and "spec/auth/oauth.md". */
  #tokenRequest(realm: URL, parameters: Map<string, string>): Request {
    const fields = new URLSearchParams();
    const service = parameters.get('service');
    if (service !== undefined) fields.set('service', service);
    const scopes = (parameters.get('scope') ?? this.scope ?? '').split(' ').filter(Boolean);
    const { identityToken, username = '' } = this.credentials ?? {};
    if (identityToken !== undefined) {
      fields.set('grant_type', 'refresh_token');
      fields.set('client_id', 'foster');
      fields.set('refresh_token', identityToken);
      if (scopes.length > 0) fields.set('scope', scopes.join(' '));
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      return { method: 'POST', url: realm, headers, body: Buffer.from(fields.toString()) };
    }
    for (const scope of scopes) fields.append('scope', scope);
    if (username !== '') fields.set('account', username);
    for (const [name, value] of fields) realm.searchParams.append(name, value);
    const authorization = this.credentials === undefined ? undefined : basic(this.credentials);
    return { method: 'GET', url: realm, headers: authorization === undefined ? {} : { authorization } };
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function needsLogin(registry: string): FosterError {
  return new FosterError(`${registry} requires a user name and a password`, {
    advice: `log in with 'foster login ${registry}', or use --creds USER:PASSWORD`,
  });
}
