import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BuildHome, FROM } from './support/build.js';
import { tar } from './support/tar.js';

/** What COPY and ADD do with files. */

const home = new BuildHome();

/** Paths, types and modes below a directory of the image. */
function tree(context: string, directory: string): string[] {
  const script = `cd ${directory} && find . ! -name . | sort | while read f; do stat -c '%n %A %u:%g' "$f"; done`;
  return home.outputOf(context, script).split('\n').filter(Boolean);
}

test('where files go', () => {
  const context = home.context({
    Dockerfile: `${FROM}
RUN mkdir -p /t/existing /t/real && ln -s real /t/link && touch /t/file
COPY a /t/b
COPY a /t/existing
COPY a /t/made/
COPY a d/*.txt /t/several/
COPY d /t/d
COPY d /t/existing/d/
COPY d/. /t/link/
COPY ["with space", "/t/with space/"]
COPY a /t/file
COPY . /t/all/
`,
    a: 'a',
    'd/x.txt': 'x',
    'd/y.txt': 'y',
    'd/e/z': 'z',
    'with space': 's',
  });
  assert.equal(
    home.outputOf(context, 'cd /t && find . -type f | sort && cat file && ls -ld link | cut -c1'),
    './all/Dockerfile ./all/a ./all/d/e/z ./all/d/x.txt ./all/d/y.txt'.split(' ').join('\n') +
      '\n./all/with space\n' +
      './b ./d/e/z ./d/x.txt ./d/y.txt ./existing/a ./existing/d/e/z ./existing/d/x.txt ./existing/d/y.txt ./file ./made/a'
        .split(' ')
        .join('\n') +
      '\n./real/e/z\n./real/x.txt\n./real/y.txt\n./several/a\n./several/x.txt\n./several/y.txt\n./with space/with space\na' +
      'l\n',
  );
});

test('owners, modes, links, times', () => {
  const context = home.context({
    Dockerfile: `${FROM}
RUN echo me:x:70:70::/:/bin/sh >> /etc/passwd && echo us:x:71: >> /etc/group
COPY d /t/
COPY --chown=me:us d/f /t/named
COPY --chown=me d/f /t/primary
COPY --chown=80 --chmod=640 d/f /t/made/number
COPY --chmod=711 d /t/moded
`,
    'd/f': 'f',
    'd/run': '#!/bin/sh',
  });
  chmodSync(join(context, 'd/run'), 0o755);
  chmodSync(join(context, 'd/f'), 0o604);
  symlinkSync('f', join(context, 'd/link'));
  symlinkSync('/etc/passwd', join(context, 'd/out'));
  linkSync(join(context, 'd/f'), join(context, 'd/hard'));
  utimesSync(join(context, 'd/f'), 1e9, 1e9);
  assert.deepEqual(tree(context, '/t'), [
    './f -rw----r-- 0:0',
    './hard -rw----r-- 0:0',
    './link lrwxrwxrwx 0:0',
    './made drwxr-xr-x 80:80',
    './made/number -rw-r----- 80:80',
    './moded drwx--x--x 0:0',
    './moded/f -rwx--x--x 0:0',
    './moded/hard -rwx--x--x 0:0',
    './moded/link lrwxrwxrwx 0:0',
    './moded/out lrwxrwxrwx 0:0',
    './moded/run -rwx--x--x 0:0',
    './named -rw----r-- 70:71',
    './out lrwxrwxrwx 0:0',
    './primary -rw----r-- 70:70',
    './run -rwxr-xr-x 0:0',
  ]);
  assert.equal(
    home.outputOf(context, 'stat -c %Y /t/f; stat -c %h /t/f /t/hard; readlink /t/out'),
    '1000000000\n2\n2\n/etc/passwd\n',
  );
});

test('a link in the context does not lead out of it', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nCOPY in /in\nCOPY dir/x /x\n`,
    real: 'r',
    'other/x': 'x',
  });
  symlinkSync('real', join(context, 'in'));
  symlinkSync('/other', join(context, 'dir')); // absolute: from the context's top on
  assert.equal(home.outputOf(context, 'cat /in /x'), 'rx');
  symlinkSync('../../../../../../etc/hostname', join(context, 'out'));
  writeFileSync(join(context, 'Dockerfile'), `${FROM}\nCOPY out /out\n`);
  assert.match(home.build(context).stderr, /Dockerfile:2: out: not found/);
});

test('files in the ignore file are excluded', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nCOPY . /t/\n`,
    '.dockerignore': '# comment\n**/*.log\nnode_modules\n!keep.log\nDockerfile\n.dockerignore\n',
    'a.log': '',
    'keep.log': '',
    'd/b.log': '',
    'd/c': '',
    'node_modules/m/x': '',
  });
  assert.equal(home.outputOf(context, 'cd /t && find . -type f | sort'), './d/c\n./keep.log\n');
  writeFileSync(join(context, '.containerignore'), '*\n!d/c\n');
  assert.equal(home.outputOf(context, 'cd /t && find . -type f | sort'), './d/c\n');
  writeFileSync(join(context, 'Dockerfile'), `${FROM}\nCOPY a.log /\n`);
  assert.match(home.build(context).stderr, /a\.log: excluded by the ignore file/);
});

test('an ignore file beside the Dockerfile counts, not one that is where foster was called', () => {
  const Dockerfile = `${FROM}\nCOPY . /t/\n`;
  const context = home.context({ Dockerfile, 'Dockerfile.dockerignore': 'D*\nb\n', a: '', b: '' });
  const cwd = home.context({ Dockerfile, 'Dockerfile.dockerignore': 'D*\na\n' });
  const copied = (flags: string[]) => {
    home.built(context, ['-t', 'ignoring', ...flags], { cwd });
    return home.run(['--rm', 'ignoring', 'ls', '/t']).stdout;
  };
  assert.equal(copied([]), 'a\n');
  assert.equal(copied(['-f', 'Dockerfile']), 'b\n');
});

test('directories of a tar archive that forbid it even their owner are removed', () => {
  const incoming = join(home.folder, 'data/foster/images/incoming');
  for (const mode of [0o555, 0]) {
    const input = tar(
      { name: 'Dockerfile', content: `${FROM}\nCOPY d/f /f\n` },
      { name: 'd/', type: '5', mode },
      { name: 'd/f', content: 'f' },
    );
    const { status, stderr } = home.build('-', [], { input });
    if (mode !== 0) assert.equal(status, 0, stderr);
    // the collection that follows a build may have removed it, too
    assert.deepEqual(existsSync(incoming) ? readdirSync(incoming) : [], []);
  }
  // left by an earlier foster
  mkdirSync(join(incoming, '1-x/d'), { recursive: true });
  writeFileSync(join(incoming, '1-x/d/f'), '');
  chmodSync(join(incoming, '1-x/d'), 0o555);
  const { status, stderr } = home.foster(['image', 'prune', '-f']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(existsSync(incoming), false);
});

test('ADD unpacks archives, COPY does not', () => {
  const source = home.context({ 'p/q': 'q\n' });
  const tar = spawnSync('tar', ['-c', '--owner=3', '--group=4', '-C', source, 'p']).stdout;
  const context = home.context({
    Dockerfile: `${FROM}
ADD a.tar /t/tar/
ADD b.tgz plain.gz file /t/all/
COPY a.tar /t/copied/
ADD --chown=9:9 a.tar /t/owned
`,
    'a.tar': tar,
    'b.tgz': gzipSync(tar),
    'plain.gz': gzipSync('no archive'),
    file: 'f',
  });
  assert.deepEqual(
    tree(context, '/t').filter((line) => !line.includes(' d')),
    [
      './all/file -rw-r--r-- 0:0',
      './all/p/q -rw-r--r-- 3:4',
      './all/plain.gz -rw-r--r-- 0:0',
      './copied/a.tar -rw-r--r-- 0:0',
      './owned/p/q -rw-r--r-- 9:9',
      './tar/p/q -rw-r--r-- 3:4',
    ],
  );
  const broken = home.context({ Dockerfile: `${FROM}\nADD a.tar /t/\n`, 'a.tar': tar.subarray(0, 700) });
  assert.match(home.build(broken).stderr, /Dockerfile:2: .*(truncated|corrupt)/);
});

test('ADD unpacks archives compressed with xz, bzip2 and zstd', () => {
  const source = home.context({ 'p/q': 'q' });
  const by = (program: string, input: Buffer) => spawnSync(program, ['-c'], { input }).stdout;
  const tar = archiveOf(source);
  const context = home.context({
    Dockerfile: `${FROM}\nADD a.xz /x/\nADD b.bz2 /b/\nADD c.zst /z/\nADD plain.xz /copied/\n`,
    'a.xz': by('xz', tar),
    'b.bz2': by('bzip2', tar),
    'c.zst': by('zstd', tar),
    'plain.xz': by('xz', Buffer.from('no archive')),
  });
  assert.equal(home.outputOf(context, 'cat /x/p/q /b/p/q /z/p/q && ls /copied'), 'qqqplain.xz\n');
  assert.match(home.built('-', [], { input: by('xz', archiveOf(context)) }), /^sha256:/);
  writeFileSync(join(source, 'p/noise'), randomBytes(300_000));
  const large = by('xz', archiveOf(source));
  const broken = home.context({
    Dockerfile: `${FROM}\nADD a.xz /t/\n`,
    'a.xz': large.subarray(0, large.length - 1000),
  });
  assert.match(home.build(broken).stderr, /Dockerfile:2: a\.xz: .*(truncated|corrupt)/);
});

function archiveOf(folder: string): Buffer {
  return spawnSync('tar', ['-c', '-C', folder, '.']).stdout;
}

test('COPY --parents, --exclude, and modes by letters', () => {
  const context = home.context({
    Dockerfile: `${FROM} AS first
COPY --parents a/b/*.txt a/./c/x d/** /parents/
COPY --parents **/x /deep/
COPY --exclude=*.md --exclude=sub/** docs n.md n.rst /docs/
COPY --chmod=u=rwX,go=rX a/b /modes/
COPY --chmod=+x a/c/x /x
${FROM}
COPY --from=first --parents --exclude=y.txt /parents/a/./b /again/
`,
    'a/b/x.txt': '',
    'a/b/y.txt': '',
    'a/b/z': '',
    'a/c/x': '',
    'd/e/f': '',
    'docs/a.md': '',
    'docs/b.rst': '',
    'docs/sub/c': '',
    'n.md': '',
    'n.rst': '',
  });
  chmodSync(join(context, 'a/b/z'), 0o700);
  home.built(context, ['--target', 'first', '-t', 'first']);
  const { stdout } = home.run(['--rm', 'first', 'sh', '-c', 'find /parents /deep /docs -type f | sort']);
  assert.deepEqual(stdout.trim().split('\n'), [
    '/deep/a/c/x',
    '/docs/b.rst',
    '/docs/n.rst',
    '/parents/a/b/x.txt',
    '/parents/a/b/y.txt',
    '/parents/c/x',
    '/parents/d/e/f',
  ]);
  const modes = home.run(['--rm', 'first', 'stat', '-c', '%a %n', '/modes/x.txt', '/modes/z', '/x']);
  assert.equal(modes.stdout, '644 /modes/x.txt\n755 /modes/z\n755 /x\n');
  assert.equal(home.outputOf(context, 'cd /again; find . -type f'), './b/x.txt\n');
  const bad = home.context({ Dockerfile: `${FROM}\nCOPY --chmod=rw Dockerfile /x\n` });
  assert.match(home.build(bad).stderr, /Dockerfile:2: --chmod 'rw': expected an octal number/);
});

test('extended attributes are kept, from the context and from stage to stage', () => {
  const context = home.context({
    Dockerfile: `${FROM} AS first\nCOPY d /d\n${FROM}\nCOPY --from=first /d /e\n`,
    'd/f': 'f',
  });
  for (const [name, value] of [
    ['user.test', 'kept'],
    ['user.overlay.opaque', 'y'],
  ] as const) {
    const { status, stderr } = spawnSync('setfattr', ['-n', name, '-v', value, join(context, 'd/f')]);
    assert.equal(status, 0, String(stderr));
  }
  home.built(context, ['-t', 'attributes']);
  const layer = home.topLayer('docker.io/library/attributes:latest').toString('latin1');
  assert.match(layer, /SCHILY\.xattr\.user\.test=kept\n/);
  assert.doesNotMatch(layer, /user\.overlay/);
});

test('here-documents become files', () => {
  const context = home.context({
    Dockerfile: `${FROM}\nENV A=b\nCOPY <<one <<"two" /t/\n$A \\$A "q"\none\n$A\ntwo\nCOPY --chmod=700 <<EOF /t/run.sh\n#!/bin/sh\necho hi\nEOF\n`,
  });
  assert.equal(home.outputOf(context, 'cd /t && cat one two && ./run.sh'), 'b $A "q"\n$A\nhi\n');
});

test('COPY --parents from many directories, and many archives for ADD', () => {
  const files: Record<string, string | Uint8Array> = {
    Dockerfile: `${FROM}\nCOPY --parents packages/*/package.json ./\nADD archives/*.tar /archives/\n`,
  };
  for (let i = 0; i < 300; i++) files[`packages/package-with-a-name-${i}/package.json`] = `{"number":${i}}`;
  for (let i = 0; i < 70; i++)
    files[`archives/${i}.tar`] = tar({ name: `unpacked-${i}`, content: String(i) });
  const context = home.context(files);
  assert.equal(
    home.outputOf(
      context,
      'ls packages | wc -l; cat packages/*-299/package.json; ls /archives | wc -l; cat /archives/unpacked-69',
    ),
    '300\n{"number":299}70\n69',
  );
});

test('names of any bytes, large files, many files', () => {
  const context = home.context({ Dockerfile: `${FROM}\nCOPY . /t/\nRUN cp -a /t /u\n` });
  const odd = Buffer.concat([Buffer.from(`${context}/`), Buffer.from([0xff, 0xfe, 0x20, 0x0a])]);
  writeFileSync(odd, 'odd');
  writeFileSync(join(context, 'large'), Buffer.alloc(9_000_001, 'x'));
  mkdirSync(join(context, 'many'));
  for (let i = 0; i < 3000; i++) writeFileSync(join(context, 'many', `${i}-${'n'.repeat(120)}`), String(i));
  const counted =
    'cd /u && cat $(printf "\\377\\376")* && wc -c < large && ls many | wc -l && md5sum large | cut -c1-8';
  assert.match(home.outputOf(context, counted), /^odd9000001\n3000\n[0-9a-f]{8}\n$/);
});

test('a file replaces a deleted file, a directory replaces a file', () => {
  const context = home.context({
    Dockerfile: `${FROM}
COPY f /t/a
RUN rm /t/a
COPY f /t/a/
RUN rm -r /t/a && touch /t/a
COPY f /t/a
RUN rm -r /t
COPY f /t/last
`,
    f: 'f',
  });
  assert.equal(home.outputOf(context, 'find /t | sort'), '/t\n/t/last\n');
});
