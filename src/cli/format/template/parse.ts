import { FosterError } from '../../../sys/errors.js';

/** One step of a parsed template. */
export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; pipeline: Pipeline }
  | { kind: 'assign'; variable: string; isNew: boolean; pipeline: Pipeline }
  | { kind: 'range'; variables: string[]; pipeline: Pipeline; body: Node[]; otherwise: Node[] }
  | { kind: 'if' | 'with'; variables: string[]; pipeline: Pipeline; body: Node[]; otherwise: Node[] };

/** Commands; the value of each is the last argument of the next one. */
export type Pipeline = Term[][];

export type Term =
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'field'; path: string[] }
  | { kind: 'variable'; name: string; path: string[] }
  | { kind: 'function'; name: string }
  | { kind: 'group'; pipeline: Pipeline; path: string[] };

/** The error for an invalid template. */
export function templateError(problem: string): FosterError {
  return new FosterError(`--format: ${problem}`, {
    advice: "fields are written {{.NAME}}, and 'json' shows all",
  });
}

/**
 * Parses a template.
 * @param functions names of all functions
 * @throws FosterError
 */
export function parseTemplate(source: string, functions: readonly string[]): Node[] {
  return new Parser(source, functions).parse();
}

/** Splits a template into literal text and the content of `{{ }}`; `{{- ` and ` -}}` trim white space next to them. */
type Piece = { text: string } | { action: string };

function split(source: string): Piece[] {
  const pieces: Piece[] = [];
  let rest = source;
  let trimNext = false;
  for (;;) {
    const open = rest.indexOf('{{');
    const inside = open < 0 ? '' : rest.slice(open + 2);
    const trimBefore = /^-\s/.test(inside);
    let text = open < 0 ? rest : rest.slice(0, open);
    if (trimNext) text = text.trimStart();
    if (trimBefore) text = text.trimEnd();
    if (text !== '') pieces.push({ text });
    if (open < 0) return pieces;
    const match = /^(?:-\s)?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*?)(\s-)?\}\}/s.exec(inside);
    if (match === null) throw templateError("'{{' without '}}'");
    pieces.push({ action: (match[1] ?? '').trim() });
    trimNext = match[2] !== undefined;
    rest = inside.slice(match[0].length);
  }
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+(?:\.\d+)?)|((?:\.\w+)+|\.)|(\$\w*)((?:\.\w+)*)|(\w+)|(\)(?:\.\w+)*|[(|]))/sy;

class Parser {
  readonly #pieces: Piece[];
  readonly #functions: readonly string[];
  /** The variables that are declared at the current position, the innermost last. */
  readonly #variables = ['$'];
  #next = 0;

  constructor(source: string, functions: readonly string[]) {
    this.#pieces = split(source);
    this.#functions = functions;
  }

  parse(): Node[] {
    const { nodes, end } = this.#block();
    if (end !== undefined) throw templateError(`{{${end}}} without a beginning`);
    return nodes;
  }

  /** Nodes up to the `end` or `else` that closes the block. */
  #block(): { nodes: Node[]; end: string | undefined } {
    const nodes: Node[] = [];
    const declared = this.#variables.length;
    for (;;) {
      const piece = this.#pieces[this.#next++];
      if (piece === undefined) break;
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      const [, word = '', rest = ''] = /^(\w*)(.*)$/s.exec(piece.action) ?? [];
      if (piece.action.startsWith('/*')) continue;
      if (word === 'end' || word === 'else') {
        this.#variables.length = declared;
        return { nodes, end: piece.action };
      }
      if (word === 'range' || word === 'if' || word === 'with') nodes.push(this.#branch(word, rest));
      else nodes.push(this.#action(piece.action));
    }
    return { nodes, end: undefined };
  }

  #action(text: string): Node {
    const { variables, operator, rest } = declaration(text);
    const pipeline = this.#pipeline(rest);
    const [variable, ...more] = variables;
    if (variable === undefined) return { kind: 'value', pipeline };
    if (more.length > 0) throw templateError(`{{${text}}} declares two variables, which only 'range' can`);
    const isNew = operator === ':=';
    if (isNew) this.#variables.push(variable);
    else this.#check(variable);
    return { kind: 'assign', variable, isNew, pipeline };
  }

  #branch(kind: 'range' | 'if' | 'with', condition: string): Node {
    const { variables, rest } = declaration(condition);
    const pipeline = this.#pipeline(rest);
    const declared = this.#variables.length;
    this.#variables.push(...variables);
    const { nodes: body, end } = this.#block();
    const otherwise = end === 'end' ? [] : this.#otherwise(kind, end);
    this.#variables.length = declared;
    return { kind, variables, pipeline, body, otherwise };
  }

  #otherwise(kind: string, end: string | undefined): Node[] {
    const [, word, condition = ''] = /^else\s+(if|with)\b(.*)$/s.exec(end ?? '') ?? [];
    if (word === 'if' || word === 'with') return [this.#branch(word, condition)];
    if (end !== 'else') throw templateError(`{{${kind}}} without {{end}}`);
    const { nodes, end: last } = this.#block();
    if (last !== 'end') throw templateError(`{{${kind}}} without {{end}}`);
    return nodes;
  }

  #pipeline(source: string): Pipeline {
    const groups: Pipeline[] = [[[]]];
    const last = (): Term[] => groups.at(-1)?.at(-1) ?? [];
    const text = source.trim();
    if (text === '') throw templateError("'{{}}' is empty");
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (match === null) throw templateError(`{{${text}}} is not understood at '${text.slice(at).trim()}'`);
      const mark = match[8];
      if (mark === '|') groups.at(-1)?.push([]);
      else if (mark === '(') groups.push([[]]);
      else if (mark?.startsWith(')')) {
        const pipeline = groups.pop();
        if (pipeline === undefined || groups.length === 0)
          throw templateError(`{{${text}}} has a ')' too many`);
        last().push({ kind: 'group', pipeline, path: names(mark.slice(1)) });
      } else last().push(this.#term(match));
    }
    const [pipeline] = groups;
    if (groups.length !== 1 || pipeline === undefined) throw templateError(`{{${text}}} lacks a ')'`);
    if (pipeline.some((command) => command.length === 0))
      throw templateError(`{{${text}}} has an empty command`);
    return pipeline;
  }

  #term([, string, raw, number, field, variable, path, word]: RegExpExecArray): Term {
    if (string !== undefined) return { kind: 'literal', value: unquote(string) };
    if (raw !== undefined) return { kind: 'literal', value: raw };
    if (number !== undefined) return { kind: 'literal', value: Number(number) };
    if (field !== undefined) return { kind: 'field', path: names(field) };
    if (variable !== undefined) {
      this.#check(variable);
      return { kind: 'variable', name: variable, path: names(path ?? '') };
    }
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    if (word === 'nil') return { kind: 'literal', value: null };
    if (word === undefined || !this.#functions.includes(word))
      throw templateError(`there is no function '${word ?? ''}', only ${this.#functions.join(', ')}`);
    return { kind: 'function', name: word };
  }

  #check(variable: string): void {
    if (!this.#variables.includes(variable)) throw templateError(`there is no variable '${variable}'`);
  }
}

/** `$x := PIPELINE`, `$x = PIPELINE`, `$i, $e := PIPELINE`, or a pipeline alone. */
function declaration(text: string): { variables: string[]; operator: string | undefined; rest: string } {
  const match = /^\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*(:?=)(.*)$/s.exec(text);
  if (match === null) return { variables: [], operator: undefined, rest: text };
  const [, first = '', second, operator, rest = ''] = match;
  return { variables: second === undefined ? [first] : [first, second], operator, rest };
}

function names(path: string): string[] {
  return path.split('.').filter(Boolean);
}

function unquote(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    throw templateError(`the string ${string} is not understood`);
  }
}
