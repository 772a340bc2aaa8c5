import { withAbortController } from '../../worker/interrupt.js';
import { readManifest } from '../store/documents.js';
import { INDEX_TYPES, MANIFEST_TYPES } from '../store/oci.js';
import { formatReference, type Reference } from '../store/reference.js';
import { readBody } from './http.js';
import { MAX_MANIFEST } from './pull.js';
import { openRegistry, type RegistryAccess, responseError } from './registry.js';

/**
 * The manifest or the index that a name has in its registry, as it is there.
 * @throws FosterError
 */
export async function fetchManifest(reference: Reference, access: RegistryAccess): Promise<object> {
  const name = formatReference(reference);
  return await withAbortController(async (abort) => {
    const registry = await openRegistry(reference, access, { signal: abort.signal });
    try {
      const accept = [...MANIFEST_TYPES, ...INDEX_TYPES].join(', ');
      const which = reference.digest ?? reference.tag ?? 'latest';
      const response = await registry.request('GET', `manifests/${which}`, { headers: { accept } });
      if (response.statusCode !== 200)
        throw await responseError(`inspect ${name}`, response, registry.registry);
      const bytes = await readBody(response, MAX_MANIFEST, `the manifest of ${name}`);
      readManifest(bytes, response.headers['content-type'], name); // throws where it is none
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as object;
    } finally {
      await registry.close();
    }
  });
}
