import { writeSync } from 'node:fs';
import { execInContainer } from '../container/exec.js';
import { findContainer } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';
import { copyHere } from './copy-here.js';
import { OWN_PROCESS_REPORT, type OwnProcessOrder, type OwnProcessReport } from './own-process.js';

/** The program of own-process.ts. */

function report(line: OwnProcessReport): void {
  writeSync(OWN_PROCESS_REPORT, `${JSON.stringify(line)}\n`);
}

function act(order: OwnProcessOrder): void {
  if (order.kind === 'exec') execInContainer(findContainer(order.container), order.request);
  else copyHere(order.order, (warning) => report({ warning }));
}

setSurroundings({ ...NO_SURROUNDINGS, env: process.env });
try {
  act(JSON.parse(process.argv[2] ?? '') as OwnProcessOrder);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const { advice, exitCode, kind } = error instanceof FosterError ? error : {};
  report({ message, advice, exitCode, kind });
  process.exitCode = 125;
}
