import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VERSION } from '../../src/cli/version.js';

/** The package as a user gets it: packed, then installed below a prefix of its own from the tarball and the registry. */
let folder = '';
let installed = '';

function npm(...args: string[]): string {
  return execFileSync('npm', ['--no-audit', '--no-fund', '--loglevel=error', ...args], { encoding: 'utf8' });
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'foster-package-'));
  npm('pack', '--pack-destination', folder);
  // No compiler on the PATH, and no install scripts: what the package needs must be in it.
  const bin = join(folder, 'bin');
  execFileSync('mkdir', [bin]);
  for (const name of ['node', 'npm', 'sh', 'readlink']) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
  }
  const tarball = join(folder, `foster-${VERSION}.tgz`);
  const prefix = join(folder, 'prefix');
  execFileSync(
    join(bin, 'npm'),
    [
      'install',
      '--global',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--fetch-retries=1',
      '--prefix',
      prefix,
      tarball,
    ],
    { env: { ...process.env, PATH: bin }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  installed = join(prefix, 'bin', 'foster');
});

after(() => rmSync(folder, { recursive: true, force: true }));

test('the installed command knows its version', () => {
  assert.match(execFileSync(installed, ['version'], { encoding: 'utf8' }), new RegExp(`^foster ${VERSION},`));
});

test('it works through another symbolic link, and from another directory', () => {
  const link = join(folder, 'link-to-foster');
  symlinkSync('prefix/bin/foster', link);
  const output = execFileSync('../link-to-foster', ['--version'], {
    cwd: join(folder, 'bin'),
    encoding: 'utf8',
  });
  assert.equal(output, `foster ${VERSION}\n`);
});

test('it has the native files of this machine', () => {
  const dist = join(folder, 'prefix/lib/node_modules/foster/dist');
  assert.deepEqual(readdirSync(join(dist, process.arch)).toSorted(), ['foster-entry.so', 'foster-init']);
});

test('it loads koffi, and needs nothing of the source tree', () => {
  const output = execFileSync(installed, ['run', '--help'], { encoding: 'utf8' });
  assert.match(output, /Run a command in a new container/);
  const info = execFileSync(installed, ['info'], { encoding: 'utf8' });
  assert.ok(info.length > 0);
});
