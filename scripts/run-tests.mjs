#!/usr/bin/env node
/**
 * Runs compiled test files, so many at a time, in the order of the arguments: `scripts/run-tests.mjs 4 FILE...`. `node --test`
 * would start them in the order of their names. Prints results to stdout, and TAP to stderr.
 */
import { resolve } from 'node:path';
import { compose } from 'node:stream';
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';
import slowFiles from './slow-files.mjs';

const [concurrency, ...files] = process.argv.slice(2);
const events = run({ files: files.map((file) => resolve(file)), concurrency: Number(concurrency) });
events.setMaxListeners(0); // each reporter adds some
events.on('test:fail', () => {
  process.exitCode = 1;
});
for (const [reporter, output] of [
  [new spec(), process.stdout],
  [slowFiles, process.stdout],
  [tap, process.stderr],
])
  compose(events, reporter).pipe(output);
