import { dirname, resolve } from 'node:path';
import { FosterError } from '../sys/errors.js';
import { canonicalResource, canonicalService } from './canonical.js';
import { type Caller, type Environment, readEnvFiles, readText, shown } from './discover.js';
import { isObject, isSame, type Json, type JsonObject, type Path } from './json.js';
import { merged } from './merge.js';
import { Place } from './place.js';
import { checkSchema } from './schema/check.js';
import { errorAt, type ParsedFile, parseFile, resolveFile, type Source } from './source.js';
import { variablesOf } from './variables.js';

/** The kinds of things that a file defines at its top level. */
const KINDS = ['services', 'networks', 'volumes', 'secrets', 'configs'] as const;

/** What all files of a project say together, in long forms. */
export interface Model {
  services: JsonObject;
  networks: JsonObject;
  volumes: JsonObject;
  secrets: JsonObject;
  configs: JsonObject;
  /** `x-` fields. */
  extensions: JsonObject;
  /** The documents, in order; for errors. */
  sources: Source[];
}

/** How files are read. */
export interface Reading {
  /** Absolute path: relative paths start there. */
  folder: string;
  env: Environment;
  caller: Caller;
  home: string;
}

/** More files than any project has; a file that includes itself would have no end. */
const MOST_INCLUDES = 100;

/** @param file absolute path, or `-` for standard input. @throws FosterError */
export function parseComposeFile(file: string, { caller }: Pick<Reading, 'caller'>): ParsedFile {
  return parseFile(
    file === '-' ? caller.readInput() : readText(file),
    file === '-' ? 'standard input' : shown(file, caller.cwd),
  );
}

/** Reads files that belong together, in their order: later ones change what earlier ones say. @throws FosterError */
export function loadModel(
  files: readonly { file: string; parsed: ParsedFile }[],
  reading: Reading,
  above: readonly string[] = [],
): Model {
  const variables = variablesOf(reading.env, reading.caller.warn);
  let model = empty();
  for (const { file, parsed } of files) {
    for (const source of resolveFile(parsed, reading.folder, variables)) {
      checkSchema(source);
      const own = canonicalModel(source, reading);
      const extended = withExtended(own, model, source, { ...reading, file, above });
      const whole = withIncluded(extended, source, reading, [...above, file]);
      model = mergedModel(model, whole, source);
    }
  }
  return model;
}

function empty(): Model {
  return { services: {}, networks: {}, volumes: {}, secrets: {}, configs: {}, extensions: {}, sources: [] };
}

function canonicalModel(source: Source, { home }: Reading): Model {
  const { tree } = source;
  const model = empty();
  for (const kind of KINDS) {
    const raw = tree[kind];
    if (!isObject(raw)) continue;
    for (const [name, one] of Object.entries(raw)) {
      if (name.startsWith('x-')) continue;
      const at = new Place(source, [kind, name], home);
      model[kind][name] =
        kind === 'services'
          ? canonicalService(isObject(one) ? one : {}, at)
          : canonicalResource(kind, one, at);
    }
  }
  model.extensions = Object.fromEntries(Object.entries(tree).filter(([key]) => key.startsWith('x-')));
  model.sources = [source];
  return model;
}

function mergedModel(earlier: Model, later: Model, source: Source): Model {
  const result = { ...earlier, sources: [...earlier.sources, ...later.sources] };
  for (const kind of KINDS) result[kind] = merged(earlier[kind], later[kind], source, [kind]);
  result.extensions = { ...earlier.extensions, ...later.extensions };
  return result;
}

interface Extending extends Reading {
  /** The file that is being read. */
  file: string;
  above: readonly string[];
}

/** Replaces each `extends` by what is extended. */
function withExtended(own: Model, earlier: Model, source: Source, context: Extending): Model {
  const others: Source[] = [];
  const resolved = new Map<string, JsonObject>();
  const resolveService = (name: string, trail: readonly string[]): JsonObject => {
    const known = resolved.get(name);
    if (known !== undefined) return known;
    const service = own.services[name] ?? earlier.services[name];
    if (!isObject(service)) throw new Error(`no service ${name}`);
    const { extends: wanted, ...rest } = service;
    if (wanted === undefined || own.services[name] === undefined) return rest;
    const path: Path = ['services', name, 'extends'];
    if (trail.includes(name))
      throw errorAt([source], path, `services extend each other in a circle: ${[...trail, name].join(', ')}`);
    const base = extendedService(wanted, path, [...trail, name]);
    const whole = merged(base, rest, source, ['services', name]);
    resolved.set(name, whole);
    return whole;
  };
  const extendedService = (wanted: Json, path: Path, trail: readonly string[]): JsonObject => {
    const { service, file } = isObject(wanted) ? wanted : { service: wanted, file: undefined };
    const name = String(service);
    if (typeof file !== 'string') {
      if (own.services[name] !== undefined || earlier.services[name] !== undefined)
        return resolveService(name, trail);
      throw errorAt([source], path, `there is no service ${JSON.stringify(name)} to extend`);
    }
    const other = resolve(source.folder, file);
    const mark = `${other}#${name}`;
    if (context.above.includes(mark))
      throw errorAt(
        [source],
        path,
        `services extend each other in a circle, by ${shown(other, context.caller.cwd)}`,
      );
    const model = loadOther(other, path, mark);
    const found = model.services[name];
    if (!isObject(found))
      throw errorAt(
        [source],
        path,
        `there is no service ${JSON.stringify(name)} in ${shown(other, context.caller.cwd)}`,
      );
    others.push(...model.sources);
    return found;
  };
  const loadOther = (file: string, path: Path, mark: string): Model => {
    try {
      const parsed = parseComposeFile(file, context);
      return loadModel([{ file, parsed }], { ...context, folder: dirname(file) }, [...context.above, mark]);
    } catch (error) {
      if (error instanceof FosterError && error.kind === 'not-found' && error.message.includes(file))
        throw errorAt([source], path, error.message);
      throw error;
    }
  };
  const services = Object.fromEntries(
    Object.keys(own.services).map((name) => [name, resolveService(name, [])]),
  );
  return { ...own, services, sources: [...others, ...own.sources] };
}

/** Adds the projects that a file includes. */
function withIncluded(own: Model, source: Source, reading: Reading, above: readonly string[]): Model {
  const { include } = source.tree;
  if (!Array.isArray(include)) return own;
  let model = own;
  for (const [index, entry] of include.entries()) {
    const path: Path = ['include', index];
    const included = includedModel(entry, path, source, reading, above);
    for (const kind of KINDS) {
      for (const [name, one] of Object.entries(included[kind])) {
        const other = model[kind][name];
        if (other !== undefined && !isSame(other, one))
          throw errorAt(
            [source],
            path,
            `it defines ${kind.slice(0, -1)} ${name}, which is defined differently here`,
            {
              advice: 'change an included service in compose.override.yaml, or with another -f',
            },
          );
      }
      model = { ...model, [kind]: { ...included[kind], ...model[kind] } };
    }
    model = { ...model, sources: [...included.sources, ...model.sources] };
  }
  return model;
}

function includedModel(
  entry: Json,
  path: Path,
  source: Source,
  reading: Reading,
  above: readonly string[],
): Model {
  const said = isObject(entry) ? entry : { path: entry };
  const texts = (value: Json | undefined): string[] =>
    value === undefined || value === null ? [] : [value].flat().map(String);
  const files = texts(said.path).map((file) => resolve(source.folder, file));
  const [first] = files;
  if (first === undefined) throw errorAt([source], path, 'path is missing');
  if (/^[a-z]+:\/\//.test(String(texts(said.path)[0])))
    throw errorAt([source], path, 'files of other machines are not included', {
      kind: 'unsupported',
      advice: 'download it first',
    });
  const circle = files.find((file) => above.includes(file));
  if (circle !== undefined || above.length > MOST_INCLUDES)
    throw errorAt(
      [source],
      path,
      `files include each other in a circle, by ${shown(circle ?? first, reading.caller.cwd)}`,
    );
  const folder = resolve(source.folder, texts(said.project_directory)[0] ?? dirname(first));
  const given = texts(said.env_file).map((file) => resolve(source.folder, file));
  const env = readEnvFiles(given.length > 0 ? given : ownEnvFile(folder), reading.env, reading.caller.cwd);
  const parsed = files.map((file) => ({ file, parsed: parseComposeFile(file, reading) }));
  return loadModel(parsed, { ...reading, folder, env }, [...above, ...files]);
}

function ownEnvFile(folder: string): string[] {
  const file = resolve(folder, '.env');
  try {
    readText(file);
    return [file];
  } catch {
    return [];
  }
}
