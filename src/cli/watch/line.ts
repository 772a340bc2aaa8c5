import { visible } from '../../spec/parse/flag.js';
import { type Colour, coloured } from '../format/colour.js';
import { displayWidth } from '../format/table.js';

/** A piece of a line on the screen: text without control characters, in a colour. */
export interface Segment {
  text: string;
  colour?: Colour;
}

export type Line = Segment[];

/** A line with a single piece. Control characters of `text` are escaped. */
export function line(text: string, colour?: Colour): Line {
  return [segment(text, colour)];
}

/** A piece of a line. Control characters of `text` are escaped: processes choose their names themselves. */
export function segment(text: string, colour?: Colour): Segment {
  return { text: visible(text), ...(colour !== undefined && { colour }) };
}

/** The first `width` columns of text without control characters. A wide character that does not fit whole is left out. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let taken = 0;
  for (const char of text) {
    taken += displayWidth(char);
    if (taken > width) break;
    kept += char;
  }
  return kept;
}

/** Exactly `width` columns: cut off, or filled with blanks. */
export function fit(text: string, width: number): string {
  const kept = cut(text, width);
  return kept + ' '.repeat(Math.max(width - displayWidth(kept), 0));
}

/** The same at the right end: numbers. */
export function fitRight(text: string, width: number): string {
  const kept = cut(text, width);
  return ' '.repeat(Math.max(width - displayWidth(kept), 0)) + kept;
}

/** A line of exactly `width` columns. */
export function fitLine(segments: Line, width: number): Line {
  const fitted: Line = [];
  let left = width;
  for (const { text, colour } of segments) {
    const kept = cut(text, left);
    left -= displayWidth(kept);
    if (kept !== '') fitted.push({ text: kept, ...(colour !== undefined && { colour }) });
  }
  // the colour of the last piece goes on to the end, so that a reversed line is a bar
  const last = fitted.at(-1);
  if (last?.colour === 'reverse') last.text += ' '.repeat(left);
  else if (left > 0) fitted.push({ text: ' '.repeat(left) });
  return fitted;
}

/** A line as it is written to a terminal. */
export function drawLine(segments: Line, hasColour: boolean): string {
  return segments
    .map(({ text, colour }) =>
      colour === undefined || (!hasColour && colour !== 'reverse') ? text : coloured(text, colour),
    )
    .join('');
}

/** Its text alone. */
export function plainText(segments: Line): string {
  return segments
    .map(({ text }) => text)
    .join('')
    .trimEnd();
}
