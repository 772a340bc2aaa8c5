import { visible } from '../../spec/parse/flag.js';

/** As in Docker, there are three spaces between columns. */
const GAP = 3;

/**
 * Formats rows as lines with aligned columns; the last cell of a row is not padded. Control characters are escaped, so that a
 * container's label cannot control the terminal.
 */
export function drawTable(rows: string[][]): string {
  const cells = rows.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(cell));
    });
  }
  const lines = cells.map((row) => row.map((cell, column) => pad(cell, column, row, widths)).join(''));
  return lines.map((line) => `${line}\n`).join('');
}

function pad(cell: string, column: number, row: string[], widths: number[]): string {
  if (column === row.length - 1) return cell;
  return cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell) + GAP);
}

/** How many columns of a terminal `text` takes: none for combining marks, two for wide characters. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(char)) continue;
    width += isWide(char.codePointAt(0) ?? 0) ? 2 : 1;
  }
  return width;
}

/** Ranges of East Asian Width W and F (Unicode UAX #11), roughly, and of emoji. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** At most `length` characters of `text`; the last one is an ellipsis if the text was cut off. */
export function ellipsis(text: string, length: number): string {
  if (text.length <= length) return text;
  const chars = [...text];
  return chars.length <= length ? text : `${chars.slice(0, length - 1).join('')}…`;
}
