/**
 * What the front (src/init/front) has asked of this process when it left the command to it: a variable of the environment,
 * which nobody else is to see.
 */
export const front = { wantsTemplate: false };

/** Takes it out of the environment. */
export function takeWish(): void {
  const wish = process.env.FOSTER_FRONT;
  if (wish === undefined) return;
  front.wantsTemplate = wish === 'template';
  delete process.env.FOSTER_FRONT;
}
