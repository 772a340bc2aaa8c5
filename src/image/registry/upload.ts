import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { blobPath, hasBlob } from '../store/blobs.js';
import type { Descriptor } from '../store/oci.js';
import { drain } from './http.js';
import { type Registry, responseError } from './registry.js';
import { MAX_RETRIES, waitBeforeRetry } from './retry.js';
import { shortDigest } from './transfer-display.js';

type Blob = Pick<Descriptor, 'digest' | 'size'>;

const PIECE = 1024 * 1024;

/** How a blob got into a repository: it was there already, it was mounted from another repository, or it was sent. */
export type Upload = { kind: 'known' } | { kind: 'mounted'; from: string } | { kind: 'sent' };

/**
 * Uploads a blob of the store to a repository, unless it is there: distribution-spec, "Pushing a blob monolithically"
 * and "Mounting a blob from another repository".
 * @param from a repository of the same registry that may have the blob
 * @param onProgress called with the number of bytes so far
 * @throws FosterError
 */
export async function uploadBlob(
  registry: Registry,
  blob: Blob,
  from: string | undefined,
  onProgress: (bytes: number) => void,
): Promise<Upload> {
  if (!hasBlob(blob)) {
    throw new FosterError(`the image store lacks ${blob.digest}`, { advice: 'pull the image again' });
  }
  const known = await registry.request('HEAD', `blobs/${blob.digest}`);
  await drain(known);
  if (known.statusCode === 200) return { kind: 'known' };
  if (from !== undefined && (await mountBlob(registry, blob, from))) return { kind: 'mounted', from };
  const what = `push ${shortDigest(blob.digest)} to ${registry.repository}`;
  for (let retry = 0; ; retry++) {
    const response = await attempt(registry, blob, what, onProgress);
    if (response.statusCode === 201) {
      await drain(response);
      return { kind: 'sent' };
    }
    // If the registry has forgotten the upload, start a new one.
    if (![401, 404, 416].includes(response.statusCode ?? 0) || retry === MAX_RETRIES) {
      throw await responseError(what, response, registry.registry);
    }
    await drain(response);
    await waitBeforeRetry(retry, registry.options.signal);
  }
}

/** Returns whether that worked: the registry may refuse, or the other repository may not be readable. */
async function mountBlob(registry: Registry, { digest }: Blob, from: string): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const response = await registry.request('POST', `blobs/uploads/?${query}`, {
    headers: { 'content-length': '0' },
  });
  await drain(response);
  return response.statusCode === 201; // 202 starts an upload, which expires
}

async function attempt(
  registry: Registry,
  { digest, size }: Blob,
  what: string,
  onProgress: (bytes: number) => void,
): Promise<IncomingMessage> {
  const begun = await registry.request('POST', 'blobs/uploads/', { headers: { 'content-length': '0' } });
  if (begun.statusCode !== 202) throw await responseError(what, begun, registry.registry);
  await drain(begun);
  const url = await uploadURL(registry, begun);
  url.searchParams.set('digest', digest);
  return await registry.request('PUT', url, {
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: () => counted(createReadStream(blobPath(digest), { highWaterMark: PIECE }), onProgress),
  });
}

/** The address for an upload: it may be relative or on another host, but must not lose encryption. */
async function uploadURL(registry: Registry, { headers: { location = '' } }: IncomingMessage): Promise<URL> {
  const base = await registry.url('blobs/uploads/');
  const refused = (why: string) =>
    new FosterError(`${registry.registry} redirects uploads to ${visible(location.slice(0, 200))}, ${why}`);
  if (location === '' || !URL.canParse(location, base.href)) throw refused('which is not a valid URL');
  const url = new URL(location, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused('which is not an http or https URL');
  // behind a proxy that terminates TLS, a registry may name its address with http
  if (url.host === base.host) url.protocol = base.protocol;
  if (url.protocol === 'http:' && base.protocol === 'https:' && registry.options.tlsVerify) {
    throw refused('where the connection would no longer be encrypted');
  }
  return url;
}

function counted(source: NodeJS.ReadableStream, onProgress: (bytes: number) => void): Transform {
  let bytes = 0;
  const counter = new Transform({
    highWaterMark: PIECE,
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      onProgress(bytes);
      done(undefined, piece);
    },
  });
  source.on('error', (error) => counter.destroy(error));
  return source.pipe(counter);
}
