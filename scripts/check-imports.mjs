#!/usr/bin/env node
/**
 * Checks the imports in src: each folder imports only from itself and from folders below it, the command line only from the
 * engine, spec and sys, no files import each other in a circle (by values, types or `import()`), and only one file imports
 * koffi. Prints each violation, and fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder to check; by default the one of this source tree. */
const SOURCES = process.argv[2] ?? join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');

/** Folders from the top to the bottom. */
const FOLDERS = [
  'page',
  'cli',
  'engine',
  'view',
  'lab',
  'explain',
  'doctor',
  'watch',
  'kube',
  'compose',
  'pod',
  'build',
  'container',
  'volume',
  'network',
  'image',
  'layers',
  'tar',
  'worker',
  'launch',
  'init',
  'plan',
  'spec',
  'sys',
];

/** Folders with a limited view of the others. */
const ONLY = { cli: ['cli', 'engine', 'spec', 'sys'], page: ['page', 'view', 'spec', 'sys'] };

/** The imports of each file, by its path below src. */
function readImports() {
  const files = readdirSync(SOURCES, { recursive: true }).filter((path) => path.endsWith('.ts'));
  return new Map(
    files.map((path) => {
      const text = readFileSync(join(SOURCES, path), 'utf8');
      const found = [...text.matchAll(/(?:from|import\(?)\s*'([^']+)'/g)].map(([, name]) => name);
      return [path, found.map((name) => (name.startsWith('.') ? resolved(path, name) : name))];
    }),
  );
}

function resolved(path, name) {
  return normalize(join(dirname(path), name)).replace(/\.js$/, '.ts');
}

function folderOf(path) {
  return path.split('/')[0];
}

function againstTheOrder(imports) {
  const faults = [];
  for (const [path, names] of imports) {
    const level = FOLDERS.indexOf(folderOf(path));
    if (level < 0)
      faults.push(`${path}: its folder has no place in the order of folders (scripts/check-imports.mjs)`);
    for (const name of names) {
      if (imports.has(name) && FOLDERS.indexOf(folderOf(name)) < level)
        faults.push(`${path} imports ${name}, but ${folderOf(name)} is above ${folderOf(path)}`);
      const only = ONLY[folderOf(path)];
      if (imports.has(name) && only !== undefined && !only.includes(folderOf(name)))
        faults.push(`${path} imports ${name}, but ${folderOf(path)} may import ${only.join(', ')} only`);
      if (name === 'koffi' && path !== 'sys/ffi.ts')
        faults.push(`${path} imports koffi: only sys/ffi.ts may`);
    }
  }
  return faults;
}

/** Strongly connected components of more than one file: Tarjan's algorithm. */
function circles(imports) {
  const order = new Map();
  const lowest = new Map();
  const stack = [];
  const found = [];
  const visit = (path) => {
    order.set(path, order.size);
    lowest.set(path, order.get(path));
    stack.push(path);
    for (const next of imports.get(path).filter((name) => imports.has(name))) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(path, Math.min(lowest.get(path), lowest.get(next)));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const circle = stack.splice(stack.indexOf(path));
    if (circle.length > 1) found.push(circle);
  };
  for (const path of imports.keys()) if (!order.has(path)) visit(path);
  return found.map((circle) => `these import each other in a circle: ${circle.sort().join(', ')}`);
}

const imports = readImports();
const faults = [...againstTheOrder(imports), ...circles(imports)];
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
