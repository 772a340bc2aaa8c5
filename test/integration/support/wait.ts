import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Milliseconds that a condition may take to come true, on a machine that is busy with other things. Only a bound: whoever
 * waits goes on as soon as it is true.
 */
export const DEADLINE = 60_000;

/**
 * Asks again and again until `condition` yields something true, and returns that.
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
    const value = await condition();
    if (value) return value as Exclude<T, false | null | undefined>;
    if (Date.now() > end) assert.fail(`within ${deadline} ms this did not happen: ${what}`);
    await sleep(20);
  }
}
