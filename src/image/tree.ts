import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { FosterError } from '../errors.js';
import { hasOneOwner, type IdMaps } from '../sys/id-maps.js';
import { memoryFile, pipe, takeMemoryFile, waitForChild } from '../sys/libc.js';
import { howItEnded, readReport, startNodeProgram } from '../sys/node-program.js';
import type { TreeOrder, TreeReport } from './tree-protocol.js';
import { withCaller } from './unpack.js';

const SIGKILL = 9;

/** The program at work. */
export interface TreeProgram {
  /** Comes when it has written all. @throws FosterError */
  done: Promise<void>;
  kill(): void;
}

/**
 * Starts the program that reads a container's files (tree-main.ts), in a user namespace with the container's id maps, or
 * in ours where the container has none.
 * @param output descriptor that it writes to; ours stays open
 * @throws FosterError where there are no user namespaces to be had
 */
export function startTreeProgram(
  order: Omit<TreeOrder, 'isMapped' | 'hasOneOwner'>,
  maps: IdMaps | undefined,
  output: number,
): TreeProgram {
  const whole: TreeOrder = {
    ...order,
    isMapped: maps !== undefined,
    hasOneOwner: maps !== undefined && hasOneOwner(maps),
  };
  const report = pipe();
  const errors = memoryFile('foster-tree-errors', new Uint8Array());
  let pid: number;
  try {
    pid = startNodeProgram({
      name: 'foster-tree',
      argv: [join(__dirname, 'tree-main.cjs'), JSON.stringify(whole)],
      descriptors: (control, nothing) => [nothing, output, errors, control, report[1]],
      maps: maps && withCaller(maps),
      parentDeathSignal: SIGKILL,
    });
  } catch (error) {
    closeSync(report[0]);
    closeSync(errors);
    throw error;
  } finally {
    closeSync(report[1]);
  }
  return { done: finished(pid, report[0], errors), kill: () => process.kill(pid, 'SIGKILL') };
}

async function finished(pid: number, report: number, errors: number): Promise<void> {
  const text = await readReport(report);
  const status = waitForChild(pid);
  const said = takeMemoryFile(errors);
  if (text === '') {
    throw new FosterError(`the program that reads the container's files ${howItEnded(status, said)}`);
  }
  const answer = JSON.parse(text) as TreeReport;
  if ('done' in answer) return;
  throw new FosterError(answer.error, {
    exitCode: 1,
    ...(answer.advice !== undefined && { advice: answer.advice }),
  });
}
