import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { FOSTER } from './support/foster.js';
import { BUSYBOX } from './support/roots.js';
import { DEADLINE } from './support/wait.js';

/** Directories with files of root's and of other groups, given as ROOT by a user who is neither. */
const USER = 'foster-visitor';
const GROUP = 12; // some group of the host that no container has
let home: string;
let uid: number;

before(() => {
  spawnSync('userdel', ['-f', USER]);
  execFileSync('useradd', ['--no-create-home', '--user-group', USER]); // with a range of ids: useradd(8)
  uid = Number(execFileSync('id', ['-u', USER], { encoding: 'utf8' }));
  home = mkdtempSync('/var/tmp/foster-visitor-');
  chmodSync(home, 0o755);
  mkdirSync(join(home, 'data'), { mode: 0o700 });
  chownSync(join(home, 'data'), uid, uid);
});

after(() => {
  rmSync(home, { recursive: true, force: true });
  spawnSync('userdel', ['-f', USER]);
});

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

const WITHOUT_FUSE = 'mount --bind /dev/null "$(command -v fuse-overlayfs)"';

/** Foster as the visitor, in a mount namespace that `prepare`, a shell script run by root, has changed. */
function foster(args: string[], prepare = ':'): Outcome {
  const script = `${prepare}; exec setpriv --reuid=${uid} --regid=${uid} --clear-groups "$0" "$@"`;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', script, FOSTER, ...args], {
    env: { PATH: process.env.PATH, HOME: join(home, 'data'), XDG_DATA_HOME: join(home, 'data') },
    cwd: '/',
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  return { status, stdout, stderr };
}

/** A small root filesystem of root's. */
function tree(name: string): string {
  const path = join(home, name);
  for (const part of ['', 'bin', 'etc', 'mnt']) mkdirSync(join(path, part), { mode: 0o755 });
  copyFileSync(BUSYBOX, join(path, 'bin/busybox'));
  for (const word of ['sh', 'id', 'touch', 'cat', 'ls']) symlinkSync('busybox', join(path, 'bin', word));
  return path;
}

function giveAway(path: string): void {
  execFileSync('chown', ['-R', `${uid}:${uid}`, path]);
}

const SCRIPT = 'id -u; touch /x /etc/x && cat /etc/hostname >&2 && echo works';

const CASES: { what: string; make: () => string; why: RegExp }[] = [
  {
    what: 'etc/ with a group that the container does not have',
    make() {
      const path = tree('group');
      giveAway(path);
      chownSync(join(path, 'etc'), uid, GROUP);
      return path;
    },
    why: /\/etc in it belongs to group 12, which the container does not have/,
  },
  {
    what: "all of it root's, without etc/hosts",
    make: () => tree('roots'),
    why: /\/etc in it belongs to user 0, which the container does not have/,
  },
  {
    what: 'a link in place of etc/resolv.conf, which is to be replaced',
    make() {
      const path = tree('link');
      for (const name of ['hosts', 'hostname']) writeFileSync(join(path, 'etc', name), '');
      symlinkSync('../run/resolv.conf', join(path, 'etc/resolv.conf'));
      return path;
    },
    why: /\/etc in it belongs to user 0/,
  },
];

for (const { what, make, why } of CASES) {
  test(`${what}: fuse-overlayfs or a copy does, and foster says so`, () => {
    const path = make();
    const fuse = foster(['run', '--rm', '-h', 'here', path, '/bin/sh', '-c', SCRIPT]);
    assert.deepEqual([fuse.status, fuse.stdout], [0, '0\nworks\n'], fuse.stderr);
    assert.match(
      fuse.stderr,
      /^foster: warning: the kernel cannot mount an overlay over [^\n]*; using fuse-overlayfs instead\nhere\n$/,
    );
    assert.match(fuse.stderr, why);
    const copy = foster(['run', '--rm', '-h', 'here', path, '/bin/sh', '-c', SCRIPT], WITHOUT_FUSE);
    assert.deepEqual([copy.status, copy.stdout], [0, '0\nworks\n'], copy.stderr);
    assert.match(copy.stderr, /^foster: warning: [^\n]*; using a copy instead\nhere\n$/);

    const asked = foster(['--storage-driver', 'overlay', 'run', '--rm', path, '/bin/id']);
    assert.equal(asked.status, 125);
    assert.match(asked.stderr, /^foster: cannot [^\n]*; [^\n]*"foster --storage-driver copy"[^\n]*\n$/);
  });
}

test('a container of such a directory is started, looked into and removed like any other', () => {
  const path = tree('kept');
  const made = foster(['run', '--name', 'kept', path, '/bin/touch', '/etc/new']);
  assert.equal(made.status, 0, made.stderr);
  assert.equal(foster(['start', '-a', 'kept']).status, 0);
  assert.match(foster(['diff', 'kept']).stdout, /^A \/etc\/new$/m);
  assert.deepEqual(foster(['rm', 'kept']), { status: 0, stdout: 'kept\n', stderr: '' });
});

test("a mount point to be created in a directory of root's", () => {
  const path = tree('mounts');
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(path, 'etc', name), '');
  const plain = foster(['run', '--rm', path, '/bin/id', '-u']);
  assert.deepEqual(
    plain,
    { status: 0, stdout: '0\n', stderr: '' },
    'all that is needed is there: an overlay',
  );
  const { status, stderr } = foster(['run', '--rm', '-v', '/usr:/mnt/a/b', path, '/bin/ls', '/mnt/a/b/bin']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /\/mnt in it belongs to user 0, .*using fuse-overlayfs instead/);
});

test('a file system mounted in it', () => {
  const path = tree('mounted');
  giveAway(path);
  const prepare = `mount -t tmpfs tmpfs '${path}/mnt'; echo inside > '${path}/mnt/file'`;
  const fuse = foster(['run', '--rm', path, '/bin/cat', '/mnt/file'], prepare);
  assert.deepEqual([fuse.status, fuse.stdout], [0, 'inside\n'], fuse.stderr);
  assert.match(
    fuse.stderr,
    /there is a file system mounted on \/var\/tmp\/foster-visitor-\w+\/mounted\/mnt; using fuse/,
  );
  const copy = foster(['run', '--rm', path, '/bin/ls', '-A', '/mnt'], `${prepare}; ${WITHOUT_FUSE}`);
  assert.deepEqual([copy.status, copy.stdout], [0, ''], copy.stderr);
  const whole = foster(['run', '--rm', '/', '/bin/true'], WITHOUT_FUSE);
  assert.equal(whole.status, 125);
  assert.match(
    whole.stderr,
    /^foster: cannot use \/ as the root filesystem: .*; use the root filesystem 'host', .* or install fuse-overlayfs\n$/,
  );
});

test("top or etc of root's with mode 700: an error says so, and its command helps", () => {
  for (const part of ['', 'etc']) {
    const path = tree(`shut-${part}`);
    chmodSync(join(path, part), 0o700);
    for (const driver of ['overlay', 'fuse-overlayfs', 'copy', undefined]) {
      const global = driver === undefined ? [] : ['--storage-driver', driver];
      const { status, stdout, stderr } = foster([...global, 'run', '--rm', path, '/bin/id']);
      assert.deepEqual([status, stdout], [125, '']);
      const shut = part === '' ? path : `${path}/${part}`;
      assert.equal(
        stderr,
        `foster: cannot use ${path} as the root filesystem: permission denied (EACCES): ${shut} belongs to user 0 and group 0 and has mode 0700; ` +
          `make a copy that belongs to you: sudo tar -C '${path}' -c . | foster run - COMMAND\n`,
      );
    }
    const archive = join(home, 'archive.tar');
    execFileSync('tar', ['-C', path, '-cf', archive, '.']);
    chmodSync(archive, 0o644);
    assert.deepEqual(foster(['run', '--rm', archive, '/bin/id', '-u']), {
      status: 0,
      stdout: '0\n',
      stderr: '',
    });
  }
});

test('files that only root can read are missing in a copy, with a warning', () => {
  const path = tree('secrets');
  mkdirSync(join(path, 'secret'));
  writeFileSync(join(path, 'secret/file'), 'x');
  writeFileSync(join(path, 'etc/shadow'), 'x', { mode: 0o600 });
  giveAway(path);
  for (const name of ['secret', 'etc/shadow']) chownSync(join(path, name), 0, 0);
  chmodSync(join(path, 'secret'), 0o700);
  const copy = foster([
    '--storage-driver',
    'copy',
    'run',
    '--rm',
    path,
    '/bin/ls',
    '/etc/shadow',
    '/secret/file',
  ]);
  assert.equal(copy.stdout, '');
  assert.match(
    copy.stderr,
    /^foster: warning: files that you cannot read are not in the container: 2 files, such as \/(etc\/shadow|secret); 'sudo tar/,
  );
  assert.deepEqual(foster(['run', '--rm', path, '/bin/id', '-u']), { status: 0, stdout: '0\n', stderr: '' });
});
