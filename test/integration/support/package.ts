import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VERSION } from '../../../src/cli/version.js';

/** The environment for an `npm install`. scripts/test gives the certificates to npm only: any Node takes 50 ms to read them. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const { FOSTER_TEST_CERTIFICATES, ...env } = process.env;
  return { ...env, ...(FOSTER_TEST_CERTIFICATES && { NODE_EXTRA_CA_CERTS: FOSTER_TEST_CERTIFICATES }) };
}

/**
 * Packs foster in a copy of the source tree, because its build has no fault points, and would replace the one that
 * other tests use.
 * @returns the tarball in `folder`, and the copy
 */
export function packFoster(folder: string): { tarball: string; tree: string } {
  const tree = join(folder, 'tree');
  cpSync('.', tree, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !/^(node_modules|build|\.git)$/.test(path),
  });
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
  // what C files have been compiled to is kept under the digest of all that it depends on
  mkdirSync(join(tree, 'build'));
  symlinkSync(resolve('build/objects'), join(tree, 'build/objects'));
  // as `npm pack` does it, but for the build after it, by which a developer gets the fault points back
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  for (const words of [
    ['run', 'prepack'],
    ['pack', '--ignore-scripts', '--pack-destination', folder],
  ])
    execFileSync('npm', [...words, ...quiet], { cwd: tree, stdio: ['ignore', 'ignore', 'pipe'] });
  return { tarball: join(folder, `foster-${VERSION}.tgz`), tree };
}
