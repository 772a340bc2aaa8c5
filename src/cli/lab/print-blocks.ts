import type { Block } from '../../engine/views/lab.js';
import { wrapWords } from '../format/wrap.js';
import { print } from '../output.js';

const NARROWEST = 20;
const WIDEST = 100;

/** How wide a text of a lab may be, in columns. */
function textWidth(): number {
  return Math.min(Math.max(process.stdout.columns ?? 80, NARROWEST), WIDEST);
}

/** A question to a person, wrapped for the terminal; the answer is typed after it. */
export function layoutPrompt(text: string): string {
  return `${wrapWords(text, textWidth() - 1).join('\n')} `;
}

/** Prints what a lab says, without colours, wrapped for the terminal. Commands are not wrapped: people copy them. */
export function printBlocks(blocks: readonly Block[]): void {
  const width = textWidth();
  print(blocks.map((block) => `${layout(block, width).join('\n')}\n`).join(''));
}

/** The lines of a block. */
export function layout({ kind, text }: Block, width: number): string[] {
  switch (kind) {
    case 'title':
      return ['', ...wrapWords(text, width, { first: '== ', hanging: '   ' })];
    case 'heading':
      return ['', ...wrapWords(text, width, { first: '-- ', hanging: '   ' })];
    case 'item':
      return wrapWords(text, width, { first: '  ', hanging: '     ' });
    case 'command':
      return [`  ${text}`];
    case 'output':
      return text.split('\n').map((line) => `  | ${line}`);
    case 'prose':
      return wrapWords(text, width);
  }
}
