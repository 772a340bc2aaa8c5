import { closeSync } from 'node:fs';
import { hostResults, runHostSteps } from '../launch/host-steps.js';
import type { HostStep } from '../plan/step.js';
import { waitForChild } from '../sys/libc.js';
import { wire } from '../sys/wire-constants.js';

/**
 * Starts a program that belongs to the holder and ends with it.
 * @param shown.netns a network namespace that the program sees as 0/netns/foster in the folder `top`, in its own mount namespace
 * @param shown.reports where the program is to start with the first packet that leaves that namespace: the folder for a failure
 * @throws FosterError
 */
export function startService(
  pidfd: number,
  flags: string,
  path: string,
  argv: string[],
  why: string,
  shown: { netns: string; top: string; reports?: string } = { netns: '-', top: '-' },
): void {
  const [name = ''] = argv;
  const { netns, top, reports } = shown;
  const mode = reports === undefined ? [flags] : [`${flags}w`, reports];
  runSteps(pidfd, [
    {
      kind: 'start',
      name,
      args: ['serve', ...mode, netns, top, path, ...argv],
      call: `execve(${JSON.stringify(path)}, ...)`,
      why,
      parts: { 0: { why }, [wire.PART_WAITING]: { why: `${why} by /dev/net/tun` } },
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
