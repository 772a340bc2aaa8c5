import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';

/** -v, --mount, --tmpfs; and the overlay that all containers write to, on ext4 and tmpfs. */
const home = new Home();
const place = (name: string) => join(home.shared, name);

mkdirSync(place('folder/inner'), { recursive: true });
writeFileSync(place('folder/file'), 'content\n');
writeFileSync(place('file'), 'a file\n');
symlinkSync('file', place('link-to-file'));
symlinkSync('folder', place('link-to-folder'));
symlinkSync('nowhere', place('dangling'));
execFileSync('mkfifo', [place('fifo')]);

function output(script: string, flags: string[] = []): string {
  const { status, stdout, stderr } = home.shell(script, flags);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

function failure(flags: string[], expected: RegExp): void {
  const { status, stdout, stderr } = home.shell('true', flags);
  assert.deepEqual([stdout, status], ['', 125]);
  assert.match(stderr, expected);
  assert.equal(stderr.split('\n').length, 2, `one line: ${stderr}`);
  assert.deepEqual(home.leftFolders(), []);
}

test('-v: a folder, both ways', () => {
  assert.equal(
    output('cat /data/file; echo new > /data/made', ['-v', `${place('folder')}:/data`]),
    'content',
  );
  assert.equal(readFileSync(place('folder/made'), 'utf8'), 'new\n');
  assert.equal(statSync(place('folder/made')).uid, process.getuid?.(), "the container's root is the caller");
});

test('-v ...:ro is read-only', () => {
  const flags = ['-v', `${place('folder')}:/data:ro`];
  assert.equal(output('cat /data/file', flags), 'content');
  assert.match(home.shell('touch /data/x', flags).stderr, /Read-only file system/);
});

test('-v: a file, over an existing and a missing one', () => {
  const source = place('file');
  assert.equal(output('cat /etc/passwd', ['-v', `${source}:/etc/passwd:ro`]), 'a file');
  assert.equal(output('cat /new/place/for/it', ['-v', `${source}:/new/place/for/it`]), 'a file');
  assert.equal(output('cat /etc/hosts', ['-v', `${source}:/etc/hosts`]), 'a file', "in place of foster's");
});

test('-v: relative sources start at the working directory', () => {
  const result = home.shell('cat /d/file', ['-v', './folder:/d'], { cwd: home.shared });
  assert.equal(result.stdout, 'content\n');
});

test('-v: links are followed on the host, other kinds of files mounted as they are', () => {
  const flags = ['link-to-file', 'link-to-folder', 'fifo'].flatMap((name) => [
    '-v',
    `${place(name)}:/${name}`,
  ]);
  assert.equal(
    output('stat -c %F /link-to-file /link-to-folder /fifo', flags),
    'regular file\ndirectory\nfifo',
  );
});

test('-v: mounts below the source are included', () => {
  assert.equal(output('[ -e /h/self/mountinfo ] && echo yes', ['-v', '/proc:/h:ro']), 'yes');
});

test('-v: parents are mounted first, whatever the order', () => {
  const flags = ['-v', `${place('file')}:/m/inner/deep`, '-v', `${place('folder')}:/m`];
  assert.equal(output('cat /m/file /m/inner/deep', flags), 'content\na file');
});

test('--mount, as Docker writes it', () => {
  const source = place('folder');
  assert.equal(output('cat /d/file', ['--mount', `type=bind,source=${source},destination=/d`]), 'content');
  assert.match(
    home.shell('touch /d/x', ['--mount', `type=bind,src=${source},dst=/d,readonly`]).stderr,
    /Read-only/,
  );
  assert.equal(
    output('df /t | tail -n 1 | tr -s " " | cut -d " " -f 2; stat -c %a /t', [
      '--mount',
      'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700',
    ]),
    '1024\n700',
  );
});

test('--tmpfs: empty, world-writable and noexec by default', () => {
  assert.equal(output('ls -A /etc; stat -c %a /etc', ['--tmpfs', '/etc']), '1777');
  assert.match(output('grep " /t " /proc/mounts', ['--tmpfs', '/t']), / rw,nosuid,nodev,noexec,/);
  assert.equal(home.shell('cp /bin/busybox /t/true; /t/true', ['--tmpfs', '/t']).status, 126);
  assert.equal(home.shell('cp /bin/busybox /t/true; /t/true', ['--tmpfs', '/t:exec']).status, 0);
  assert.match(
    home.shell('dd if=/dev/zero of=/t/x bs=100k count=1', ['--tmpfs', '/t:size=64k']).stderr,
    /No space left/,
  );
});

test('--tmpfs and --mount type=tmpfs: each option has its effect', () => {
  const flags = ['--tmpfs', '/t:size=128k,nr_inodes=10,mode=0710,uid=5,gid=6,exec,suid,dev,noatime'];
  const script =
    'stat -c "%u:%g %a" /t; df /t | tail -n 1 | tr -s " " | cut -d " " -f 2; grep " /t " /proc/mounts';
  const [owner, size, line = ''] = output(script, flags).split('\n');
  assert.deepEqual([owner, size], ['5:6 710', '128']);
  assert.match(line, / rw,noatime,\S*size=128k,nr_inodes=10,mode=710,\S*/);
  assert.doesNotMatch(line, /nosuid|nodev|noexec/);
  assert.match(home.shell('touch /t/x', ['--tmpfs', '/t:ro']).stderr, /Read-only file system/);
  const many = home.shell('for i in 1 2 3 4 5 6 7 8 9 10; do touch /t/$i; done', [
    '--tmpfs',
    '/t:nr_inodes=5',
  ]);
  assert.match(many.stderr, /No space left/);
});

test('-v of a single file: a file that is replaced on the host stays as it was, one that is written to does not', () => {
  const source = place('single');
  writeFileSync(source, 'one\n');
  const flags = ['-v', `${source}:/etc/single:ro`, '-v', `${place('folder')}:/host`];
  writeFileSync(place('folder/new'), 'two\n');
  assert.equal(output('cat /etc/single; stat -c %F /etc/single', flags), 'one\nregular file');
  assert.equal(output(`echo more >> /w`, ['-v', `${source}:/w`]), '');
  assert.equal(readFileSync(source, 'utf8'), 'one\nmore\n');
});

test('bind propagation: each word of Docker is what the kernel has', () => {
  const kinds: [option: string, expected: RegExp][] = [
    ['private', / - /],
    ['rprivate', / - /],
    ['slave', / (master:\d+ )?- /],
    ['rslave', / (master:\d+ )?- /],
    ['shared', / shared:\d+ (master:\d+ )?- /],
    ['rshared', / shared:\d+ (master:\d+ )?- /],
  ];
  for (const [option, expected] of kinds)
    for (const flags of [
      ['-v', `${place('folder')}:/p:${option}`],
      ['--mount', `type=bind,src=${place('folder')},dst=/p,bind-propagation=${option}`],
      ['-v', `volume:/p:${option}`],
    ]) {
      const line = output('grep " /p " /proc/self/mountinfo', flags);
      assert.match(line.replace(/^.* \/p \S+/, ''), expected, flags.join(' '));
    }
  assert.equal(home.foster(['volume', 'rm', 'volume']).status, 0);
});

test('a mount that fails is reported in one sentence', () => {
  failure(
    ['-v', '/no/such/source:/x'],
    /^foster: --volume '\/no\/such\/source:\/x': \/no\/such\/source does not exist/,
  );
  failure(['-v', `${place('dangling')}:/x`], /dangling does not exist/);
  failure(['--mount', 'type=bind,src=/no/such/source,dst=/x'], /\/no\/such\/source does not exist/);
  failure(
    ['-v', `${place('file')}:/etc`],
    /^foster: cannot mount .*file at \/etc: is a directory \(EISDIR\).*; \/etc is a directory/,
  );
  failure(
    ['-v', `${place('folder')}:/etc/passwd`],
    /not a directory \(ENOTDIR\).*; \/etc\/passwd exists in the container and is not a directory/,
  );
  failure(['-v', `${place('folder')}:/`], /destination cannot be '\/'/);
  failure(['-v', `${place('folder')}:/a`, '--tmpfs', '/a'], /duplicate mount point: \/a/);
});

test('the caller opens what is mounted, but rights inside are those of the container', {
  skip: process.getuid?.() === 0,
}, () => {
  mkdirSync(place('private'), { recursive: true });
  writeFileSync(place('private/x'), '');
  chmodSync(place('private'), 0o700);
  assert.equal(output('ls /p', ['-v', `${place('private')}:/p`]), 'x');
  assert.notEqual(home.shell('ls /p', ['-u', '1000', '-v', `${place('private')}:/p`]).status, 0);
  failure(['-v', '/root/x:/p'], /\/root\/x does not exist/);
});

test('layers work on tmpfs and on the disk, in all combinations', () => {
  const memory = mkdtempSync('/dev/shm/foster-test-');
  after(() => rmSync(memory, { recursive: true, force: true }));
  const trees = { disk: join(home.folder, 'tree'), memory: join(memory, 'tree') };
  const busybox = readdirSync('/bin').includes('busybox') ? '/bin/busybox' : '/usr/bin/busybox';
  for (const tree of Object.values(trees)) {
    for (const name of ['bin', 'etc/keep', 'proc', 'dev', 'sys'])
      mkdirSync(join(tree, name), { recursive: true });
    execFileSync('cp', [busybox, join(tree, 'bin/busybox')]);
    symlinkSync('busybox', join(tree, 'bin/sh'));
    writeFileSync(join(tree, 'etc/lower'), 'lower\n');
    writeFileSync(join(tree, 'etc/keep/file'), '');
  }
  // Change a file, delete one, replace a folder (opaque), rename a file, link, attributes.
  const script = `
    export PATH=/bin; b=busybox
    $b echo upper >> /etc/lower && $b cat /etc/lower
    $b rm -r /etc/keep && $b mkdir /etc/keep && $b ls -A /etc/keep
    $b mv /etc/lower /etc/moved && $b ln /etc/moved /etc/hard && $b stat -c %h /etc/hard
    $b mkdir /d && $b mv /d /e && $b chown 7:8 /e && $b stat -c %u:%g /e`;
  for (const tree of Object.values(trees)) {
    const before = execFileSync('find', [tree, '-printf', '%P %s %T@ %m\n'], { encoding: 'utf8' });
    for (const data of [home.env.XDG_DATA_HOME ?? '', join(memory, 'data')]) {
      const result = home.run(['--rm', tree, 'sh', '-c', script], { env: { XDG_DATA_HOME: data } });
      assert.deepEqual([result.stderr, result.status], ['', 0], `${tree} with ${data}`);
      assert.equal(result.stdout, 'lower\nupper\n2\n7:8\n');
      assert.deepEqual(readdirSync(join(data, 'foster/containers')), []);
    }
    const now = execFileSync('find', [tree, '-printf', '%P %s %T@ %m\n'], { encoding: 'utf8' });
    assert.equal(now, before, 'the tree is as it was');
  }
});
