/** Fills a buffer, which must not be touched until that is done. Returns the number of bytes, 0 at the end. */
export type Fill = (buffer: Buffer) => Promise<number>;

/** How many bytes are processed at once. */
export const PIECE = 256 * 1024;

/**
 * Pieces of a file, each of which is being fetched while the one before is in use: it is valid until the next one.
 * @param free called when nothing more will be filled
 */
export async function* fetchedAhead(fill: Fill, free = () => {}): AsyncGenerator<Buffer> {
  const buffers = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)] as const;
  let coming = fill(buffers[0]);
  try {
    for (let turn: 0 | 1 = 0; ; turn = turn === 0 ? 1 : 0) {
      const size = await coming;
      if (size === 0) return;
      coming = fill(buffers[turn === 0 ? 1 : 0]);
      coming.catch(() => {}); // reported when it is waited for
      yield buffers[turn].subarray(0, size);
    }
  } finally {
    // Not waited for: it may be reading from a pipe to which nobody writes.
    coming.catch(() => {}).then(free);
  }
}
