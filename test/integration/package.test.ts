import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VERSION } from '../../src/cli/version.js';
import { testLibrary } from './package-library.js';
import { FOSTER, Home } from './support/foster.js';
import { npmEnvironment, packFoster } from './support/package.js';

/** The package as a user gets it: packed, then installed in a separate prefix from the tarball and the registry. */
let folder = '';
let tarball = '';
let installed = '';
let dist = '';
let tree = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'foster-package-'));
  ({ tarball, tree } = packFoster(folder));
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
    { env: { ...npmEnvironment(), PATH: bin }, stdio: ['ignore', 'ignore', 'inherit'] },
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
  assert.equal(output, `foster version ${VERSION}\n`);
  const { env } = new Home();
  const run = (...options: string[]) =>
    spawnSync(link, [...options, 'run', '--rm', '--network', 'none', 'busybox', 'true'], {
      env,
      encoding: 'utf8',
    });
  for (let time = 0; time < 2; time++) assert.equal(run().status, 0); // the first makes busybox, too
  assert.equal(run('--debug').stderr, 'foster: debug: done without Node\n');
});

test('it has the native files of this machine', () => {
  const files = readdirSync(join(dist, process.arch)).toSorted();
  assert.deepEqual(files, ['foster', 'foster-entry.so', 'foster-init']);
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
  assert.equal(execFileSync(link, ['--version'], { encoding: 'utf8' }), `foster version ${VERSION}\n`);
});

test('its manual pages are where man looks for them', () => {
  const { status, stdout } = spawnSync('man', ['foster-pod-create'], {
    env: { ...process.env, MANPATH: join(folder, 'prefix/share/man'), LC_ALL: 'C' },
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.match(stdout, /^FOSTER-POD-CREATE\(1\)/);
});

test('it has its license', () => {
  assert.match(readFileSync(join(dist, '..', 'LICENSE'), 'utf8'), /^MIT License/);
});

/** A copy of the sources as a fresh clone has them: nothing is installed or built. */
function freshClone(name: string): string {
  const clone = join(folder, name);
  cpSync('.', clone, { recursive: true, filter: (path) => !/^(node_modules|build|dist|\.git)$/.test(path) });
  return clone;
}

test('a fresh clone says what to do where something is missing, without a stack trace', () => {
  const clone = freshClone('clone');
  const { status, stderr } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: clone, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(
    stderr,
    'build: the dependencies are not installed: run make build, which installs them and builds\n',
  );
});

test('npm pack and make install in a folder or a home of somebody else say so', () => {
  const clone = freshClone('foreign');
  const run = (command: string, env: Record<string, string> = {}) =>
    spawnSync('sh', ['-c', command], { cwd: clone, env: { ...process.env, ...env }, encoding: 'utf8' });
  const packed = run('npm pack', { HOME: '/proc/sys', npm_config_cache: join(folder, 'cache') });
  assert.notEqual(packed.status, 0);
  assert.match(
    packed.stderr,
    /setup: you may not write to \/proc\/sys, where npm keeps its cache\.\n {2}Set HOME/,
  );
  chmodSync(clone, 0o555);
  try {
    for (const command of ['npm pack', 'make install']) {
      const { status, stderr } = run(command);
      assert.notEqual(status, 0, command);
      assert.match(
        stderr,
        /setup: you may not write to \S*foreign, and foster is built there\.\n {2}Clone it/,
      );
      assert.doesNotMatch(stderr, /EACCES|^ +at /m);
    }
  } finally {
    chmodSync(clone, 0o755);
  }
});

test('it loads koffi, and needs nothing from the source tree', () => {
  const output = execFileSync(installed, ['run', '--help'], { encoding: 'utf8' });
  assert.match(output, /Run a command in a new container/);
  const info = execFileSync(installed, ['info'], { encoding: 'utf8' });
  assert.ok(info.length > 0);
});

testLibrary(() => tarball);
