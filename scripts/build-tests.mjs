#!/usr/bin/env node
/**
 * Compiles test/FOLDER/NAME.test.ts to build/test/FOLDER.NAME.test.mjs, because Node 20 cannot run TypeScript. The native
 * files are linked next to them, as in dist/.
 */
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { WITH_SCHEMAS } from './schemas.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OUTPUT = join(ROOT, 'build', 'test');

function entryPoints() {
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true }).filter((path) =>
    path.endsWith('.test.ts'),
  );
  return Object.fromEntries(
    tests.map((path) => [path.slice(0, -'.ts'.length).replaceAll('/', '.'), join('test', path)]),
  );
}

/** CommonJS variables that the sources expect. */
const COMMONJS = `
import { createRequire as fosterCreateRequire } from 'node:module';
const require = fosterCreateRequire(import.meta.url), __dirname = import.meta.dirname;`;

rmSync(OUTPUT, { recursive: true, force: true });
mkdirSync(OUTPUT, { recursive: true });
symlinkSync(join('..', '..', 'dist', process.arch), join(OUTPUT, process.arch));
await build({
  absWorkingDir: ROOT,
  entryPoints: entryPoints(),
  outdir: OUTPUT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  banner: { js: COMMONJS },
  external: ['koffi', '@koromix/*'],
  plugins: [WITH_SCHEMAS],
  logLevel: 'warning',
});
