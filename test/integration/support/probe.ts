import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Home } from './foster.js';

/**
 * Compiles probe.c into the home's shared folder. Returns the flags that mount it, read-only, at /probe.
 *
 *     home.run(['--rm', ...probe(home), 'busybox', '/probe', 'orphans', '20000'])
 */
export function probe(home: Home): string[] {
  const program = join(home.shared, 'probe');
  const source = join(process.cwd(), 'test/integration/support/probe.c');
  execFileSync('gcc', ['-static', '-Os', '-Wall', '-Wextra', '-Werror', '-o', program, source], {
    stdio: 'inherit',
  });
  return ['-v', `${program}:/probe:ro`];
}
