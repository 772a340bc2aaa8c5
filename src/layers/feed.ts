import type { Unpacking } from './unpack.js';

/**
 * Writes an archive into an unpacker, piece by piece, until it ends or the unpacker has failed. Nothing waits in memory
 * but the piece at hand, which may be changed as soon as the next one is asked for.
 * @throws what the pieces fail with; the unpacker is killed then, and gone
 */
export async function feed(unpacking: Unpacking, pieces: AsyncIterator<Buffer>): Promise<void> {
  const { input, report } = unpacking;
  let isOver = false;
  const over = report.then(() => {
    isOver = true;
  });
  // Whatever wins a race stays in memory as long as the other one waits: so no piece may.
  const either = async (one: Promise<unknown>) => await Promise.race([one.then(() => {}), over]);
  try {
    for (;;) {
      const coming = pieces.next();
      coming.catch(() => {}); // nobody may wait for it any more
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
