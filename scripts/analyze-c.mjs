#!/usr/bin/env node
/**
 * Runs the analyzer of clang or gcc on the C sources: `scripts/analyze-c.mjs clang`. A file in which it has found nothing is
 * analyzed again only when the file, a header, the compiler or the options have changed; a file with a finding, always.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commonDigest, digestOf, isKept, openKept, ROOT } from './compile-c.mjs';

const ANALYZED = join(ROOT, 'build/analyzed');

/** The analyzers do not understand assembly. With FOSTER_FUZZ, system calls are unknown functions. */
const COMMON = ['-std=gnu11', '-ffreestanding', '-Wall', '-Wextra', '-Werror', '-DFOSTER_FUZZ'];

/**
 * clang looks at code that it has not seen before anything else: with the default, 225,000 states for a function, it reaches
 * the same blocks of the same functions as with 60,000 (checker debug.Stats), and takes three times as long.
 */
const FLAGS = {
  clang: [
    '--analyze',
    ...['--analyzer-output', 'text'],
    ...['-Xclang', '-analyzer-werror', '-Xclang', '-analyzer-config', '-Xclang', 'max-nodes=60000'],
    ...COMMON,
  ],
  gcc: ['-Os', '-fanalyzer', '-c', '-o', '/dev/null', ...COMMON],
};

const [compiler] = process.argv.slice(2);
const flags = FLAGS[compiler];
if (flags === undefined) throw new Error('expected an argument: clang or gcc');
openKept(ANALYZED);
const common = commonDigest(compiler);
for (const folder of ['src/init', 'src/init/front']) {
  for (const name of readdirSync(join(ROOT, folder)).filter((each) => each.endsWith('.c'))) {
    const source = join(folder, name);
    const passed = join(ANALYZED, digestOf(common, source, flags));
    if (isKept(passed)) continue;
    const { status, error } = spawnSync(compiler, [...flags, source], { stdio: 'inherit', cwd: ROOT });
    if (error) throw error;
    if (status !== 0) process.exitCode = 1;
    else writeFileSync(passed, '');
  }
}
