import type { IncomingMessage } from 'node:http';
import { FosterError } from '../../sys/errors.js';
import { parseDocument } from '../store/blobs.js';
import { familiarName, isTag, type Reference } from '../store/reference.js';
import { readBody } from './http.js';
import { openRegistry, type RegistryAccess, responseError } from './registry.js';

const MAX_PAGE = 4 * 1024 * 1024;
const MAX_PAGES = 1000;

/**
 * The tags of a repository: distribution-spec, "Listing tags".
 * @throws FosterError, also where there is none
 */
export async function listTags(reference: Reference, access: RegistryAccess): Promise<string[]> {
  const registry = await openRegistry(reference, access);
  const name = familiarName(reference);
  const tags = new Set<string>();
  try {
    let page: string | URL | undefined = 'tags/list';
    for (let pages = 0; page !== undefined; pages++) {
      if (pages === MAX_PAGES) throw new FosterError(`the list of tags of ${name} has too many pages`);
      const response: IncomingMessage = await registry.request('GET', page);
      if (response.statusCode !== 200)
        throw await responseError(`list the tags of ${name}`, response, registry.registry);
      page = nextPage(response, await registry.url('tags/list'));
      for (const tag of await tagsIn(response, name)) tags.add(tag);
    }
  } finally {
    await registry.close();
  }
  if (tags.size === 0) throw new FosterError(`${name} has no tags`, { advice: 'check the name' });
  return [...tags];
}

async function tagsIn(response: IncomingMessage, name: string): Promise<string[]> {
  const what = `the list of tags of ${name}`;
  const { tags } = parseDocument<{ tags?: unknown }>(await readBody(response, MAX_PAGE, what), what);
  if (tags === null) return []; // all images of the repository have been deleted
  if (Array.isArray(tags) && tags.every((tag): tag is string => typeof tag === 'string' && isTag(tag)))
    return tags;
  throw new FosterError(`${what} is not valid`, { advice: 'check that it is a registry' });
}

/** RFC 8288. It must be on the same host: the response is no more trusted than the registry. */
function nextPage({ headers: { link } }: IncomingMessage, base: URL): URL | undefined {
  const target = /<([^>]*)>[^,]*;\s*rel="?next"?/.exec([link].flat().join(', '))?.[1];
  if (target === undefined || !URL.canParse(target, base.href)) return undefined;
  const url = new URL(target, base);
  url.protocol = base.protocol;
  return url.host === base.host ? url : undefined;
}
