import { readSync } from 'node:fs';
import { print } from './output.js';

/** Asks; anything but a yes, the end of the input too, is a no, as in Docker. */
export function confirmed(warning: string): boolean {
  print(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  return /^y(es)?$/i.test(readLine().trim());
}

function readLine(): string {
  const buffer = Buffer.alloc(256);
  try {
    return buffer.toString('utf8', 0, readSync(0, buffer)).split('\n')[0] ?? '';
  } catch {
    // nothing to read from: nobody said yes
    return '';
  }
}
