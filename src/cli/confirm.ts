import { readSync } from 'node:fs';
import { FosterError } from '../sys/errors.js';
import { print } from './output.js';

/**
 * Asks. Anything but a yes is a no, which is no failure, as in Docker and Podman; the end of the input is a failure: nobody
 * was there to be asked.
 * @param warning what will be removed; the command has an option --force
 * @throws FosterError at the end of the input
 */
export function confirmed(warning: string): boolean {
  print(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = readLine();
  if (answer === undefined) {
    print('\n');
    throw new FosterError('nothing was removed: standard input ended before an answer', {
      advice: 'use --force to remove without being asked',
      exitCode: 1,
    });
  }
  return /^y(es)?$/i.test(answer.trim());
}

/** Undefined if there is nothing to read. */
function readLine(): string | undefined {
  const buffer = Buffer.alloc(256);
  try {
    const length = readSync(0, buffer);
    return length === 0 ? undefined : buffer.toString('utf8', 0, length).split('\n')[0];
  } catch {
    return undefined;
  }
}
