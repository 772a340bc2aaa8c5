import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
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
  execFileSync('npm', ['pack', '--no-audit', '--no-fund', '--loglevel=error', '--pack-destination', folder], {
    cwd: tree,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return { tarball: join(folder, `foster-${VERSION}.tgz`), tree };
}
