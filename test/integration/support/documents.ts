/** Commands in Markdown documents, and the output that the documents show. */

/** A fenced block of commands. */
export interface Block {
  /** The line of its first line. */
  line: number;
  language: string;
  lines: string[];
  /** Why no test runs it: `<!-- not run: REASON -->` on the line above. */
  notRun: string | undefined;
}

/** A command line with the output that the document shows. */
export interface Example {
  line: number;
  command: string;
  /** Empty if the document shows none. */
  output: string[];
}

const FENCE = /^```(\w*)$/;

/** The blocks of a document that are marked as one of these languages: those of commands by default. */
export function blocksOf(text: string, languages: readonly string[] = ['console', 'sh']): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const [isFence, language = ''] = FENCE.exec(lines[index] ?? '') ?? [];
    if (isFence === undefined) continue;
    const end = lines.indexOf('```', index + 1);
    if (end < 0) throw new Error(`line ${index + 1}: the block has no end`);
    if (languages.includes(language)) {
      blocks.push({
        line: index + 2,
        language,
        lines: lines.slice(index + 1, end),
        notRun: /^<!-- not run: (.*) -->$/.exec(lines[index - 1] ?? '')?.[1],
      });
    }
    index = end;
  }
  return blocks;
}

/**
 * The commands of a block. In a `console` block they follow `$ `, or `> ` for continuation lines; the other lines are
 * the output of the command above.
 */
export function examplesOf({ line, language, lines }: Block): Example[] {
  if (language === 'sh') {
    const commands = lines.filter((text) => /^[^#\s]/.test(text));
    return commands.map((command) => ({ line: line + lines.indexOf(command), command, output: [] }));
  }
  const examples: Example[] = [];
  lines.forEach((text, index) => {
    const last = examples.at(-1);
    if (text.startsWith('$ ')) examples.push({ line: line + index, command: text.slice(2), output: [] });
    else if (last === undefined) throw new Error(`line ${line + index}: output without a command`);
    else if (text.startsWith('> ') && last.output.length === 0) last.command += `\n${text.slice(2)}`;
    else last.output.push(text);
  });
  return examples;
}

/**
 * A program in JavaScript from a block: with the import and the instance that it does not show. It fails unless
 * `console.log` prints what the comments beside it say.
 */
export function programOf({ lines }: Block): string {
  const text = lines.join('\n');
  const imports = lines.filter((line) => line.startsWith('import '));
  const body = lines.filter((line) => !line.startsWith('import '));
  const expected = [...text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, shown]) => shown);
  return [
    ...(imports.length > 0 ? imports : ["import { Foster, FosterError } from 'foster';"]),
    "import { deepEqual } from 'node:assert/strict';",
    "import { inspect } from 'node:util';",
    'const printed = [];',
    "console.log = (...values) => printed.push(values.map((value) => inspect(value)).join(' '));",
    ...(text.includes('const foster = ') ? [] : ['const foster = new Foster();']),
    ...body,
    `const expected = ${JSON.stringify(expected)};`,
    'deepEqual(printed.filter((line) => expected.includes(line)), expected);',
  ].join('\n');
}

/** foster commands within the text, such as `foster ps -a`, with their lines. */
export function inlineCommands(text: string): { line: number; words: string[] }[] {
  return text.split('\n').flatMap((each, index) => {
    const found = [...each.matchAll(/`(foster [^`]*)`/g)].map(([, command = '']) => command);
    return found.map((command) => ({ line: index + 1, words: command.split(/\s+/).slice(1) }));
  });
}

/**
 * Whether the output matches the document, in which `...` stands for any text in a line, or alone for any lines.
 */
export function matchesOutput(expected: readonly string[], actual: string): boolean {
  const pattern = expected
    .map((line) => (line.trim() === '...' ? '(?:.*\n)*' : `${lineSource(line)}[ \\r]*\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(actual === '' || actual.endsWith('\n') ? actual : `${actual}\n`);
}

/** Columns may be wider or narrower than in the document. */
function lineSource(line: string): string {
  return line
    .trimEnd()
    .split('...')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ {2,}/g, ' +'))
    .join('.*');
}

/** Links to other files of the source tree and to headings, with their lines, without links to the web. */
export function linksOf(text: string): { line: number; path: string; heading: string | undefined }[] {
  return text
    .split('\n')
    .flatMap((each, index) =>
      [...each.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
        .filter(([, path = '']) => !/^[a-z]+:/.test(path))
        .map(([, path = '', heading]) => ({ line: index + 1, path, heading })),
    );
}

/** The anchors of headings. */
export function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
