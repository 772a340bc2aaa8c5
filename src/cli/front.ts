import type { RunWish } from '../container/run-observer.js';
import { beginSightings } from '../sys/sightings.js';

/**
 * What the front (src/init/front) has asked of this process when it left the command to it: a variable of the environment,
 * which nobody else is to see.
 */
export const front: { wantsTemplate: boolean; run: RunWish | undefined } = {
  wantsTemplate: false,
  run: undefined,
};

/** Takes it out of the environment. */
export function takeWish(): void {
  const wish = process.env.FOSTER_FRONT;
  if (wish === undefined) return;
  delete process.env.FOSTER_FRONT;
  front.wantsTemplate = wish === 'template';
  const [, count, key] = /^run (\d{1,6}) ([0-9a-f]{16})$/.exec(wish) ?? [];
  if (key === undefined) return;
  front.run = { words: process.argv.slice(3, 3 + Number(count)), key };
  beginSightings();
}
