import { callFunction, FUNCTION_NAMES } from './functions.js';
import { type Node, type Pipeline, parseTemplate, type Term, templateError } from './parse.js';
import { asRecord, fieldOf, isTrue, show, showNil } from './values.js';

/**
 * The parts of Go's text/template that are usual with --format in Docker and Podman: fields, variables, pipelines, `range`,
 * `if`, `with`, `else`, and the functions of functions.ts. Templates within templates are not supported.
 */
export type Template = (data: unknown) => string;

/**
 * Parses a template once, to be rendered for many objects.
 * @throws FosterError for an invalid template; rendering throws one if a field does not exist
 */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source, FUNCTION_NAMES);
  return (data) => render(nodes, { data, variables: new Map([['$', { value: data }]]) });
}

/** The data at a position in a template. */
interface Scope {
  /** The value of `.`. */
  data: unknown;
  /** Variables. Those of outer scopes are shared, so that they can be assigned. */
  variables: Map<string, { value: unknown }>;
}

function within({ data, variables }: Scope): Scope {
  return { data, variables: new Map(variables) };
}

function declare({ variables }: Scope, name: string | undefined, value: unknown): void {
  if (name !== undefined) variables.set(name, { value });
}

function render(nodes: Node[], scope: Scope): string {
  return nodes.map((node) => renderNode(node, scope)).join('');
}

function renderNode(node: Node, scope: Scope): string {
  if (node.kind === 'text') return node.text;
  const value = evaluate(node.pipeline, scope);
  switch (node.kind) {
    case 'value':
      return value === null ? showNil(fieldName(node.pipeline)) : show(value);
    case 'assign': {
      const known = scope.variables.get(node.variable);
      if (node.isNew || known === undefined) declare(scope, node.variable, value);
      else known.value = value;
      return '';
    }
    case 'range': {
      const items = Object.entries(asRecord(value) ?? {});
      if (!Array.isArray(value)) items.sort(([a], [b]) => (a < b ? -1 : 1)); // as Go does
      if (items.length === 0) return render(node.otherwise, within(scope));
      const [first, second] = node.variables;
      return items
        .map(([key, item]) => {
          const inner = { ...within(scope), data: item };
          if (second !== undefined) declare(inner, first, Array.isArray(value) ? Number(key) : key);
          declare(inner, second ?? first, item);
          return render(node.body, inner);
        })
        .join('');
    }
    default: {
      const inner = within(scope);
      declare(inner, node.variables[0], value);
      if (!isTrue(value)) return render(node.otherwise, inner);
      return render(node.body, node.kind === 'with' ? { ...inner, data: value } : inner);
    }
  }
}

function evaluate(pipeline: Pipeline, scope: Scope): unknown {
  let piped: unknown[] = [];
  for (const [head, ...rest] of pipeline) {
    const args = [...rest.map((term) => termValue(term, scope)), ...piped];
    if (head === undefined) continue;
    if (head.kind === 'function') piped = [callFunction(head.name, args)];
    else if (head.kind === 'field') piped = [args.reduce(callField, termValue(head, scope))];
    else if (args.length > 0) throw templateError('a value is no function');
    else piped = [termValue(head, scope)];
  }
  return piped[0];
}

/** The name of the field that a pipeline ends with; undefined if it ends with a function. */
function fieldName(pipeline: Pipeline): string | undefined {
  const [head] = pipeline.at(-1) ?? [];
  return head?.kind === 'field' || head?.kind === 'variable' ? head.path.at(-1) : undefined;
}

/** `{{.Label "NAME"}}`: a field that takes an argument is a function in the data. */
function callField(value: unknown, argument: unknown): unknown {
  if (typeof value !== 'function') throw templateError('a field takes no argument');
  return value(argument);
}

function termValue(term: Term, scope: Scope): unknown {
  switch (term.kind) {
    case 'literal':
      return term.value;
    case 'group':
      return term.path.reduce(fieldOf, evaluate(term.pipeline, scope));
    case 'function':
      return callFunction(term.name, []);
    case 'variable':
      return term.path.reduce(fieldOf, scope.variables.get(term.name)?.value);
    case 'field':
      return term.path.reduce(fieldOf, scope.data);
  }
}
