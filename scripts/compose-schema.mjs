/**
 * Makes build/compose-schema.cjs: the schema of Compose files as a function, by ajv. The function needs neither ajv nor the
 * schema, which take a third of a second to load. A plugin for esbuild lets sources import it as `foster-compose-schema`.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SCHEMA = join(ROOT, 'src', 'compose', 'schema', 'compose-spec.json');
const OUTPUT = join(ROOT, 'build', 'compose-schema.cjs');

/** The file of the function, which is made if it is missing or old. */
export function composeSchema() {
  const changed = Math.max(statSync(SCHEMA).mtimeMs, statSync(fileURLToPath(import.meta.url)).mtimeMs);
  if (existsSync(OUTPUT) && statSync(OUTPUT).mtimeMs >= changed) return OUTPUT;
  const { $schema: _, ...schema } = JSON.parse(readFileSync(SCHEMA, 'utf8')); // draft-07, by another address
  const ajv = new Ajv.default({ strict: false, logger: false, code: { source: true } });
  mkdirSync(dirname(OUTPUT), { recursive: true });
  const fresh = `${OUTPUT}.${process.pid}`;
  writeFileSync(fresh, standalone.default(ajv, ajv.compile(schema)));
  renameSync(fresh, OUTPUT);
  return OUTPUT;
}

export const WITH_COMPOSE_SCHEMA = {
  name: 'with-compose-schema',
  setup({ onResolve }) {
    onResolve({ filter: /^foster-compose-schema$/ }, () => ({ path: composeSchema() }));
  },
};
