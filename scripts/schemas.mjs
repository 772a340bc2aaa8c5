/**
 * Makes build/NAME-schema.cjs: a schema as functions, by ajv. They need neither ajv nor the schema, which take a third of a
 * second to load. A plugin for esbuild lets sources import them as `foster-NAME-schema`.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The schemas, by the names by which sources import the functions. */
const SCHEMAS = {
  'foster-compose-schema': { file: 'src/compose/schema/compose-spec.json', functions: composeFunctions },
  'foster-kube-schema': { file: 'src/kube/schema/kube.json', functions: kubeFunctions },
};

export const SCHEMA_MODULES = Object.keys(SCHEMAS);

/** One function for a whole document. */
function composeFunctions({ $schema: _, ...schema }) {
  // draft-07, by another address
  const ajv = new Ajv.default({ strict: false, logger: false, code: { source: true } });
  return standalone.default(ajv, ajv.compile(schema));
}

/** `kinds` has a function for each kind of object, `fields` the names of all fields. `refused` is a keyword of foster's: values but those in `allowed` are errors. */
function kubeFunctions(schema) {
  const options = { strict: false, logger: false, allErrors: true, verbose: true, code: { source: true } };
  const ajv = new Ajv.default(options);
  ajv.addKeyword({
    keyword: 'refused',
    macro: (_, { allowed = [] }) => (allowed.length === 0 ? { not: {} } : { enum: allowed }),
  });
  ajv.addSchema(schema, 'kube');
  const kinds = Object.keys(schema.definitions).filter((name) => /^[A-Z]/.test(name));
  const named = Object.fromEntries(kinds.map((kind) => [kind, `kube#/definitions/${kind}`]));
  const fields = JSON.stringify([...fieldNames(schema.definitions)]);
  return `${standalone.default(ajv, named)}\nmodule.exports = { kinds: { ...exports }, fields: ${fields} };\n`;
}

/** The names of all fields in definitions, to find what was probably meant. */
function fieldNames(definitions) {
  const parts = Object.values(definitions);
  return new Set(
    parts.flatMap(({ properties = {}, items }) => [
      ...Object.keys(properties),
      ...fieldNames(properties),
      ...(items === undefined ? [] : fieldNames({ items })),
    ]),
  );
}

/** The file of the functions of a schema, which is made if it is missing or old. */
export function schemaFile(name) {
  const { file, functions } = SCHEMAS[name];
  const schema = join(ROOT, file);
  const output = join(ROOT, 'build', `${name.slice('foster-'.length)}.cjs`);
  const changed = Math.max(statSync(schema).mtimeMs, statSync(fileURLToPath(import.meta.url)).mtimeMs);
  if (existsSync(output) && statSync(output).mtimeMs >= changed) return output;
  mkdirSync(dirname(output), { recursive: true });
  const fresh = `${output}.${process.pid}`;
  writeFileSync(fresh, functions(JSON.parse(readFileSync(schema, 'utf8'))));
  renameSync(fresh, output);
  return output;
}

export const WITH_SCHEMAS = {
  name: 'with-schemas',
  setup({ onResolve }) {
    onResolve({ filter: /^foster-\w+-schema$/ }, ({ path }) => ({ path: schemaFile(path) }));
  },
};
