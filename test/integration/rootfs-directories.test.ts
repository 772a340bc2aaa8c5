import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { BUSYBOX } from './support/roots.js';

/** Directories as ROOT. Those that only root can create are in rootfs-directories.root.test.ts. */
const home = new Home();
home.env.FOSTER_STORAGE_DRIVER = ''; // it is foster that is to choose
afterEach(() => home.assertNothingLeft());

function tree(path: string | Buffer): void {
  const at = (name: string) => Buffer.concat([Buffer.from(path as string), Buffer.from(`/${name}`)]);
  for (const name of ['', 'bin', 'etc']) mkdirSync(at(name), { recursive: true });
  copyFileSync(BUSYBOX, at('bin/busybox'));
  for (const name of ['sh', 'id', 'touch', 'cat']) symlinkSync('busybox', at(`bin/${name}`));
}

const SCRIPT = ['/bin/sh', '-c', 'id -u; touch /x /etc/x /bin/x'];

test('names with control characters, spaces, colons, commas, quotes and backslashes', () => {
  for (const name of ['a\x1b[2Jb', 'a b', 'a:b', 'a,b', 'a"b\'c', 'a\\b\\040c', 'ä€😀', ' ', '-', '%s']) {
    const path = join(home.shared, name);
    tree(path);
    const { status, stdout, stderr } = home.run(['--rm', path, ...SCRIPT]);
    assert.deepEqual([status, stdout, stderr], [0, '0\n', ''], JSON.stringify(name));
    assert.deepEqual(readdirSync(path).toSorted(), ['bin', 'etc'], 'what was given stays as it is');
    for (const driver of ['copy', 'fuse-overlayfs']) {
      const other = home.foster(['--storage-driver', driver, 'run', '--rm', path, ...SCRIPT]);
      assert.deepEqual([other.status, other.stdout], [0, '0\n'], `${driver}: ${other.stderr}`);
    }
  }
});

test('a path of nearly the maximum length', () => {
  let path = home.shared;
  while (path.length < 3800) {
    path = join(path, 'x'.repeat(Math.min(200, 3900 - path.length)));
    mkdirSync(path);
  }
  tree(path);
  const { status, stdout, stderr } = home.run(['--rm', path, ...SCRIPT]);
  assert.deepEqual([status, stdout, stderr], [0, '0\n', '']);
});

test('a name that is not UTF-8 is refused with advice that works', () => {
  const name = Buffer.concat([Buffer.from(join(home.shared, 'caf')), Buffer.from([0xe9])]);
  tree(name);
  // by a shell, since Node cannot name it
  for (const root of ['.', '"$PWD"', '../caf*']) {
    const script = `cd ${home.shared}/caf*; exec ${FOSTER} run --rm ${root} /bin/sh -c true`;
    const { status, stderr } = spawnSync('sh', ['-c', script], { env: home.env, encoding: 'utf8' });
    assert.equal(status, 125);
    assert.match(
      stderr,
      /^foster: cannot use .* as the root filesystem: its name is not UTF-8; .*: ln -s /,
      root,
    );
  }
  const link = join(home.shared, 'link');
  symlinkSync(name, link);
  const { status, stdout, stderr } = home.run(['--rm', link, ...SCRIPT]);
  assert.deepEqual([status, stdout, stderr], [0, '0\n', '']);
});

test('/ itself', () => {
  const { status, stdout, stderr } = home.run(['--rm', '/', ...SCRIPT]);
  assert.deepEqual([status, stdout], [0, '0\n'], stderr);
  assert.match(
    stderr,
    /^foster: warning: the kernel cannot mount an overlay over \/: there is a file system mounted on \/\S+; using fuse-overlayfs instead\n$/,
  );
  const inPids = home.run(['--rm', '--pid', 'host', '/', ...SCRIPT]);
  assert.deepEqual([inPids.status, inPids.stdout], [125, '']);
  assert.match(
    inPids.stderr,
    /^foster: cannot use \/ as the root filesystem: .*; use the root filesystem 'host', /,
  );
});
