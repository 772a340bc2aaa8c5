import type { Block, Explanation, ShownStep } from '../../engine/explain.js';
import { visible } from '../../spec/parse/flag.js';

/** An explanation as a page of Markdown, in which nothing that came from a container is markup. */
export function explanationMarkdown({ title, blocks }: Explanation): string {
  const parts = [`# ${escaped(title)}`, ...blocks.map(drawBlock)];
  return `${parts.join('\n\n')}\n`;
}

function drawBlock(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `## ${escaped(block.text)}`;
    case 'text':
      return escaped(block.text);
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n');
    case 'terms':
      return drawTable(
        ['', ''],
        block.rows.map(({ term, meaning }) => [term, meaning]),
      );
    case 'table':
      return drawTable(block.head, block.rows);
    case 'code':
      return fenced(block.lines);
    case 'steps':
      return [`## ${escaped(block.title.replace(/:$/, ''))}`, ...block.steps.map(drawStep)].join('\n\n');
  }
}

function drawStep({ number, why, calls, seen = [] }: ShownStep): string {
  const lines = [...calls, ...seen.map((line) => `strace: ${line}`)];
  return `${number}. ${escaped(why)}\n\n${fenced(lines)}`;
}

function drawTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** A block of code whose fence is longer than any row of backticks in it. */
function fenced(lines: string[]): string {
  const text = lines.map(visible).join('\n');
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** Text without markup: Markdown's own characters, HTML, and what would end a cell of a table are escaped. */
function escaped(text: string): string {
  return visible(text)
    .replace(/[\\`*_[\]#|~]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}
