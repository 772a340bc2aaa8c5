import { FosterError } from '../../sys/errors.js';
import { parseDocument } from '../store/blobs.js';
import { credentialsFor } from './credentials.js';
import { drain, readBody } from './http.js';
import { Registry, type RegistryAccess, responseError } from './registry.js';

/** A repository that a registry has found. */
export interface FoundRepository {
  /** With the registry, unless that is docker.io. */
  name: string;
  description: string;
  stars: number;
  isOfficial: boolean;
  isAutomated: boolean;
}

const HUB = 'docker.io';
const HUB_SEARCH = 'https://index.docker.io/v1/search';
const MAX_ANSWER = 4 * 1024 * 1024;
/** How many names of a registry without a search are looked through. */
const CATALOG_PAGE = 1000;

/**
 * Searches a registry: by Docker's API v1 where it has that, else in the list of its repositories (API v2).
 * @param text `TERM` for docker.io, `HOST[:PORT]/[TERM]` for another registry
 * @param limit of how many are returned
 * @throws FosterError
 */
export async function searchRegistry(
  text: string,
  limit: number,
  { creds, tlsVerify, certDir }: RegistryAccess,
): Promise<FoundRepository[]> {
  const [, host = HUB, term = ''] = /^(?:([^/]*[.:][^/]*|localhost)\/)?(.*)$/s.exec(text) ?? [];
  const credentials = creds ?? (await credentialsFor({ registry: host }));
  const registry = new Registry(host, undefined, { credentials, tlsVerify, certDir });
  try {
    const found = (await searchV1(registry, term, limit)) ?? (await searchCatalog(registry, term));
    return found.slice(0, limit);
  } finally {
    await registry.close();
  }
}

async function searchV1(
  registry: Registry,
  term: string,
  limit: number,
): Promise<FoundRepository[] | undefined> {
  const isHub = registry.registry === HUB;
  const url = isHub ? new URL(HUB_SEARCH) : new URL('/v1/search', await registry.url(''));
  url.searchParams.set('q', term);
  url.searchParams.set('n', String(limit));
  const response = await registry.request('GET', url);
  if (response.statusCode === 404 && !isHub) {
    await drain(response);
    return undefined;
  }
  const what = `search ${registry.registry}`;
  if (response.statusCode !== 200) throw await responseError(what, response, registry.registry);
  const { results } = parseDocument<{ results?: unknown }>(
    await readBody(response, MAX_ANSWER),
    'the answer',
  );
  if (!Array.isArray(results))
    throw new FosterError(`cannot ${what}: its answer is not valid`, {
      advice: 'check that it is a registry',
    });
  return results.map((result: unknown) => repositoryOf(result, isHub ? '' : `${registry.registry}/`));
}

function repositoryOf(result: unknown, prefix: string): FoundRepository {
  const { name, description, star_count, is_official, is_automated } = (result ?? {}) as Record<
    string,
    unknown
  >;
  return {
    name: `${prefix}${typeof name === 'string' ? name : ''}`,
    description: typeof description === 'string' ? description : '',
    stars: typeof star_count === 'number' ? star_count : 0,
    isOfficial: is_official === true,
    isAutomated: is_automated === true,
  };
}

async function searchCatalog(registry: Registry, term: string): Promise<FoundRepository[]> {
  const response = await registry.request('GET', `_catalog?n=${CATALOG_PAGE}`);
  if (response.statusCode !== 200)
    throw await responseError(`search ${registry.registry}`, response, registry.registry);
  const { repositories } = parseDocument<{ repositories?: unknown }>(
    await readBody(response, MAX_ANSWER),
    'the list of repositories',
  );
  const names = Array.isArray(repositories) ? repositories : [];
  return names
    .filter((name): name is string => typeof name === 'string' && name.includes(term))
    .map((name) => repositoryOf({ name }, `${registry.registry}/`));
}
