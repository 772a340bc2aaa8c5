import { writeSync } from 'node:fs';
import { surroundings } from './surroundings.js';

/**
 * Fault injection, for tests of crashes. With FOSTER_FAULT=N in its environment, a command is killed by SIGKILL at its
 * N-th fault point, which is after its N-th step with an effect on disk or on processes; with FOSTER_FAULT=stop:N it is
 * stopped there; with FOSTER_FAULT=count it prints its fault points on standard error, one per line. Packages have no
 * fault points: scripts/build.mjs.
 */
let count = 0;

/** Called after a step with a visible effect. @param step what has just been done */
export function faultPoint(step: string): void {
  const wanted = surroundings().env.FOSTER_FAULT;
  if (wanted === undefined) return;
  count++;
  if (wanted === 'count') writeSync(2, `fault point ${count}: ${step}\n`);
  else if (wanted === `stop:${count}`) process.kill(process.pid, 'SIGSTOP');
  else if (count === Number(wanted)) process.kill(process.pid, 'SIGKILL');
}
