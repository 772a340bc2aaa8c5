import type { ComposeEvent, Report } from '../../engine/compose/progress.js';
import { printError } from '../output.js';

/** What is only the beginning of something. */
const BEGINNINGS = /^(Waiting|.*ing)$/;

/** Prints a line for everything that is done: ` Container app-web-1  Started`. */
export function progressReport(isQuiet = false): Report {
  if (isQuiet) return () => {};
  return ({ kind, name, text }: ComposeEvent) => {
    if (BEGINNINGS.test(text) && !['Running', 'Waiting', 'Pulling', 'Building', 'Stopping'].includes(text))
      return;
    printError(` ${kind} ${name}  ${text}\n`);
  };
}

/** Prints a line of a pull or a build. */
export function printProgressLine(line: string): void {
  printError(`${line}\n`);
}
