import { isatty } from 'node:tty';

/** SGR codes of colours in which text is readable on dark and light terminals: ECMA-48. */
const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1, reverse: 7 } as const;

export type Colour = keyof typeof CODES;

/** Whether text on a descriptor is coloured: on a terminal that can do it, unless NO_COLOR is set (https://no-color.org). */
export function isColoured(descriptor: number): boolean {
  const { NO_COLOR, TERM } = process.env;
  return !NO_COLOR && TERM !== 'dumb' && isatty(descriptor);
}

/** `text` in a colour. It must not have escape sequences of its own. */
export function coloured(text: string, colour: Colour): string {
  return `\x1b[${CODES[colour]}m${text}\x1b[0m`;
}
