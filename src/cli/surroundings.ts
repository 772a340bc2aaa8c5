import { visible } from '../spec/parse/flag.js';
import { refuseTemplate } from '../sys/sightings.js';
import type { Surroundings } from '../sys/surroundings.js';
import { front } from './front.js';
import { abortSignal, interruption, stopIfInterrupted } from './interrupt.js';
import { printError, warn } from './output.js';

/** The values of global options. */
interface Choices {
  dataRoot: string | undefined;
  storageDriver: string | undefined;
  authFile: string | undefined;
  output: Surroundings['output'];
}

/** The surroundings of a command: this process. Streams and signal are created when they are needed, because that takes time. */
export const CALLER: Surroundings & Choices = {
  get env() {
    return process.env;
  },
  get wantsStartTemplate() {
    return front.wantsTemplate;
  },
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
  /** Undoing the work may take time, too. */
  get signal() {
    return interruption.isUndoing ? undefined : abortSignal();
  },
  progress: (line) => printError(`${visible(line)}\n`),
  warn(sentence) {
    refuseTemplate(); // the front would not say it
    warn(sentence);
  },
  failedOutput: (bytes) => process.stderr.write(bytes),
  onInterrupt: interruption.add,
  stopIfInterrupted,
};
