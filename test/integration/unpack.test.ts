import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { before, test } from 'node:test';
import { FOSTER } from './support/foster.js';
import { BUSYBOX, RootsHome } from './support/roots.js';
import { tar } from './support/tar.js';

const home = new RootsHome();
const path = (name: string) => home.path(name);
const run = (args: string[], input: string | Buffer = '') => home.run(['--rm', ...args], { input });
const long = `${'long/'.repeat(50)}name`;

/** A small root filesystem, with all that is hard to get right. */
before(() => {
  const source = path('source');
  mkdirSync(`${source}/bin`, { recursive: true });
  copyFileSync(BUSYBOX, `${source}/bin/busybox`);
  for (const name of ['sh', 'ls', 'cat', 'stat', 'touch', 'find', 'od', 'id']) {
    linkSync(`${source}/bin/busybox`, `${source}/bin/${name}`);
  }
  mkdirSync(`${source}/usr/lib`, { recursive: true });
  symlinkSync('usr/lib', `${source}/lib`);
  symlinkSync('/nowhere/../../outside', `${source}/dangling`);
  mkdirSync(`${source}/${long}`, { recursive: true });
  writeFileSync(`${source}/set-id`, 'x');
  chmodSync(`${source}/set-id`, 0o6755);
  mkdirSync(`${source}/closed`);
  writeFileSync(`${source}/closed/inside`, 'text');
  writeFileSync(Buffer.from(`${source}/\xff\xfe`, 'latin1'), 'x');
  execFileSync('mkfifo', [`${source}/fifo`]);
  utimesSync(`${source}/set-id`, 1, 1_234_567_890);
  utimesSync(`${source}/closed`, 1, 1_234_567_891);
  // Owners cannot be made by everybody; tar writes what it is told. The closed directory is read by tar as root only.
  const owned = ['--owner=33', '--group=44', '--numeric-owner', '--mode=u+rwX'];
  execFileSync('tar', ['-C', source, ...owned, '-cf', path('gnu.tar'), '.']);
  execFileSync('tar', ['-C', source, ...owned, '--format=pax', '-cf', path('pax.tar'), '.']);
  execFileSync('gzip', ['-k', path('gnu.tar')]);
  execFileSync('zstd', ['-q', path('gnu.tar')]);
});

for (const name of ['gnu.tar', 'pax.tar', 'gnu.tar.gz', 'gnu.tar.zst']) {
  test(`the files of ${name} are unchanged in the container`, () => {
    const script = `
      stat -c '%n %u:%g %a %Y %F' /set-id /closed /fifo
      stat -c '%n %h' /bin/sh; cat /closed/inside; echo
      stat -c '%N' /lib /dangling
      cd / && ls -d ${long} && find / -xdev -maxdepth 1 -name '?[!a-z]' | od -An -c`;
    const { status, stdout, stderr } = run([path(name), 'sh', '-c', script]);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.deepEqual(stdout.trim().split('\n'), [
      '/set-id 33:44 6755 1234567890 regular file',
      '/closed 33:44 755 1234567891 directory',
      `/fifo 33:44 ${statSync(path('source/fifo')).mode.toString(8).slice(-3)} ${Math.floor(statSync(path('source/fifo')).mtimeMs / 1000)} fifo`,
      '/bin/sh 9',
      'text',
      "'/lib' -> 'usr/lib'",
      "'/dangling' -> '/nowhere/../../outside'",
      long,
      '   / 377 376  \\n',
    ]);
  });
}

test('a tar file is unpacked once, whatever its name, and never changed', () => {
  const roots = home.roots().sort();
  const inode = statSync(`${home.cache}/${roots[0]}/rootfs`).ino;
  assert.equal(run([path('gnu.tar'), 'touch', '/new', '/etc']).status, 0);
  assert.deepEqual(run([path('gnu.tar'), 'ls', '/new']).stdout, '');
  copyFileSync(path('gnu.tar'), path('copy'));
  assert.equal(run([path('copy'), 'ls', '/set-id']).stdout, '/set-id\n');
  renameSync(path('copy'), path('moved'));
  assert.equal(run([path('moved'), 'ls', '/set-id']).stdout, '/set-id\n');
  assert.deepEqual(home.roots().sort(), roots);
  assert.equal(statSync(`${home.cache}/${roots[0]}/rootfs`).ino, inode);
});

test('a changed tar file is unpacked again', () => {
  const archive = (text: string) => {
    execFileSync('tar', ['-C', path('source'), '-cf', path('changing.tar'), 'bin']);
    writeFileSync(path('source/bin/file'), text);
    execFileSync('tar', ['-C', path('source'), '-rf', path('changing.tar'), 'bin/file']);
  };
  for (const text of ['one', 'two']) {
    archive(text);
    assert.equal(run([path('changing.tar'), 'cat', '/bin/file']).stdout, text);
  }
});

test('a tar on standard input, and in a named pipe', async () => {
  const archive = execFileSync('cat', [path('gnu.tar.gz')], { maxBuffer: 1e8 });
  assert.equal(run(['-', 'ls', '/set-id'], archive).stdout, '/set-id\n');
  const script = '"$0" run --rm - ls /set-id <"$1"';
  const fromFile = execFileSync('sh', ['-c', script, FOSTER, path('gnu.tar')], {
    env: home.env,
    encoding: 'utf8',
  });
  assert.equal(fromFile, '/set-id\n');
  // The container's own standard input is what is left of it: nothing.
  assert.deepEqual(run(['-i', '-', 'cat'], archive), { status: 0, signal: null, stdout: '', stderr: '' });
  execFileSync('mkfifo', [path('pipe')]);
  const writer = spawn('sh', ['-c', 'cat "$0" >"$1"', path('gnu.tar.zst'), path('pipe')]);
  assert.equal(run([path('pipe'), 'ls', '/set-id']).stdout, '/set-id\n');
  assert.equal(writer.exitCode ?? 0, 0);
});

test('later members replace earlier ones, and go through links that stay inside', () => {
  const busybox = execFileSync('cat', [BUSYBOX], { maxBuffer: 1e8 });
  const archive = tar(
    { name: 'bin/cat', content: busybox, mode: 0o755 },
    { name: 'one', content: 'first' },
    { name: 'hard', type: '1', target: 'one' },
    { name: 'one', content: 'second' },
    { name: 'usr/share', type: '5', mode: 0o755 },
    { name: 'share', type: '2', target: './usr/../usr/share' },
    { name: 'share/through', content: 'through' },
    { name: 'was-directory/deep/file', content: 'gone' },
    { name: 'was-directory', content: 'a file now' },
    { name: 'was-file', content: 'gone' },
    { name: 'was-file', type: '5', mode: 0o755 },
    { name: 'was-file/inside', content: 'inside' },
    { name: 'was-link', type: '2', target: 'usr' },
    { name: 'was-link', type: '5', mode: 0o755 },
    { name: 'was-link/own', content: 'own' },
  );
  const paths = [
    '/one',
    '/hard',
    '/usr/share/through',
    '/was-directory',
    '/was-file/inside',
    '/was-link/own',
  ];
  const { status, stdout, stderr } = run(['-', 'cat', ...paths], archive);
  assert.deepEqual(
    { status, stdout, stderr },
    { status: 0, stdout: 'secondfirstthrougha file nowinsideown', stderr: '' },
  );
});

test('a directory can be unwritable before its content arrives', () => {
  const busybox = execFileSync('cat', [BUSYBOX], { maxBuffer: 1e8 });
  const archive = tar(
    { name: './', type: '5', mode: 0o711, mtime: 7 },
    { name: 'closed', type: '5', mode: 0o400, mtime: 8, uid: 5, gid: 6 },
    { name: 'closed/inside', content: 'text', mode: 0, mtime: 9 },
    { name: 'bin/stat', content: busybox, mode: 0o755 },
  );
  const before = home.roots();
  const { stdout } = run(['-', 'stat', '-c', '%n %a %Y %u:%g', '/closed', '/closed/inside'], archive);
  const [made] = home.roots().filter((name) => !before.includes(name));
  const top = statSync(`${home.cache}/${made}/rootfs`);
  assert.deepEqual([top.mode & 0o7777, top.mtimeMs], [0o711, 7000]);
  assert.deepEqual(stdout.trim().split('\n'), ['/closed 400 8 5:6', '/closed/inside 0 9 0:0']);
});

test('device nodes in /dev are skipped', () => {
  const busybox = execFileSync('cat', [BUSYBOX], { maxBuffer: 1e8 });
  const archive = tar({ name: 'dev/sda', type: '4' }, { name: 'bin/ls', content: busybox, mode: 0o755 });
  const { status, stderr } = run(['-', 'ls', '/dev/sda'], archive);
  assert.deepEqual([status, stderr], [1, 'ls: /dev/sda: No such file or directory\n']);
});

test('nothing else is left in the cache', () => {
  assert.deepEqual(
    home.roots().filter((name) => !/^sha256-[0-9a-f]{64}-[0-9a-f]{8}$/.test(name)),
    [],
  );
  assert.deepEqual(readdirSync(`${home.cache}/locks`), []);
});
