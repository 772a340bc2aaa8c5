import { FosterError } from '../../sys/errors.js';

/**
 * The part of Go's text/template that people use with Docker's --format: fields (`{{.State.Pid}}`), `index`, `json`,
 * `join`, `len`, `lower`, `upper`, `println`, comparisons, pipelines, `range`, `if`, `with` and their `else`.
 * Variables are not part of it.
 */
export type Template = (data: unknown) => string;

/** One step of a parsed template. */
type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; pipeline: Pipeline }
  | { kind: 'range' | 'if' | 'with'; pipeline: Pipeline; body: Node[]; otherwise: Node[] };

/** Commands whose value is the last argument of the next. */
type Pipeline = Term[][];

type Term =
  | { kind: 'literal'; value: string | number | boolean }
  | { kind: 'field'; path: string[]; fromRoot: boolean }
  | { kind: 'function'; name: string }
  | { kind: 'group'; pipeline: Pipeline; path: string[] };

/**
 * Parses a template once, to be rendered for many objects.
 * @throws FosterError where the template makes no sense; rendering throws one where a field does not exist
 */
export function compileTemplate(source: string): Template {
  const parser = new Parser(source);
  const nodes = parser.parse();
  return (data) => render(nodes, data, data);
}

function fail(problem: string): FosterError {
  return new FosterError(`--format: ${problem}`, {
    advice: "fields are written {{.NAME}}, and 'json' shows all",
  });
}

/** A template's text is cut into literal text and the insides of `{{ }}`, which `- ` trims white space beside. */
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
    if (match === null) throw fail("'{{' without '}}'");
    pieces.push({ action: (match[1] ?? '').trim() });
    trimNext = match[2] !== undefined;
    rest = inside.slice(match[0].length);
  }
}

class Parser {
  private readonly pieces: Piece[];
  private next = 0;

  constructor(source: string) {
    this.pieces = split(source);
  }

  parse(): Node[] {
    const { nodes, end } = this.block();
    if (end !== undefined) throw fail(`{{${end}}} without a beginning`);
    return nodes;
  }

  /** Nodes up to the `end` or `else` that closes the block. */
  private block(): { nodes: Node[]; end: string | undefined } {
    const nodes: Node[] = [];
    while (this.next < this.pieces.length) {
      const piece = this.pieces[this.next++];
      if (piece === undefined) break;
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text });
        continue;
      }
      const [, word = '', rest = ''] = /^(\w*)(.*)$/s.exec(piece.action) ?? [];
      if (piece.action.startsWith('/*')) continue;
      if (word === 'end' || word === 'else') return { nodes, end: piece.action };
      if (word === 'range' || word === 'if' || word === 'with') nodes.push(this.branch(word, rest));
      else nodes.push({ kind: 'value', pipeline: parsePipeline(piece.action) });
    }
    return { nodes, end: undefined };
  }

  private branch(kind: 'range' | 'if' | 'with', condition: string): Node {
    const pipeline = parsePipeline(condition);
    const { nodes: body, end } = this.block();
    if (end === 'end') return { kind, pipeline, body, otherwise: [] };
    const elseIf = /^else\s+if\b(.*)$/s.exec(end ?? '');
    if (elseIf !== null) return { kind, pipeline, body, otherwise: [this.branch('if', elseIf[1] ?? '')] };
    if (end !== 'else') throw fail(`{{${kind}}} without {{end}}`);
    const { nodes: otherwise, end: last } = this.block();
    if (last !== 'end') throw fail(`{{${kind}}} without {{end}}`);
    return { kind, pipeline, body, otherwise };
  }
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|(-?\d+(?:\.\d+)?)|(\$?(?:\.\w+)+|\.|\$(?!\w))|(\w+)|(\)(?:\.\w+)*|[(|]))/sy;

function parsePipeline(source: string): Pipeline {
  const groups: Pipeline[] = [[[]]];
  const last = (): Term[] => groups.at(-1)?.at(-1) ?? [];
  const text = source.trim();
  if (text === '') throw fail("'{{}}' is empty");
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw fail(`{{${text}}} is not understood at '${text.slice(at).trim()}'`);
    const [, string, raw, number, field, word, mark] = match;
    if (mark === '|') groups.at(-1)?.push([]);
    else if (mark === '(') groups.push([[]]);
    else if (mark?.startsWith(')')) {
      const pipeline = groups.pop();
      if (pipeline === undefined || groups.length === 0) throw fail(`{{${text}}} has a ')' too many`);
      last().push({ kind: 'group', pipeline, path: mark.slice(1).split('.').filter(Boolean) });
    } else last().push(parseTerm(string, raw, number, field, word));
  }
  const [pipeline] = groups;
  if (groups.length !== 1 || pipeline === undefined) throw fail(`{{${text}}} lacks a ')'`);
  if (pipeline.some((command) => command.length === 0)) throw fail(`{{${text}}} has an empty command`);
  return pipeline;
}

function parseTerm(
  string: string | undefined,
  raw: string | undefined,
  number: string | undefined,
  field: string | undefined,
  word: string | undefined,
): Term {
  if (string !== undefined) return { kind: 'literal', value: unquote(string) };
  if (raw !== undefined) return { kind: 'literal', value: raw };
  if (number !== undefined) return { kind: 'literal', value: Number(number) };
  if (field !== undefined) {
    const path = field.replace('$', '').split('.').filter(Boolean);
    return { kind: 'field', path, fromRoot: field.startsWith('$') };
  }
  if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
  if (word === undefined || !FUNCTIONS.has(word)) {
    throw fail(`there is no function '${word ?? ''}', only ${[...FUNCTIONS.keys()].join(', ')}`);
  }
  return { kind: 'function', name: word };
}

function unquote(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    throw fail(`the string ${string} is not understood`);
  }
}

function render(nodes: Node[], data: unknown, root: unknown): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return node.text;
      const value = evaluate(node.pipeline, data, root);
      if (node.kind === 'value') return show(value);
      if (node.kind === 'range') {
        const items = Array.isArray(value) ? value : Object.values(asRecord(value) ?? {});
        if (items.length === 0) return render(node.otherwise, data, root);
        return items.map((item) => render(node.body, item, root)).join('');
      }
      if (!isTrue(value)) return render(node.otherwise, data, root);
      return render(node.body, node.kind === 'with' ? value : data, root);
    })
    .join('');
}

function evaluate(pipeline: Pipeline, data: unknown, root: unknown): unknown {
  let piped: unknown[] = [];
  for (const [head, ...rest] of pipeline) {
    const args = [...rest.map((term) => termValue(term, data, root)), ...piped];
    if (head === undefined) continue;
    if (head.kind === 'function') piped = [call(head.name, args)];
    else if (head.kind === 'field') piped = [args.reduce(callValue, termValue(head, data, root))];
    else if (args.length > 0) throw fail('a value is no function');
    else piped = [termValue(head, data, root)];
  }
  return piped[0];
}

/** `{{.Label "NAME"}}`: a field that takes an argument is a function in the data. */
function callValue(value: unknown, argument: unknown): unknown {
  if (typeof value !== 'function') throw fail('a field takes no argument');
  return value(argument);
}

function termValue(term: Term, data: unknown, root: unknown): unknown {
  switch (term.kind) {
    case 'literal':
      return term.value;
    case 'group':
      return term.path.reduce(fieldOf, evaluate(term.pipeline, data, root));
    case 'function':
      return call(term.name, []);
    case 'field':
      return term.path.reduce(fieldOf, term.fromRoot ? root : data);
  }
}

function fieldOf(value: unknown, name: string): unknown {
  const record = asRecord(value);
  if (record === undefined || Array.isArray(value))
    throw fail(`there is no field '${name}' in ${show(value)}`);
  if (!Object.hasOwn(record, name)) {
    throw fail(`there is no field '${name}', only ${Object.keys(record).join(', ')}`);
  }
  return record[name];
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  const record = asRecord(value);
  return record === undefined ? Boolean(value) : Object.keys(record).length > 0;
}

/** A value as Go prints it. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  const record = asRecord(value);
  if (record === undefined) return String(value);
  const entries = Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${show(item)}`).join(' ')}]`;
}

function call(name: string, args: unknown[]): unknown {
  const [least, most, apply] = FUNCTIONS.get(name) ?? [0, 0, () => undefined];
  if (args.length < least || args.length > most)
    throw fail(`'${name}' is called with ${args.length} arguments`);
  return apply(args);
}

type Apply = (args: unknown[]) => unknown;
const MANY = Number.POSITIVE_INFINITY;

/** Least and most number of arguments, and the function. */
const FUNCTIONS: ReadonlyMap<string, [number, number, Apply]> = new Map<string, [number, number, Apply]>([
  ['json', [1, 1, ([value]) => JSON.stringify(value) ?? 'null']],
  ['index', [1, MANY, ([value, ...keys]) => keys.reduce(element, value)]],
  [
    'join',
    [2, 2, ([list, separator]) => (Array.isArray(list) ? list.map(show).join(show(separator)) : show(list))],
  ],
  ['len', [1, 1, ([value]) => lengthOf(value)]],
  ['lower', [1, 1, ([value]) => show(value).toLowerCase()]],
  ['upper', [1, 1, ([value]) => show(value).toUpperCase()]],
  ['println', [0, MANY, (args) => `${args.map(show).join(' ')}\n`]],
  ['eq', [2, MANY, ([first, ...others]) => others.some((other) => other === first)]],
  ['ne', [2, 2, ([a, b]) => a !== b]],
  ['not', [1, 1, ([value]) => !isTrue(value)]],
  ['and', [1, MANY, (args) => args[stop(args, false)]]],
  ['or', [1, MANY, (args) => args[stop(args, true)]]],
]);

/** Where `and` and `or` stop: at the first argument that decides, else at the last. */
function stop(args: unknown[], truth: boolean): number {
  const index = args.findIndex((arg) => isTrue(arg) === truth);
  return index < 0 ? args.length - 1 : index;
}

/** An element of a list, or a key of a map: '' where the map lacks it, as Go gives for a map of strings. */
function element(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= value.length)
      throw fail(`there is no element ${show(key)}`);
    return value[index];
  }
  const record = asRecord(value);
  if (record === undefined) throw fail(`'index' needs a list or a map, not ${show(value)}`);
  return Object.hasOwn(record, String(key)) ? record[String(key)] : '';
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  const record = asRecord(value);
  if (record === undefined) throw fail(`'len' needs a text, a list or a map, not ${show(value)}`);
  return Object.keys(record).length;
}
