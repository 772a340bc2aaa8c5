import { writeSync } from 'node:fs';
import { execInContainer } from '../container/exec.js';
import { findContainer } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';
import { copyHere } from './copy-here.js';
import {
  OWN_PROCESS_REPORT,
  type OwnProcessOrder,
  type OwnProcessReport,
  type OwnProcessWork,
} from './own-process.js';

/** The program that own-process.ts starts. */

function report(line: OwnProcessReport): void {
  writeSync(OWN_PROCESS_REPORT, `${JSON.stringify(line)}\n`);
}

function act(work: OwnProcessWork): void {
  if (work.kind === 'exec') execInContainer(findContainer(work.container), work.request);
  else copyHere(work.order, (warning) => report({ warning }));
}

try {
  const { dataRoot, work } = JSON.parse(process.argv[2] ?? '') as OwnProcessOrder;
  setSurroundings({ ...NO_SURROUNDINGS, env: process.env, dataRoot });
  act(work);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const { advice, exitCode, kind } = error instanceof FosterError ? error : {};
  report({ message, advice, exitCode, kind });
  process.exitCode = 125;
}
