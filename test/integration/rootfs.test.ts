import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { RootsHome } from './support/roots.js';
import { memberBlocks, tar } from './support/tar.js';
import { waitUntil } from './support/wait.js';

/** Root filesystems by name, and what becomes of a making that is disturbed. */

test('busybox has all its applets, users and a place for temporary files', () => {
  const home = new RootsHome();
  const script =
    "id -un; ls -ld /root /tmp | cut -c 1-10; readlink /bin/ls; awk 'BEGIN {print 6 * 7}'; env -i sh -lc 'echo $PATH'";
  const { status, stdout, stderr } = home.run(['--rm', 'busybox', 'sh', '-c', script]);
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n').slice(0, 5), [
    'root',
    'drwx------',
    'drwxrwxrwt',
    'busybox',
    '42',
  ]);
  assert.match(stdout, /\/usr\/local\/sbin:.*:\/bin\n$/);
  assert.equal(status, 0);
});

test('host has a shell and programs that find their libraries', () => {
  const home = new RootsHome();
  const script = `
    ls --version | head -n 1; ps -o pid=,comm= 1; echo abc | sed s/b/x/ | grep x; bash -c 'echo \${BASH_VERSION%%.*}'
    for f in /usr/bin/* /usr/sbin/*; do test -e "$f" || echo "broken: $f"; done
    TERM=xterm tput cols >/dev/null && awk 'BEGIN {print "done"}'; stat -c %U /`;
  const { stdout, stderr } = home.run(['--rm', 'host', 'sh', '-c', script]);
  assert.equal(stderr, '');
  const lines = stdout.trim().split('\n');
  assert.match(lines[0] ?? '', /ls/);
  assert.match(lines[1] ?? '', /1 foster-init/);
  assert.deepEqual(
    lines.slice(2).map((line) => line.replace(/^\d+$/, 'N')),
    ['axc', 'N', 'done', 'root'],
  );
});

test('a recipe is built once, by many at once too', async () => {
  const home = new RootsHome();
  const runs = Array.from({ length: 4 }, () => home.start(['--rm', 'busybox', 'true']));
  for (const { ended } of runs) assert.deepEqual((await ended).stderr, '');
  assert.equal(home.roots().length, 1);
  const tree = `${home.cache}/${home.roots()[0]}/rootfs`;
  const inode = statSync(tree).ino;
  assert.equal(home.run(['--rm', 'busybox', 'true']).status, 0);
  assert.equal(statSync(tree).ino, inode);
});

test('a directory is used as it is, also one with the name of a recipe', () => {
  const home = new RootsHome();
  const root = home.path('busybox');
  mkdirSync(`${root}/bin`, { recursive: true });
  execFileSync('cp', ['/bin/busybox', `${root}/bin/sh`]);
  symlinkSync('busybox', home.path('link'));
  writeFileSync(`${root}/mark`, 'mine');
  for (const path of ['./busybox', root, './link']) {
    const { stdout, stderr } = home.run(
      ['--rm', path, 'sh', '-c', 'read -r line </mark; echo "$line"; : >/new'],
      { cwd: home.folder },
    );
    assert.deepEqual([stdout, stderr], ['mine\n', '']);
  }
  assert.equal(readFileSync(`${root}/mark`, 'utf8'), 'mine');
  assert.equal(statSync(`${root}/new`, { throwIfNoEntry: false }), undefined);
  assert.deepEqual(home.roots(), []);
});

test('a missing root', () => {
  const home = new RootsHome();
  const { status, stderr } = home.run(['--rm', './no-such-root', 'true']);
  assert.equal(status, 125);
  assert.match(
    stderr,
    /^foster: cannot use \.\/no-such-root as the root filesystem: .*ENOENT.*busybox, host, debian\n$/,
  );
});

/** The start of an archive on standard input, which foster then waits for the rest of. */
async function startUnpacking(home: RootsHome): Promise<ReturnType<RootsHome['start']>> {
  const running = home.start(['--rm', '-', 'true']);
  running.child.stdin.write(memberBlocks({ name: 'dir/file', content: 'x'.repeat(1 << 20), uid: 5 }));
  running.child.stdin.write(memberBlocks({ name: 'unfinished', size: 1 << 20 }));
  await waitUntil('the first file is unpacked', () => {
    const [folder] = home.roots();
    const info = statSync(`${home.cache}/${folder}/rootfs/dir/file`, { throwIfNoEntry: false });
    return info?.size === 1 << 20;
  });
  return running;
}

test('interrupted unpacking leaves nothing behind', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const home = new RootsHome();
    const running = await startUnpacking(home);
    running.signal(signal);
    const { status, stderr } = await running.ended;
    assert.deepEqual({ status, stderr }, { status: code, stderr: '' });
    assert.deepEqual(home.roots(), []);
    await home.assertNothingLeft();
  }
});

test('the remains of killed unpacking are removed by the next command', async () => {
  const home = new RootsHome();
  const running = await startUnpacking(home);
  running.signal('SIGKILL');
  await running.ended;
  await home.assertNothingLeft();
  assert.deepEqual(
    home.roots().map((name) => name.slice(0, 4)),
    ['tmp-'],
  );
  // The next archive is refused, but not before.
  assert.equal(home.run(['--rm', '-', 'true'], { input: tar({ name: '/x' }) }).status, 125);
  assert.deepEqual(home.roots(), []);
});

test('concurrent unpackings do not affect each other', async () => {
  const home = new RootsHome();
  const running = await startUnpacking(home);
  assert.equal(home.run(['--rm', '-', 'true'], { input: tar({ name: '/x' }) }).status, 125);
  assert.equal(home.roots().length, 1);
  running.child.stdin.end(); // truncated
  const { status, stderr } = await running.ended;
  assert.equal(status, 125);
  assert.match(stderr, /cannot unpack standard input: the tar archive is truncated/);
  assert.deepEqual(home.roots(), []);
});
