import { isColoured } from '../format/colour.js';
import { printRaw } from '../output.js';
import type { Size } from './frame.js';
import { drawLine, type Line } from './line.js';

/** ECMA-48 and xterm: the other screen, no cursor, no continuation of long lines on the next one; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

/**
 * The terminal as a screen that is drawn on. Whatever ends the process, but SIGKILL, the terminal is as it was before.
 * Only lines that have changed are written.
 */
export class Screen {
  readonly #hasColour: boolean;
  readonly #restore = () => this.leave();
  #drawn: string[] = [];
  #isEntered = false;

  constructor(hasColour: boolean) {
    this.#hasColour = hasColour && isColoured(1);
  }

  get size(): Size {
    const { columns = 80, rows = 24 } = process.stdout;
    return { width: Math.max(columns, 1), height: Math.max(rows, 2) };
  }

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    process.on('exit', this.#restore);
    process.stdin.setRawMode(true);
    process.stdin.resume();
    this.#drawn = [];
    printRaw(ENTER);
  }

  leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    process.off('exit', this.#restore);
    try {
      printRaw(LEAVE);
      process.stdin.setRawMode(false);
    } catch {
      // the terminal is gone
    }
    process.stdin.pause();
  }

  /** Draws lines, as many and as wide as the screen has. @param isWhole also those that have not changed */
  draw(lines: readonly Line[], isWhole = false): void {
    if (!this.#isEntered) return;
    const texts = lines.map((each) => drawLine(each, this.#hasColour));
    if (isWhole || texts.length !== this.#drawn.length) this.#drawn = [];
    const start = this.#drawn.length === 0 ? '\x1b[2J' : '';
    // cleared first: terminals do not agree about the width of all characters
    const changed = texts.flatMap((text, row) =>
      text === this.#drawn[row] ? [] : [`\x1b[${row + 1};1H\x1b[2K${text}`],
    );
    this.#drawn = texts;
    if (changed.length > 0) printRaw(start + changed.join(''));
  }
}
