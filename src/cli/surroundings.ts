import { visible } from '../spec/parse/flag.js';
import type { Surroundings } from '../sys/surroundings.js';
import { onInterrupt, stopIfInterrupted } from './interrupt.js';
import { settings } from './output.js';

/** What global options say. */
interface Choices {
  dataRoot: string | undefined;
  storageDriver: string | undefined;
  authFile: string | undefined;
}

/** Those of a command: this process's own. Its streams are made when they are asked for, since that takes a while. */
export const CALLER: Surroundings & Choices = {
  env: process.env,
  dataRoot: undefined,
  storageDriver: undefined,
  authFile: undefined,
  mayBlock: true,
  get screen() {
    return process.stderr;
  },
  get input() {
    return process.stdin;
  },
  say: (line) => process.stderr.write(`${visible(line)}\n`),
  warn: (sentence) => {
    if (settings.warns) process.stderr.write(`foster: warning: ${visible(sentence)}\n`);
  },
  printError: (bytes) => process.stderr.write(bytes),
  onInterrupt,
  stopIfInterrupted,
};
