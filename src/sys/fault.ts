import { writeSync } from 'node:fs';
import { surroundings } from './surroundings.js';

/**
 * A switch for tests of what a crash leaves behind. With FOSTER_FAULT=N in its environment a command is killed, by
 * SIGKILL, at its N-th fault point, which is after its N-th step with an effect on disk or on processes; with
 * FOSTER_FAULT=stop:N it is stopped there; with FOSTER_FAULT=count it says on standard error which there are, a line each.
 * A package has no fault points: scripts/build.mjs.
 */
let count = 0;

/** To be called after a step that others can see. @param step what has just been done */
export function faultPoint(step: string): void {
  const wanted = surroundings().env.FOSTER_FAULT;
  if (wanted === undefined) return;
  count++;
  if (wanted === 'count') writeSync(2, `fault point ${count}: ${step}\n`);
  else if (wanted === `stop:${count}`) process.kill(process.pid, 'SIGSTOP');
  else if (count === Number(wanted)) process.kill(process.pid, 'SIGKILL');
}
