import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The maximum time for a condition to become true on a busy machine, in milliseconds. Waiting ends as soon as it is
 * true.
 */
export const DEADLINE = 180_000;

/**
 * Polls until `condition` returns something truthy, and returns that. It looks at most half of the time: the machine is for
 * what is waited for, and a condition may run a command.
 * @param what completes the sentence "... did not happen": `the orphan is adopted`
 * @param deadline in milliseconds
 * @throws AssertionError when the deadline has passed
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadline = DEADLINE,
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + deadline;
  for (;;) {
    const began = Date.now();
    const value = await condition();
    if (value) return value as Exclude<T, false | null | undefined>;
    const now = Date.now();
    if (now > end) assert.fail(`within ${deadline} ms this did not happen: ${what}`);
    await sleep(Math.max(20, now - began));
  }
}
