import { visible } from '../spec/parse/flag.js';
import type { Surroundings } from '../sys/surroundings.js';
import { abortSignal, interruption, stopIfInterrupted } from './interrupt.js';
import { printError, warn } from './output.js';

/** The values of global options. */
interface Choices {
  dataRoot: string | undefined;
  storageDriver: string | undefined;
  authFile: string | undefined;
  output: Surroundings['output'];
}

/** Those of a command: this process's own. Its streams and its signal are made when they are asked for, since that takes a while. */
export const CALLER: Surroundings & Choices = {
  env: process.env,
  dataRoot: undefined,
  storageDriver: undefined,
  authFile: undefined,
  output: undefined,
  ownsProcess: true,
  get screen() {
    return process.stderr;
  },
  get input() {
    return process.stdin;
  },
  /** What undoes the work may wait for something, too. */
  get signal() {
    return interruption.isUndoing ? undefined : abortSignal();
  },
  progress: (line) => printError(`${visible(line)}\n`),
  warn,
  failedOutput: (bytes) => process.stderr.write(bytes),
  onInterrupt: interruption.add,
  stopIfInterrupted,
};
