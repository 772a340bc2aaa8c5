import { closeSync } from 'node:fs';
import { hostResults, runHostSteps } from '../launch/host-steps.js';
import type { HostStep } from '../plan/step.js';
import { waitForChild } from '../sys/libc.js';

/**
 * Starts a program that belongs to the holder and ends with it.
 * @param shown a network namespace that the program sees as 0/netns/foster in the folder `top`, in its own mount namespace
 * @throws FosterError
 */
export function startService(
  pidfd: number,
  flags: string,
  path: string,
  argv: string[],
  why: string,
  shown = { netns: '-', top: '-' },
): void {
  const [name = ''] = argv;
  runSteps(pidfd, [
    {
      kind: 'start',
      name,
      args: ['serve', flags, shown.netns, shown.top, path, ...argv],
      call: `execve(${JSON.stringify(path)}, ...)`,
      why,
      parts: { 0: { why } },
      stopTimeout: 0,
      earlyExit: { errnos: [], why: '', advice: '' },
    },
  ]);
}

/** Does host steps for the network holder only. @throws FosterError */
export function runSteps(pidfd: number, steps: HostStep[]): void {
  const work = runHostSteps(steps, { pid: 0, holder: pidfd });
  for (const [index, result] of hostResults(work).entries())
    if (steps[index]?.kind === 'start' && result > 0) waitForChild(result); // the program continues in a grandchild
  if (work.output !== undefined) closeSync(work.output);
}
