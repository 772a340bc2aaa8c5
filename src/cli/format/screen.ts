import { isatty } from 'node:tty';
import { printable } from '../../spec/parse/flag.js';
import { print, printRaw } from '../output.js';

/**
 * Prints text that is shown repeatedly: on a terminal it replaces the previous text.
 * @param isInPlace false for one text after the other
 */
export function printAgain(text: string, isInPlace = true): void {
  const movesCursor = isInPlace && isatty(1) && process.env.TERM !== 'dumb';
  // moves to the top, prints each line and clears its rest, then clears the rest of the screen
  if (movesCursor) printRaw(`\x1b[H${printable(text).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
  else print(text);
}
