import { closeSync } from 'node:fs';
import { hostResults, runHostSteps } from '../launch/host-steps.js';
import type { HostStep } from '../plan/step.js';
import { waitForChild } from '../sys/libc.js';
import { wire } from '../sys/wire-constants.js';

/**
 * Starts a program that belongs to the holder and ends with it.
 * @param flags as `run_service` in src/init/holder.c has them
 * @param shown.top a folder in which the program sees the holder's network namespace as 0/netns/foster, in its own mount namespace
 * @param shown.reports where the program is to start with the first packet that leaves that namespace: the folder for a failure
 */
export function serviceStep(
  flags: string,
  path: string,
  argv: string[],
  why: string,
  shown: { top?: string; reports?: string } = {},
): HostStep {
  const [name = ''] = argv;
  const { top = '-', reports } = shown;
  const mode = reports === undefined ? [flags] : [`${flags}w`, reports];
  return {
    kind: 'start',
    name,
    args: ['serve', ...mode, top, path, ...argv],
    call: `execve(${JSON.stringify(path)}, ...)`,
    why,
    parts: { 0: { why }, [wire.PART_WAITING]: { why: `${why} by /dev/net/tun` } },
    stopTimeout: 0,
    earlyExit: { errnos: [], why: '', advice: '' },
  };
}

/** Runs a program in the holder's user and network namespaces to its end, with all capabilities. */
export function programStep(path: string, argv: string[], why: string): HostStep {
  return serviceStep('un1', path, argv, why);
}

/** Does host steps for the network holder only. @throws FosterError */
export function runSteps(pidfd: number, steps: HostStep[]): void {
  const work = runHostSteps(steps, { pid: 0, holder: pidfd });
  for (const [index, result] of hostResults(work).entries())
    if (steps[index]?.kind === 'start' && result > 0) waitForChild(result); // the program continues in a grandchild
  if (work.output !== undefined) closeSync(work.output);
}
