import { signalName } from '../spec/parse/signals.js';
import { ENGLISH, type Say } from './say.js';

/** The highest number of a signal. */
const LAST_SIGNAL = 64;

/** An exit code in words: what shells, Docker and Podman mean by it. */
export function exitWords(code: number, { wasOomKilled = false } = {}, say: Say = ENGLISH): string {
  if (wasOomKilled && code === 137)
    return say('the kernel killed a process with SIGKILL (128 + 9), because the memory limit was reached');
  if (code === 0) return say('success');
  if (code === 125) return say('foster itself failed, if the program does not use this code');
  if (code === 126) return say('the program could not be executed');
  if (code === 127) return say('the program was not found');
  const signal = code - 128;
  if (signal >= 1 && signal <= LAST_SIGNAL)
    return say('128 + {1}: killed by {2}, or the program says so itself', signal, signalName(signal));
  return say('a code of the program: anything but 0 is a failure');
}
