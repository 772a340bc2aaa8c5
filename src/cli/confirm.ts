import { readSync } from 'node:fs';
import { print } from './output.js';

/** Asks for confirmation. As in Docker, everything except yes means no, also the end of the input. */
export function confirmed(warning: string): boolean {
  print(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  return /^y(es)?$/i.test(readLine().trim());
}

function readLine(): string {
  const buffer = Buffer.alloc(256);
  try {
    return buffer.toString('utf8', 0, readSync(0, buffer)).split('\n')[0] ?? '';
  } catch {
    // there is no input, so nobody said yes
    return '';
  }
}
