#!/usr/bin/env node
/**
 * Compares foster with Docker and Podman.
 *
 *   scripts/compat [FILE...]            runs the rows of test/compat/FILE.txt (all) in foster and, if installed, in Podman
 *   scripts/compat --recorded [FILE...] runs them in foster only, and compares with the record of Podman's last run
 *   scripts/compat --record [FILE...]   runs them in both, and records Podman's outcomes in test/compat/podman.json
 *   scripts/compat ... --landed         removes the mark "later" from rows that work
 *   scripts/compat --docs               writes docs/compatibility.md
 *   scripts/compat --check              reports what is missing in the table, and whether docs/compatibility.md is current
 */
import { spawnSync } from 'node:child_process';
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
  const files = args.filter((arg) => !arg.startsWith('-'));
  const records = args.includes('--record');
  const isLive = records || (!args.includes('--recorded') && spawnSync('podman', ['--version']).status === 0);
  const isSame = await compare(files, process.env.FOSTER ?? join(ROOT, 'dist/foster'), {
    isLive,
    records,
    landed: args.includes('--landed'),
  });
  process.exitCode = isSame ? 0 : 1;
}
