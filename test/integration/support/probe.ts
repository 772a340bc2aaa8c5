import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Home } from './foster.js';

/** Compiles NAME.c of this folder to a static program in the home's shared folder. Returns its path. */
export function compile(home: Home, name: string): string {
  const program = join(home.shared, name);
  const source = join(process.cwd(), `test/integration/support/${name}.c`);
  execFileSync('gcc', ['-static', '-Os', '-Wall', '-Wextra', '-Werror', '-o', program, source], {
    stdio: 'inherit',
  });
  return program;
}

/**
 * Compiles probe.c. Returns the flags that mount it, read-only, at /probe.
 *
 *     home.run(['--rm', ...probe(home), 'busybox', '/probe', 'orphans', '20000'])
 */
export function probe(home: Home): string[] {
  return ['-v', `${compile(home, 'probe')}:/probe:ro`];
}
