import type { Unpacking } from './unpack.js';

/**
 * Writes an archive to an unpacker, piece by piece, until it ends or the unpacker fails. Only one piece is held in
 * memory; its buffer may be reused for the next one.
 * @throws the error of the pieces; the unpacker has been killed then
 */
export async function feed(unpacking: Unpacking, pieces: AsyncIterator<Buffer>): Promise<void> {
  const { input, report } = unpacking;
  let isOver = false;
  const over = report.then(() => {
    isOver = true;
  });
  // The result of a race stays in memory until the other promise settles, so a piece must not be one.
  const either = async (one: Promise<unknown>) => await Promise.race([one.then(() => {}), over]);
  try {
    for (;;) {
      const coming = pieces.next();
      coming.catch(() => {}); // it may never be awaited
      await either(coming);
      if (isOver) break;
      const piece = await coming;
      if (piece.done) break;
      await either(new Promise<void>((done) => input.write(piece.value, () => done())));
    }
    input.end();
  } catch (error) {
    unpacking.kill();
    await over;
    throw error;
  }
}
