import type { Written } from '../../layers/tree-writer.js';
import { BlobFollower } from './blob-follower.js';
import type { Descriptor } from './oci.js';
import { type LayerUnpacker, type PackedLayer, type Position, unpackLayer } from './unpack-layer.js';

/**
 * Brings a blob into the store, unless it is there, from a registry or an archive. Its digest is verified.
 * @param follower learns where it is written meanwhile, and how much of it
 */
export type FetchBlob = (blob: Descriptor, follower: BlobFollower) => Promise<void>;

/** Calls `fetch`, and reports its end to the follower, if any. */
export async function fetchBlob(blob: Descriptor, fetch: FetchBlob, follower?: BlobFollower): Promise<void> {
  const reported = follower ?? new BlobFollower();
  try {
    await fetch(blob, reported);
    reported.finish();
  } catch (error) {
    reported.fail(error);
    throw error;
  } finally {
    if (follower === undefined) reported.close();
  }
}

export interface FetchOptions {
  fetch: FetchBlob;
  /** Aborted when a blob cannot be fetched. */
  abort: AbortController;
  /** Called with the number of bytes so far. */
  onProgress?: (bytes: number) => void;
  /** Counts what is unpacked. */
  position?: Position;
}

/**
 * Brings the blob of a layer into the store, and unpacks it meanwhile.
 * @param unpacker undefined if it is unpacked already
 * @returns undefined if it was unpacked already
 * @throws FosterError
 */
export async function fetchLayer(
  packed: PackedLayer,
  unpacker: LayerUnpacker | undefined,
  { fetch, abort, onProgress, position }: FetchOptions,
): Promise<Written | undefined> {
  const follower = new BlobFollower(onProgress);
  const fetching = fetchBlob(packed.layer, fetch, follower).catch((error: unknown) => {
    abort.abort(error); // immediately: this layer's unpacker may be waiting for another's
    throw error;
  });
  const unpacking = unpacker && unpackLayer(packed, unpacker, { follower, ...(position && { position }) });
  // Wait for both before reporting: a failed fetch ends the unpacker, which must have removed its tree.
  const [fetched, unpacked] = await Promise.allSettled([fetching, unpacking]);
  follower.close();
  if (fetched.status === 'rejected') throw fetched.reason;
  if (unpacked.status === 'rejected') throw unpacked.reason;
  return unpacked.value;
}
