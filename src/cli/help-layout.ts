import type { Command, Help } from 'commander';
import { wrapWords } from './format/wrap.js';

/** If a column of descriptions would be narrower than this, each goes below its option. */
const LEAST_COLUMN = 40;
const INDENT = '      ';

/** Layout of commander's help, without broken words on narrow terminals. */
export const HELP_LAYOUT: Partial<Help> = {
  minWidthToWrap: 1,
  styleUsage(usage) {
    const label = 'Usage: ';
    const width = (this.helpWidth ?? 80) - label.length;
    return this.boxWrap?.(usage, width).replaceAll('\n', `\n${' '.repeat(label.length)}`) ?? usage;
  },
  formatItem(term, termWidth, text, helper) {
    const description = text
      .replace(/ ?\(default: false\)/, '')
      .replace(/\(default: "([^"]*)"\)/, '(default: $1)');
    const width = helper.helpWidth ?? 80;
    const remaining = width - termWidth - 4;
    if (description === '') return `  ${term}`;
    if (remaining < LEAST_COLUMN) {
      const below = helper.boxWrap(description, Math.max(width - INDENT.length, 1));
      return `  ${term}\n${INDENT}${below.replaceAll('\n', `\n${INDENT}`)}`;
    }
    const beside = helper.boxWrap(description, remaining);
    return `  ${term.padEnd(termWidth)}  ${beside.replaceAll('\n', `\n${' '.repeat(termWidth + 4)}`)}`;
  },
};

/** The width for the help of a command. */
export function helpWidth(command: Command): number {
  return command.configureOutput().getOutHelpWidth?.() ?? 80;
}

/**
 * Wraps text at spaces: lines without indentation as paragraphs, each example separately. If an example is too long, its
 * comment, the text after several spaces, gets its own line.
 */
export function wrapLines(lines: string[], width: number): string[] {
  return paragraphs(lines).flatMap((line) => {
    if (line.length <= width) return [line];
    const [, indent = '', example = '', comment] = /^( *)(.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    const hanging = indent === '' ? '' : INDENT;
    return [
      ...wrapWords(example, width, { first: indent, hanging }),
      ...(comment === undefined ? [] : wrapWords(comment, width, { first: INDENT, hanging: INDENT })),
    ];
  });
}

function paragraphs(lines: string[]): string[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const line of lines) {
    const isProse = /^\S/.test(line);
    if (isProse && isOpen) joined[joined.length - 1] += ` ${line}`;
    else joined.push(line);
    isOpen = isProse;
  }
  return joined;
}
