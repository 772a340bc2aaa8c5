import { isatty } from 'node:tty';
import type { LogLine } from '../../engine/compose/logs.js';
import { printable } from '../../spec/parse/flag.js';
import { printRaw } from '../output.js';

/** SGR colours that can be read on a light and on a dark screen. */
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

export interface LogStyle {
  hasColour: boolean;
  hasPrefix: boolean;
  hasTime: boolean;
}

/** Prints lines of logs with the container before each: `web-1  | text`, in a colour of its own. */
export class LogPrinter {
  readonly #colours = new Map<string, number>();
  readonly #paints: boolean;
  #width = 0;

  /** @param names of containers, whose prefixes have the same width */
  constructor(
    readonly style: LogStyle,
    names: readonly string[],
  ) {
    const { NO_COLOR, TERM } = process.env;
    this.#paints = style.hasColour && !NO_COLOR && TERM !== 'dumb' && isatty(1);
    this.#width = Math.max(0, ...names.map((name) => name.length));
  }

  print({ container, time, text }: LogLine): void {
    const label = `${container.service}-${container.number}`;
    const when = this.style.hasTime ? `${new Date(time).toISOString()} ` : '';
    this.#line(label, `${when}${text.toString().replace(/\r$/, '')}`);
  }

  /** `web-1 exited with code 0` */
  printNote(label: string, note: string): void {
    printRaw(`${this.#painted(label, printable(note))}\n`);
  }

  #line(label: string, text: string): void {
    const prefix = this.style.hasPrefix ? this.#prefix(label) : '';
    printRaw(`${prefix}${text}\n`);
  }

  #prefix(label: string): string {
    this.#width = Math.max(this.#width, label.length);
    return this.#painted(label, `${label.padEnd(this.#width)}  | `);
  }

  #painted(label: string, text: string): string {
    if (!this.#paints) return text;
    const colour = this.#colours.get(label) ?? COLOURS[this.#colours.size % COLOURS.length] ?? 36;
    this.#colours.set(label, colour);
    return `\x1b[${colour}m${text}\x1b[0m`;
  }
}
