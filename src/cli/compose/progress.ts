import type { Command } from 'commander';
import type { ComposeEvent, Report } from '../../engine/compose/progress.js';
import { printError } from '../output.js';
import { isDryRun } from './options.js';

/** What is only the beginning of something. */
const BEGINNINGS = /^(Waiting|.*ing)$/;

/** What is reported for each service that waits. */
const WAITS = ['Waiting', 'Healthy', 'Exited'];

/** Prints a line for everything that is done: ` Container app-web-1  Started`. */
export function progressReport(isQuiet = false, prefix = ''): Report {
  if (isQuiet) return () => {};
  const waited = new Set<string>();
  return ({ kind, name, text }: ComposeEvent) => {
    const line = `${prefix} ${kind} ${name}  ${text}\n`;
    if (BEGINNINGS.test(text) && !['Running', 'Waiting', 'Pulling', 'Building', 'Stopping'].includes(text))
      return;
    if (WAITS.includes(text)) {
      if (waited.has(line)) return; // several services may wait for the same container
      waited.add(line);
    }
    printError(line);
  };
}

/** The report of a command that can be asked to do nothing. */
export function reportOf(command: Command, isQuiet = false): Report {
  if (!isDryRun(command)) return progressReport(isQuiet);
  return Object.assign(progressReport(isQuiet, 'DRY-RUN MODE - '), { isDry: true });
}

/** Prints a line of a pull or a build. */
export function printProgressLine(line: string): void {
  printError(`${line}\n`);
}
