import { readSync } from 'node:fs';
import { adviceOnNamespaces, cloneFailure } from '../init/namespace-failure.js';
import { CLONE_STEP, HOST_STEP, type ReportedFailure, STATE_STEP } from '../init/wire.js';
import { renderHostStep, renderStep } from '../plan/render.js';
import type { HostStep, Plan, RunProgram, StartProgram, Step } from '../plan/step.js';
import { visible } from '../spec/parse/flag.js';
import { byErrno, errnoName, errnoWords } from '../sys/errno.js';
import { FosterError } from '../sys/errors.js';
import { SystemCallError } from '../sys/ffi.js';
import { dataFolder } from '../sys/paths.js';

/**
 * The error for a failed start of a container, in the foreground or in the background.
 * @param output descriptor of the file with the stderr of the host steps' programs, if there is one
 */
export function launchFailure(plan: Plan, failed: ReportedFailure, output: number | undefined): FosterError {
  const { index, errno } = failed;
  const hostStep = plan.host[index - HOST_STEP];
  if (hostStep !== undefined) return hostStepFailure(hostStep, failed, output);
  if (index === CLONE_STEP) return cloneFailure(new SystemCallError('clone()', errno)) as FosterError;
  if (index === STATE_STEP) {
    return new FosterError(`cannot record that the container runs: ${errnoWords(errno)}`, {
      advice: `check that there is space in ${dataFolder()} and that it is writable`,
    });
  }
  return lostProgramFailure(plan.host, errno, output) ?? stepFailure(stepAt(plan, index), errno);
}

const FORK: Step = { call: 'clone', args: [], why: "start the user's process" };

/** The step at a report's index. */
function stepAt(plan: Plan, index: number): Step {
  return plan.init[index] ?? plan.process[index - plan.init.length] ?? FORK;
}

/** The error for a failed step. */
export function stepFailure(step: Step, errno: number): FosterError {
  const advice = byErrno(step.advice, errno) ?? adviceOnNamespaces(errnoName(errno));
  return withAdvice(`cannot ${step.why}: ${errnoWords(errno)} from ${renderStep(step)}`, advice);
}

/** The error for a failed host step. */
export function hostStepFailure(
  step: HostStep,
  { errno, detail }: Omit<ReportedFailure, 'index'>,
  output: number | undefined,
): FosterError {
  const advice = byErrno(step.advice, errno);
  if (step.kind === 'start') return partFailure(step, errno, detail, output);
  if (step.kind === 'run' && errno === 0)
    return withAdvice(`cannot ${step.why}: ${programEnd(step, detail, output)}`, advice);
  // Several calls make a mount, and which of them failed is not reported.
  const call = step.kind === 'hand' ? '' : ` from ${renderHostStep(step)[0]?.call}`;
  return withAdvice(`cannot ${step.why}: ${errnoWords(errno)}${call}`, advice);
}

function withAdvice(sentence: string, advice: string | undefined): FosterError {
  return new FosterError(sentence, advice === undefined ? {} : { advice });
}

function partFailure(
  { name, parts }: StartProgram,
  errno: number,
  detail: number,
  output: number | undefined,
): FosterError {
  const { why, advice } = parts[detail] ?? { why: `start ${name}` };
  const message = errnoName(errno) === 'EIO' ? lastLine(output, () => true) : undefined;
  return withAdvice(`cannot ${why}: ${message ?? errnoWords(errno)}`, advice);
}

/** @param status as wait4(2) returns it */
function programEnd({ args }: RunProgram, status: number, output: number | undefined): string {
  const name = String(args[0]);
  const message = lastLine(output, (line) => line.startsWith(`${name}:`));
  const signal = status & 0x7f;
  const end = signal === 0 ? `exit code ${status >> 8}` : `killed by signal ${signal}`;
  return `${name} failed: ${message ?? end}`;
}

/** The error if PID 1's errno shows that a program of a host step has ended too early; else undefined. */
function lostProgramFailure(
  steps: readonly HostStep[],
  errno: number,
  output: number | undefined,
): FosterError | undefined {
  const name = errnoName(errno);
  for (const step of steps) {
    if (step.kind !== 'start' || !step.earlyExit.errnos.includes(name)) continue;
    const message = lastLine(output, (line) => !line.startsWith('unknown argument ignored'));
    const { why, advice } = step.earlyExit;
    return withAdvice(
      `cannot ${why}: ${step.name} has ended${message === undefined ? '' : `: ${message}`}`,
      advice,
    );
  }
  return undefined;
}

/** The last line that a program has written. */
function lastLine(output: number | undefined, isWanted: (line: string) => boolean): string | undefined {
  if (output === undefined) return undefined;
  const buffer = Buffer.alloc(4096);
  const size = readSync(output, buffer, 0, buffer.length, 0);
  const lines = buffer.toString('utf8', 0, size).replaceAll('\0', '').split('\n');
  const line = lines.filter((each) => each.trim() !== '' && isWanted(each)).at(-1);
  return line === undefined ? undefined : visible(line.trim());
}
