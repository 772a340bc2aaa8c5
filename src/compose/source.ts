import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
} from 'yaml';
import { FosterError } from '../sys/errors.js';
import { isObject, type Json, type JsonObject, type Path, pathText } from './json.js';
import { interpolateAt, type Variables } from './variables.js';

/** A document of a Compose file: what it says, and where. */
export interface Source {
  /** The name of the file, as errors show it. */
  name: string;
  /** Absolute path of the folder that its relative paths start from. */
  folder: string;
  tree: JsonObject;
  /** The values with the tag `!reset`, which remove what earlier files say, by `pathText`. */
  resets: ReadonlySet<string>;
  /** The values with the tag `!override`, which replace what earlier files say. */
  overrides: ReadonlySet<string>;
  positions: ReadonlyMap<string, string>;
}

/** A file before its variables are replaced. */
export interface ParsedFile {
  name: string;
  documents: { document: Document; lines: LineCounter }[];
}

/** A file of this size is no Compose file. */
const MOST_CHARACTERS = 4 * 1024 * 1024;
/** Aliases can make a small file as large as one likes. */
const MOST_NODES = 200_000;
const MOST_DEPTH = 60;

/** What a file is, for errors. */
const COMPOSE_FILE = { what: 'a Compose file', advice: 'a Compose file has services' };

/** @throws FosterError that names the file, the line and the column */
export function parseFile(text: string, name: string, { what, advice } = COMPOSE_FILE): ParsedFile {
  if (text.length > MOST_CHARACTERS) throw invalid(name, `it is too large for ${what}`);
  const lines = new LineCounter();
  const documents = documentsIn(text, name, lines);
  for (const { errors } of documents) {
    const [error] = errors;
    if (error === undefined) continue;
    const { line, col } = lines.linePos(error.pos[0]);
    throw invalid(`${name}:${line}:${col}`, `it is not valid YAML: ${lowerFirst(error.message)}`);
  }
  const whole = documents.filter(({ contents }) => contents !== null && !isEmptyScalar(contents));
  if (whole.length === 0) throw invalid(name, 'the file is empty', advice);
  return { name, documents: whole.map((document) => ({ document, lines })) };
}

/** The parser calls itself for each level, and its stack has an end. @throws FosterError */
function documentsIn(text: string, name: string, lineCounter: LineCounter): Document[] {
  const tooDeep = () => invalid(name, 'its lists and mappings are nested too deeply');
  try {
    const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false });
    const documents = 'empty' in parsed ? [] : parsed;
    if (documents.some(({ errors }) => errors.some(({ message }) => STACK_END.test(message))))
      throw tooDeep();
    return documents;
  } catch (error) {
    throw error instanceof RangeError ? tooDeep() : error;
  }
}

/** The parser makes an error of the document of it, in some of its parts. */
const STACK_END = /^Maximum call stack size exceeded/;

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function invalid(where: string, problem: string, advice?: string): FosterError {
  return new FosterError(`${where}: ${problem}`, {
    kind: 'invalid',
    exitCode: 1,
    ...(advice !== undefined && { advice }),
  });
}

/** The project's name that a file gives, before variables are replaced. */
export function nameIn({ documents }: ParsedFile): string | undefined {
  const names = documents.map(({ document }) => document.get('name'));
  const last = names.findLast((name) => typeof name === 'string');
  return typeof last === 'string' ? last : undefined;
}

/**
 * Replaces the variables of a file.
 * @param variables undefined for a file that has none
 * @throws FosterError that names the file, the line and the column
 */
export function resolveFile(
  { name, documents }: ParsedFile,
  folder: string,
  variables: Variables | undefined,
): Source[] {
  return documents.map(({ document, lines }) => {
    const conversion = new Conversion(document, name, lines, variables);
    const tree = conversion.convert(document.contents, [], 0);
    if (!isObject(tree)) throw notMapping(name, variables);
    const { resets, overrides, positions } = conversion;
    return { name, folder, tree, resets, overrides, positions };
  });
}

function notMapping(name: string, variables: Variables | undefined): FosterError {
  return variables === undefined
    ? invalid(`${name}:1:1`, 'expected a mapping')
    : invalid(`${name}:1:1`, 'expected a mapping with services', 'see docs/compose.md for an example');
}

class Conversion {
  readonly resets = new Set<string>();
  readonly overrides = new Set<string>();
  readonly positions = new Map<string, string>();
  #nodes = 0;

  constructor(
    readonly document: Document,
    readonly file: string,
    readonly lines: LineCounter,
    readonly variables: Variables | undefined,
  ) {}

  convert(node: unknown, path: Path, depth: number, place: unknown = node): Json {
    const text = pathText(path);
    this.positions.set(text, this.#position(place));
    if (++this.#nodes > MOST_NODES || depth > MOST_DEPTH)
      throw this.#error(path, 'its aliases and mappings make it too large');
    if (isAlias(node)) return this.convert(this.#target(node, path), path, depth + 1, node);
    const { tag } = (node ?? {}) as { tag?: string };
    if (tag === '!override') this.overrides.add(text);
    if (isSeq(node)) return node.items.map((item, index) => this.convert(item, [...path, index], depth + 1));
    if (isMap(node)) return this.#mapping(node.items, path, depth);
    if (isScalar(node)) return this.#scalar(node, path);
    return null;
  }

  #target(alias: Alias, path: Path): Node {
    const target = alias.resolve(this.document);
    if (target === undefined) throw this.#error(path, `there is no anchor &${alias.source} before it`);
    return target;
  }

  #mapping(pairs: readonly { key: unknown; value: unknown }[], path: Path, depth: number): JsonObject {
    const named = pairs.map(({ key, value }) => ({ key, value, name: this.#key(key, path) }));
    const merged = named.flatMap(({ name, value }) =>
      name === '<<' ? this.#merged(value, path, depth) : [],
    );
    const own: JsonObject = {};
    for (const { name, key, value } of named) {
      if (name === '<<') continue;
      if ((value as { tag?: string } | null)?.tag === '!reset') {
        this.resets.add(pathText([...path, name]));
        continue;
      }
      own[name] = this.convert(value, [...path, name], depth + 1);
      // a key is easier to find than its value, which may be empty or far below it
      if (!isScalar(value) || value.value === null)
        this.positions.set(pathText([...path, name]), this.#position(key));
    }
    return Object.assign({}, ...merged.reverse(), own);
  }

  /** The mappings of a merge key `<<`; the first has precedence. */
  #merged(value: unknown, path: Path, depth: number): JsonObject[] {
    const target = isAlias(value) ? this.#target(value, path) : value;
    const nodes = isSeq(target) ? target.items : [target];
    return nodes.map((node) => {
      const mapping = this.convert(node, path, depth + 1);
      if (!isObject(mapping)) throw this.#error(path, 'what is merged by << must be a mapping');
      return mapping;
    });
  }

  #key(key: unknown, path: Path): string {
    if (!isScalar(key)) throw this.#error(path, 'a key of a mapping must be a text');
    const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
    if (name === '__proto__') throw this.#error(path, 'the key __proto__ is not allowed');
    return name;
  }

  #scalar(node: Scalar, path: Path): Json {
    const { value, source = '' } = node;
    if (typeof value === 'string') {
      if (this.variables === undefined) return value;
      const text = interpolateAt(value, this.variables, () => this.#where(path));
      return text === value ? value : cast(text, path);
    }
    if (typeof value === 'number') {
      // as in YAML 1.1, and in all Compose files: the mode of a secret
      const number = OCTAL.test(source) ? Number.parseInt(source, 8) : value;
      if (!Number.isFinite(number)) throw this.#error(path, `${source} is not a number that can be used`);
      // in a file of Kubernetes, a number is no text: where one is wanted, it is refused
      return this.variables === undefined ? number : (exactText(number, source) ?? number);
    }
    return typeof value === 'boolean' ? value : null;
  }

  #position(node: unknown): string {
    const [start = 0] = (node as Node | null)?.range ?? [];
    const { line, col } = this.lines.linePos(start);
    return `${line}:${col}`;
  }

  #where(path: Path): string {
    return `${this.file}:${this.positions.get(pathText(path)) ?? '1:1'}: ${pathText(path)}`;
  }

  #error(path: Path, problem: string): FosterError {
    return invalid(this.#where(path), problem);
  }
}

const OCTAL = /^0[0-7]+$/;

/**
 * The digits of a whole number that a number of JavaScript can only come near to: an identifier that is to be a text, for example.
 * @returns undefined for a number that is what the file says
 */
function exactText(number: number, source: string): string | undefined {
  if (Number.isSafeInteger(number)) return undefined;
  if (OCTAL.test(source)) return String(BigInt(`0o${source}`));
  return /^([-+]?\d+|0o[0-7]+|0x[\da-fA-F]+)$/.test(source) ? String(BigInt(source)) : undefined;
}

/** The few fields that the schema does not allow to be text, which a variable always is. */
function cast(text: string, path: Path): Json {
  const field = path.at(-1);
  if (field === 'required' && (text === 'true' || text === 'false')) return text === 'true';
  if ((field === 'priority' || field === 'gw_priority') && /^-?\d{1,9}$/.test(text)) return Number(text);
  return text;
}

/** Where a value is, or the nearest above it: `compose.yaml:12:5`. */
export function positionIn({ name, positions }: Source, path: Path): string | undefined {
  const position = positions.get(pathText(path));
  return position === undefined ? undefined : `${name}:${position}`;
}

/**
 * The error for something in a file: `compose.yaml:12:5: services.web.ports[0]: PROBLEM`.
 * @param sources those that may have it; the last one counts
 */
export function errorAt(
  sources: readonly Source[],
  path: Path,
  problem: string,
  { advice, kind = 'invalid' }: { advice?: string | undefined; kind?: 'invalid' | 'unsupported' } = {},
): FosterError {
  return new FosterError(`${whereIn(sources, path)}: ${problem}`, {
    kind,
    exitCode: 1,
    ...(advice !== undefined && { advice }),
  });
}

/** `compose.yaml:12:5: services.web.ports[0]` */
export function whereIn(sources: readonly Source[], path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const above = path.slice(0, length);
    const found = sources.findLast((source) => positionIn(source, above) !== undefined);
    if (found !== undefined) return `${positionIn(found, above)}: ${pathText(path)}`;
  }
  const file = sources.at(-1)?.name;
  return file === undefined ? pathText(path) : `${file}: ${pathText(path)}`;
}
