import { writeSync } from 'node:fs';
import { copyIn, copyOut } from '../container/copy/copy.js';
import { execInContainer } from '../container/exec.js';
import { findContainer } from '../container/store.js';
import { FosterError } from '../sys/errors.js';
import { NO_SURROUNDINGS, setSurroundings } from '../sys/surroundings.js';
import { OWN_PROCESS_REPORT, type OwnProcessOrder, type OwnProcessReport } from './own-process.js';

/** The program of own-process.ts. */

function say(report: OwnProcessReport): void {
  writeSync(OWN_PROCESS_REPORT, `${JSON.stringify(report)}\n`);
}

function act(order: OwnProcessOrder): void {
  const container = findContainer(order.container);
  if (order.kind === 'exec') {
    execInContainer(container, order.request);
    return;
  }
  const options = { ...order.options, warn: (warning: string) => say({ warning }) };
  if (order.kind === 'copy-in') copyIn(order.source, container, order.destination, options);
  else copyOut(container, order.source, order.destination, options);
}

setSurroundings({ ...NO_SURROUNDINGS, env: process.env });
try {
  act(JSON.parse(process.argv[2] ?? '') as OwnProcessOrder);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const { advice, exitCode, kind } = error instanceof FosterError ? error : {};
  say({ message, advice, exitCode, kind });
  process.exitCode = 125;
}
