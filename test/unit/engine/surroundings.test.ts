import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** What only the command line, and programs of their own (NAME-main.ts), may touch: the caller's process is the caller's. */
const TOUCHES =
  /(?<![.\w])process\s*\??\.\s*(env|argv|exit|exitCode|stdout|stderr|stdin|on|once|off|addListener|prependListener)\b|\b(env|argv|exit|stdout|stderr|stdin|on)\b[^{};]*\}\s*=\s*process\b|node:process/g;

/** The default value of `new Foster()`. */
const ALLOWED = new Map([['src/engine/foster.ts', ['process.env']]]);

function codeOf(path: string): string {
  return readFileSync(path, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '');
}

function importsOf(path: string, code: string): string[] {
  const values = code.replace(/^(import|export) type .*?;$/gms, '');
  return [...values.matchAll(/(?:from|import\(|import)\s*'(\.[^']+)'/g)].map(([, name = '']) =>
    normalize(join(dirname(path), name)).replace(/\.js$/, '.ts'),
  );
}

/** All files that a file imports, directly or indirectly, by any kind of import. */
function reachable(from: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (path: string) => {
    if (found.has(path)) return;
    const code = codeOf(path);
    found.set(path, code);
    importsOf(path, code).forEach(visit);
  };
  visit(from);
  return found;
}

test('the engine does not use the environment, arguments, streams or signals of its process', () => {
  const files = reachable('src/engine/index.ts');
  assert.ok(files.size > 150, `${files.size} files`);
  assert.ok(files.has('src/sys/surroundings.ts') && files.has('rootfs/host.ts'));
  const faults = [...files].flatMap(([path, code]) => {
    const touched = [...code.matchAll(TOUCHES)].map(([text]) => text);
    return touched.filter((text) => !ALLOWED.get(path)?.includes(text)).map((text) => `${path}: ${text}`);
  });
  assert.deepEqual(faults, []);
});

test('the library contains nothing of the command line', () => {
  assert.deepEqual(
    [...reachable('src/engine/index.ts').keys()].filter((path) => path.startsWith('src/cli/')),
    [],
  );
});
