import { isatty } from 'node:tty';
import { printable } from '../../spec/parse/flag.js';
import { print, printRaw } from '../output.js';

/**
 * Prints text that is shown again and again: on a terminal in the place of what was there before.
 * @param isInPlace false for one text after the other
 */
export function printAgain(text: string, isInPlace = true): void {
  // home, the text with what stood in its lines before cleared, and the rest of the screen cleared
  if (isInPlace && isatty(1)) printRaw(`\x1b[H${printable(text).replaceAll('\n', '\x1b[K\n')}\x1b[J`);
  else print(text);
}
