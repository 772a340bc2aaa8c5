import type {
  DockerfileParser,
  Heredoc as ParsedHeredoc,
  Instruction as ParsedInstruction,
} from 'dockerfile-ast';
import { nearest } from '../../spec/nearest.js';
import { quoted, visible } from '../../spec/parse/flag.js';
import { FosterError } from '../../sys/errors.js';
import { hideFalseHeredocs } from './false-heredocs.js';

/** A `<<NAME` in RUN, COPY or ADD: Dockerfile reference, "Here-Documents". */
export interface Heredoc {
  name: string;
  /** Its lines, each with a newline; without leading tabs if it starts with `<<-`. */
  content: string;
  /** Whether variables in it are expanded: if the name is not quoted. */
  expands: boolean;
}

export interface Instruction {
  /** In upper case: `RUN`. */
  keyword: string;
  /** Number of its first line, counted from 1. */
  line: number;
  /** `--NAME=VALUE`; a bare `--NAME` has the value ''. */
  flags: { name: string; value: string }[];
  /** The text after the flags, with continued lines joined and comments removed. */
  rest: string;
  heredocs: Heredoc[];
  /** The unchanged lines of the here-documents, including their end lines; '' if there are none. */
  body: string;
}

export interface Dockerfile {
  /** For errors: `Dockerfile`, `build/app.Dockerfile`. */
  name: string;
  /** The escape character: a backslash, or the one that a directive sets. */
  escape: string;
  instructions: Instruction[];
}

const MAX_SIZE = 1024 * 1024;

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
);

/** dockerfile-ast takes time by the square of their number. */
const MAX_FLAGS = 1000;

/** The part of dockerfile-ast that foster uses: it finds instructions, here-documents and directives. */
export type Parser = Pick<typeof DockerfileParser, 'parse'>;

/**
 * Splits a Dockerfile into instructions, as dockerfile-ast finds them; words.ts handles words and variables in them.
 * @throws FosterError that names file and line
 */
export function parseDockerfile(text: string, name: string, parser: Parser): Dockerfile {
  if (text.length > MAX_SIZE) throw new FosterError(`${name} is too large for a Dockerfile: over 1 MiB`);
  if (text.includes('\0')) throw new FosterError(`${name} is not a text file: it has a NUL byte`);
  const plain = text.replace(/^\ufeff/, '').replace(/\r\n/g, '\n');
  const many = manyFlagsAt(plain);
  if (many !== undefined)
    throw lineError(
      name,
      plain.slice(0, many).split('\n').length,
      `the instruction has over ${MAX_FLAGS} flags`,
    );
  const first = parser.parse(plain);
  const escapeCharacter = first.getEscapeCharacter();
  const hidden = hideFalseHeredocs(plain, escapeCharacter);
  const parsed = hidden === plain ? first : parser.parse(hidden);
  const lines = plain.split('\n');
  const instructions = parsed
    .getInstructions()
    .map((one) => readInstruction(one, lines, escapeCharacter, name));
  if (instructions.length === 0)
    throw new FosterError(`${name} has no instructions`, { advice: 'the first one must be FROM' });
  return { name, escape: escapeCharacter, instructions };
}

/**
 * The position of a line that starts with a word and too many flags. Counts one by one: a regular expression for many
 * flags would try all ways to divide a text into them, since a backslash can be part of a flag or between two.
 */
function manyFlagsAt(text: string): number | undefined {
  const flag = /[\s\\`]+--\S*/y;
  for (const { index, 0: start } of text.matchAll(/^[ \t]*\w+/gm)) {
    flag.lastIndex = index + start.length;
    for (let count = 0; flag.test(text); ) if (++count > MAX_FLAGS) return index;
  }
  return undefined;
}

/** The error for a line of a Dockerfile. */
export function lineError(file: string, line: number, problem: string, advice?: string): FosterError {
  return new FosterError(`${file}:${line}: ${problem}`, {
    exitCode: 1,
    ...(advice === undefined ? {} : { advice }),
  });
}

function readInstruction(
  parsed: ParsedInstruction,
  lines: string[],
  escapeCharacter: string,
  file: string,
): Instruction {
  const { start, end } = parsed.getRange();
  const line = start.line + 1;
  const keyword = parsed.getInstruction().toUpperCase();
  if (!KEYWORDS.has(keyword)) {
    const word = parsed.getInstruction().slice(0, 40);
    const near = nearest(keyword.slice(0, 40), [...KEYWORDS]);
    const advice = near === undefined ? undefined : `did you mean ${near}?`;
    throw lineError(file, line, `unknown instruction ${quoted(word)}`, advice);
  }
  const heredocs = heredocsOf(parsed);
  const bodyStart = heredocs.length === 0 ? end.line + 1 : firstBodyLine(lines, start.line, escapeCharacter);
  const logical = joinLines(lines.slice(start.line, bodyStart), escapeCharacter);
  const { flags, rest } = takeFlags(logical.replace(/^\s*\S+\s*/, ''));
  const bodies = readBodies(heredocs, lines, bodyStart, file, line);
  return {
    keyword,
    line,
    flags,
    rest: rest.trim(),
    heredocs: bodies.heredocs,
    body: lines
      .slice(bodyStart, bodies.end)
      .map((each) => `${each}\n`)
      .join(''),
  };
}

function heredocsOf(parsed: ParsedInstruction): ParsedHeredoc[] {
  // public only in the classes of instructions that may have them
  return (parsed as unknown as { getHeredocs?(): ParsedHeredoc[] }).getHeredocs?.() ?? [];
}

/** The first line after the instruction and its continuation lines. */
function firstBodyLine(lines: string[], start: number, escapeCharacter: string): number {
  let at = start;
  while (at < lines.length && isContinued(lines[at] ?? '', escapeCharacter)) at++;
  return at + 1;
}

function isContinued(line: string, escapeCharacter: string): boolean {
  return line.trimEnd().endsWith(escapeCharacter);
}

/** Joins continued lines, without comments and empty lines between them. */
function joinLines(lines: string[], escapeCharacter: string): string {
  let text = '';
  for (const [index, line] of lines.entries()) {
    if (index > 0 && /^\s*(#|$)/.test(line)) continue;
    if (!isContinued(line, escapeCharacter)) return text + line;
    text += line.trimEnd().slice(0, -escapeCharacter.length);
  }
  return text;
}

function takeFlags(text: string): { flags: Instruction['flags']; rest: string } {
  const flags: Instruction['flags'] = [];
  let rest = text;
  for (;;) {
    const [whole, name, value = ''] = /^--([a-z][a-z-]*)(?:=(\S*))?(?:\s+|$)/.exec(rest) ?? [];
    if (whole === undefined || name === undefined) return { flags, rest };
    flags.push({ name, value });
    rest = rest.slice(whole.length);
  }
}

/** Reads here-documents, one after the other, each up to a line with its name. */
function readBodies(
  parsed: ParsedHeredoc[],
  lines: string[],
  start: number,
  file: string,
  line: number,
): { heredocs: Heredoc[]; end: number } {
  let at = start;
  const heredocs = parsed.map((one) => {
    const written = headOf(one, lines);
    const name = one.getName();
    const trims = written.startsWith('<<-');
    const trimmed = (text: string) => (trims ? text.replace(/^\t+/, '') : text);
    const content: string[] = [];
    while (at < lines.length && trimmed(lines[at] ?? '') !== name) content.push(trimmed(lines[at++] ?? ''));
    if (at >= lines.length) {
      throw lineError(
        file,
        line,
        `the here-document ${quoted(name)} is not terminated`,
        `end it with a line ${visible(name)}`,
      );
    }
    at++;
    return { name, content: content.map((each) => `${each}\n`).join(''), expands: !/["']/.test(written) };
  });
  return { heredocs, end: at };
}

/** `<<-"NAME"`, as written. */
function headOf(parsed: ParsedHeredoc, lines: string[]): string {
  const from = parsed.getStartRange().start;
  return /^<<-?\S*/.exec((lines[from.line] ?? '').slice(from.character))?.[0] ?? '';
}
