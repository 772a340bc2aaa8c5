import type { Block, Explanation, ShownStep } from '../../engine/explain.js';
import { visible } from '../../spec/parse/flag.js';
import { displayWidth } from './table.js';
import { wrapCommand, wrapText } from './wrap.js';

/** Columns between two columns of a table. */
const GAP = 2;
/** The widest that a column of a table but the last may be. */
const WIDEST = 30;
/** Where the last column would be narrower than this, rows are drawn as lines below each other. */
const NARROWEST = 12;

/** An explanation as text of at most `width` columns. Control characters are escaped. */
export function explanationText({ title, blocks }: Explanation, width = 80): string {
  const lines = wrapText(visible(title), width);
  for (const [index, block] of blocks.entries()) {
    if (block.kind === 'text' && needsGap(blocks[index - 1])) lines.push('');
    lines.push(...drawBlock(block, width));
  }
  return `${lines.join('\n')}\n`;
}

/** Whether a paragraph after this block is set off by an empty line. */
function needsGap(before: Block | undefined): boolean {
  return before !== undefined && before.kind !== 'heading';
}

function drawBlock(block: Block, width: number): string[] {
  switch (block.kind) {
    case 'heading':
      return ['', ...wrapText(visible(block.text), width)];
    case 'text':
      return indented(wrapText(visible(block.text), width - 2), 2);
    case 'list':
      return block.items.flatMap((item) => indented(wrapText(`- ${visible(item)}`, width - 2, 2), 2));
    case 'terms':
      return indented(drawTerms(block, width - 2), 2);
    case 'table':
      return indented(drawTable(block, width - 2), 2);
    case 'code':
      return indented(
        block.lines.flatMap((line) => wrapCommand(visible(line), width - 4, 2)),
        4,
      );
    case 'steps':
      return ['', ...wrapText(block.title, width), ...block.steps.flatMap((step) => drawStep(step, width))];
  }
}

function drawStep({ number, why, calls, seen }: ShownStep, width: number): string[] {
  const [first = '', ...rest] = wrapText(visible(why), width - 5);
  return [
    `${String(number).padStart(3)}  ${first}`,
    ...indented(rest, 5),
    ...calls.flatMap((call) => indented(wrapText(visible(call), width - 7, 4), 7)),
    ...(seen ?? []).flatMap((line) => indented(wrapText(`strace: ${visible(line)}`, width - 7, 4), 7)),
  ];
}

function drawTable({ head, rows }: Extract<Block, { kind: 'table' }>, width: number): string[] {
  const names = head.map((name) => name.toUpperCase());
  return drawColumns([names, ...rows], width) ?? rows.flatMap((row) => drawBelow(row, names, width));
}

function drawTerms({ rows }: Extract<Block, { kind: 'terms' }>, width: number): string[] {
  const cells = rows.map(({ term, meaning }) => [term, meaning]);
  return drawColumns(cells, width) ?? cells.flatMap((row) => drawBelow(row, [], width));
}

/** The cells of a row below each other: the first, and then each of the others after the name of its column. */
function drawBelow([first = '', ...others]: string[], names: readonly string[], width: number): string[] {
  const name = (index: number) => (names[index + 1] === undefined ? '' : `${names[index + 1]} `);
  return [
    ...wrapText(visible(first), width),
    ...others.flatMap((cell, index) => indented(wrapText(`${name(index)}${visible(cell)}`, width - 2, 2), 2)),
  ];
}

/** Rows with aligned columns; each cell is broken into lines that fit its column. @returns undefined if there is no room for them */
function drawColumns(rows: string[][], width: number): string[] | undefined {
  const cells = rows.map((row) => row.map(visible));
  const count = Math.max(...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.min(WIDEST, Math.max(...cells.map((row) => displayWidth(row[column] ?? '')))),
  );
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + GAP, 0);
  if (count > 1 && width - before < Math.min(widths[count - 1] ?? 0, NARROWEST)) return undefined;
  widths[count - 1] = Math.max(width - before, 1);
  return cells.flatMap((row) => {
    const columns = row.map((cell, column) => wrapText(cell, widths[column] ?? 1));
    const height = Math.max(...columns.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) =>
      columns
        .map((lines, column) => pad(lines[line] ?? '', (widths[column] ?? 0) + GAP))
        .join('')
        .trimEnd(),
    );
  });
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(width - displayWidth(text), 0));
}

function indented(lines: string[], columns: number): string[] {
  return lines.map((line) => (line === '' ? '' : `${' '.repeat(columns)}${line}`));
}
