import { displayWidth } from './table.js';

const WIDE = '[\\u2e80-\\u9fff\\uff00-\\uffef]';

/** No line begins with one of these. */
const CLOSING = '[，。、；：？！）》”’…]';

/** Behind a space, and on both sides of a Chinese character. */
const WORDS = new RegExp(`(?<= )|(?<=${WIDE})(?=\\S)(?!${CLOSING})|(?<=\\S)(?=${WIDE})(?!${CLOSING})`, 'u');

/** Behind what separates the parts of a call, which has long lists of flags and paths. */
const PARTS = /(?<=[|,]|\w\/)/;

/** What is at the end of a line, and may be beyond its width. */
const OVERHANG = new RegExp(`(${CLOSING}|\\s)+$`, 'u');

/**
 * Breaks text into lines of at most `width` columns between words. A longer word stays whole, and Chinese punctuation stays with what
 * it ends.
 * @param begins what the first line and the others begin with
 */
export function wrapWords(
  text: string,
  width: number,
  { first = '', hanging = '' }: { first?: string; hanging?: string } = {},
): string[] {
  const pieces = text.trim().replace(/\s+/g, ' ').split(WORDS);
  return fill(pieces, { width, first, hanging, splits: false });
}

/** As `wrapText`, at spaces only, where that is possible: for what is typed. */
export function wrapCommand(text: string, width: number, hanging: number): string[] {
  return fill(text.split(/(?<= )/), { width, first: '', hanging: ' '.repeat(hanging), splits: true });
}

/**
 * Breaks text into lines of at most `width` columns: between words, between the parts of a call, and where nothing else helps
 * anywhere.
 * @param hanging how far the lines after the first are indented, in columns
 */
export function wrapText(text: string, width: number, hanging = 0): string[] {
  const pieces = text.split(WORDS).flatMap((each) => each.split(PARTS));
  return fill(pieces, { width, first: '', hanging: ' '.repeat(hanging), splits: true });
}

interface Layout {
  width: number;
  first: string;
  hanging: string;
  /** Whether a piece that is too long is split; else it is longer than a line. */
  splits: boolean;
}

function fill(pieces: string[], { width, first, hanging, splits }: Layout): string[] {
  const lines: string[] = [];
  let line = '';
  const begin = () => (lines.length === 0 ? first : hanging);
  const room = () => Math.max(width - displayWidth(begin()), 1);
  const widthOf = (piece: string) => displayWidth(splits ? piece.trimEnd() : piece.replace(OVERHANG, ''));
  const end = () => {
    lines.push(`${begin()}${line}`.trimEnd());
    line = '';
  };
  for (const piece of pieces) {
    if (line !== '' && displayWidth(line) + widthOf(piece) > room()) end();
    let rest = piece;
    while (splits && widthOf(rest) > room()) {
      line = startOf(rest, room());
      rest = rest.slice(line.length);
      end();
    }
    line += rest;
  }
  if (line.trimEnd() !== '' || lines.length === 0) end();
  return lines;
}

/** The start of `text` that takes at most `width` columns, and at least one character. */
function startOf(text: string, width: number): string {
  let start = '';
  for (const char of text) {
    if (start !== '' && displayWidth(start + char) > width) break;
    start += char;
  }
  return start;
}
