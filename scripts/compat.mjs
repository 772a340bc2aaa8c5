#!/usr/bin/env node
/**
 * Compares foster with Docker and Podman.
 *
 *   scripts/compat.mjs [FILE...]   runs the rows of test/compat/FILE.txt (all) in $FOSTER and in Podman
 *   scripts/compat.mjs --docs      writes docs/compatibility.md
 *   scripts/compat.mjs --check     says what is in no row of the table, and whether docs/compatibility.md is current
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { document } from './compat-lib/document.mjs';
import { compare } from './compat-lib/run.mjs';
import { survey } from './compat-lib/survey.mjs';
import { ROOT } from './compat-lib/table.mjs';

const PAGE = join(ROOT, 'docs/compatibility.md');
const args = process.argv.slice(2);

if (args[0] === '--docs') writeFileSync(PAGE, document(await survey()));
else if (args[0] === '--check') {
  const result = await survey();
  const { problems } = result;
  if (readFileSync(PAGE, 'utf8') !== document(result))
    problems.push('docs/compatibility.md is old: run scripts/compat.mjs --docs');
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} else {
  const isSame = await compare(args, process.env.FOSTER ?? join(ROOT, 'dist/foster'));
  process.exitCode = isSame ? 0 : 1;
}
