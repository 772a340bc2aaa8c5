import { visible } from '../spec/parse/flag.js';
import type { Surroundings } from '../sys/surroundings.js';
import { onInterrupt, stopIfInterrupted } from './interrupt.js';

/** Those of a command: this process's own. Its streams are made when they are asked for, since that takes a while. */
export const CALLER: Surroundings & { storageDriver: string | undefined; authFile: string | undefined } = {
  env: process.env,
  storageDriver: undefined,
  authFile: undefined,
  mayBlock: true,
  get screen() {
    return process.stderr;
  },
  get input() {
    return process.stdin;
  },
  printLine: (line) => process.stderr.write(`${visible(line)}\n`),
  warn: (sentence) => process.stderr.write(`foster: warning: ${visible(sentence)}\n`),
  printError: (bytes) => process.stderr.write(bytes),
  onInterrupt,
  stopIfInterrupted,
};
