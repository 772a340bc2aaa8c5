import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VERSION } from '../../src/cli/version.js';
import { FOSTER, Home } from './support/foster.js';
import { packFoster } from './support/package.js';

/** The package as a user gets it: packed, then installed in a separate prefix from the tarball and the registry. */
let folder = '';
let installed = '';
let dist = '';
let tree = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'foster-package-'));
  const { tarball, tree: copy } = packFoster(folder);
  tree = copy;
  // No compiler on the PATH, and no install scripts: what the package needs must be in it.
  const bin = join(folder, 'bin');
  execFileSync('mkdir', [bin]);
  for (const name of ['node', 'npm', 'sh', 'readlink']) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
  }
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
  dist = join(prefix, 'lib/node_modules/foster/dist');
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
  assert.deepEqual(readdirSync(join(dist, process.arch)).toSorted(), ['foster-entry.so', 'foster-init']);
});

test('it has no fault points, which are for tests', () => {
  const home = new Home();
  const create = (program: string) =>
    spawnSync(program, ['create', 'busybox', 'true'], { env: { ...home.env, FOSTER_FAULT: '1' } });
  assert.equal(create(FOSTER).signal, 'SIGKILL', 'the build under test has some');
  const { status, stderr } = create(installed);
  assert.equal(status, 0, String(stderr));
  for (const file of readdirSync(dist))
    if (statSync(join(dist, file)).isFile())
      assert.ok(!readFileSync(join(dist, file)).includes('FOSTER_FAULT'), file);
});

test('make install by a user who cannot write to the folders of npm creates a link in ~/.local', () => {
  const env = { ...process.env, HOME: folder, npm_config_prefix: '/proc/sys' };
  const output = execFileSync('scripts/install', { cwd: tree, env, encoding: 'utf8' });
  const link = join(folder, '.local/bin/foster');
  assert.match(output, new RegExp(`^installed ${link}\\n.*export PATH=`));
  assert.equal(execFileSync(link, ['--version'], { encoding: 'utf8' }), `foster ${VERSION}\n`);
});

test('it loads koffi, and needs nothing from the source tree', () => {
  const output = execFileSync(installed, ['run', '--help'], { encoding: 'utf8' });
  assert.match(output, /Run a command in a new container/);
  const info = execFileSync(installed, ['info'], { encoding: 'utf8' });
  assert.ok(info.length > 0);
});
