/** Commands in Markdown: what a document tells its readers to type, and what they shall see then. */

/** A fenced block of commands. */
export interface Block {
  /** The line of its first line. */
  line: number;
  language: 'console' | 'sh';
  lines: string[];
  /** Why no test runs it: `<!-- not run: REASON -->` on the line above. */
  notRun: string | undefined;
}

/** A command line with the output that the document shows. */
export interface Example {
  line: number;
  command: string;
  /** Empty where the document shows none. */
  output: string[];
}

const FENCE = /^```(\w*)$/;

/** The blocks of a document that are marked `console` or `sh`. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const [isFence, language = ''] = FENCE.exec(lines[index] ?? '') ?? [];
    if (isFence === undefined) continue;
    const end = lines.indexOf('```', index + 1);
    if (end < 0) throw new Error(`line ${index + 1}: the block has no end`);
    if (language === 'console' || language === 'sh') {
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
 * The commands of a block. In a `console` block they follow `$ `, or `> ` where one goes on; the other lines are the output
 * of the command above.
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

/** The commands of foster that are named within the text, `foster ps -a`, with their lines. */
export function inlineCommands(text: string): { line: number; words: string[] }[] {
  return text.split('\n').flatMap((each, index) => {
    const found = [...each.matchAll(/`(foster [^`]*)`/g)].map(([, command = '']) => command);
    return found.map((command) => ({ line: index + 1, words: command.split(/\s+/).slice(1) }));
  });
}

/**
 * Whether the output is what the document shows. There `...` stands for any text within a line, and a line of nothing
 * else for any lines.
 */
export function shows(expected: readonly string[], actual: string): boolean {
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

/** Links to other files of the source tree and to headings, with their lines; those into the web are left out. */
export function linksOf(text: string): { line: number; path: string; heading: string | undefined }[] {
  return text
    .split('\n')
    .flatMap((each, index) =>
      [...each.matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)]
        .filter(([, path = '']) => !/^[a-z]+:/.test(path))
        .map(([, path = '', heading]) => ({ line: index + 1, path, heading })),
    );
}

/** What headings are called in links. */
export function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
