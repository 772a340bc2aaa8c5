import type { ComposeEvent, Report } from '../../engine/compose/progress.js';
import { printError } from '../output.js';

/** What is only the beginning of something. */
const BEGINNINGS = /^(Waiting|.*ing)$/;

/** What is reported for each service that waits. */
const WAITS = ['Waiting', 'Healthy', 'Exited'];

/** Prints a line for everything that is done: ` Container app-web-1  Started`. */
export function progressReport(isQuiet = false): Report {
  if (isQuiet) return () => {};
  const waited = new Set<string>();
  return ({ kind, name, text }: ComposeEvent) => {
    const line = ` ${kind} ${name}  ${text}\n`;
    if (BEGINNINGS.test(text) && !['Running', 'Waiting', 'Pulling', 'Building', 'Stopping'].includes(text))
      return;
    if (WAITS.includes(text)) {
      if (waited.has(line)) return; // several services may wait for the same container
      waited.add(line);
    }
    printError(line);
  };
}

/** Prints a line of a pull or a build. */
export function printProgressLine(line: string): void {
  printError(`${line}\n`);
}
