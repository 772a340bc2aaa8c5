import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { blobPath, hasBlob } from '../store/blobs.js';
import type { Descriptor } from '../store/oci.js';
import { drain } from './http.js';
import { shortDigest } from './progress-layers.js';
import { type Registry, responseError } from './registry.js';
import { MAX_RETRIES, pause } from './retry.js';

type Blob = Pick<Descriptor, 'digest' | 'size'>;

const PIECE = 1024 * 1024;

/** How a blob came into a repository: it was there, another repository of the registry had it, or it was sent. */
export type Upload = { kind: 'known' } | { kind: 'mounted'; from: string } | { kind: 'sent' };

/**
 * Brings a blob of the store into a repository, unless it has it: distribution-spec, "Pushing a blob monolithically" and
 * "Mounting a blob from another repository".
 * @param from a repository of the same registry that may have the blob
 * @param moved is told how many bytes there are so far
 * @throws FosterError
 */
export async function uploadBlob(
  registry: Registry,
  blob: Blob,
  from: string | undefined,
  moved: (bytes: number) => void,
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
    const response = await attempt(registry, blob, what, moved);
    if (response.statusCode === 201) {
      await drain(response);
      return { kind: 'sent' };
    }
    // An upload that the registry does not know any more is begun anew.
    if (![401, 404, 416].includes(response.statusCode ?? 0) || retry === MAX_RETRIES) {
      throw await responseError(what, response, registry.registry);
    }
    await drain(response);
    await pause(retry, registry.options.signal);
  }
}

/** Returns whether that worked: a registry may not want to, or we may not read the other repository. */
async function mountBlob(registry: Registry, { digest }: Blob, from: string): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const response = await registry.request('POST', `blobs/uploads/?${query}`, {
    headers: { 'content-length': '0' },
  });
  await drain(response);
  return response.statusCode === 201; // 202 begins an upload, which the registry forgets after a while
}

async function attempt(
  registry: Registry,
  { digest, size }: Blob,
  what: string,
  moved: (bytes: number) => void,
): Promise<IncomingMessage> {
  const begun = await registry.request('POST', 'blobs/uploads/', { headers: { 'content-length': '0' } });
  if (begun.statusCode !== 202) throw await responseError(what, begun, registry.registry);
  await drain(begun);
  const url = await placeOf(registry, begun);
  url.searchParams.set('digest', digest);
  return await registry.request('PUT', url, {
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: () => counted(createReadStream(blobPath(digest), { highWaterMark: PIECE }), moved),
  });
}

/** Where an upload goes: relative addresses are allowed, other hosts too, but not just any way there. */
async function placeOf(registry: Registry, { headers: { location = '' } }: IncomingMessage): Promise<URL> {
  const base = await registry.url('blobs/uploads/');
  const refused = (why: string) =>
    new FosterError(`${registry.registry} redirects uploads to ${visible(location.slice(0, 200))}, ${why}`);
  if (location === '' || !URL.canParse(location, base.href)) throw refused('which is not a valid URL');
  const url = new URL(location, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refused('which is not an http or https URL');
  // behind a proxy that speaks TLS for it, a registry may believe that it is reached without
  if (url.host === base.host) url.protocol = base.protocol;
  if (url.protocol === 'http:' && base.protocol === 'https:' && registry.options.tlsVerify) {
    throw refused('where the connection would no longer be encrypted');
  }
  return url;
}

function counted(source: NodeJS.ReadableStream, moved: (bytes: number) => void): Transform {
  let bytes = 0;
  const counter = new Transform({
    highWaterMark: PIECE,
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      moved(bytes);
      done(undefined, piece);
    },
  });
  source.on('error', (error) => counter.destroy(error));
  return source.pipe(counter);
}
