/**
 * Reads the start of a stream: at least `size` bytes, fewer if it is shorter.
 * @returns `start`, and `all`: the whole stream, including those bytes
 */
export async function peek(
  pieces: AsyncIterator<Buffer>,
  size: number,
): Promise<{ start: Buffer; all: AsyncGenerator<Buffer> }> {
  let start = Buffer.alloc(0);
  while (start.length < size) {
    const { value, done } = await pieces.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  async function* all() {
    if (start.length > 0) yield start;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
  }
  return { start, all: all() };
}
