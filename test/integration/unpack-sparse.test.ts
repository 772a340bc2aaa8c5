import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { before, test } from 'node:test';
import { BUSYBOX, RootsHome } from './support/roots.js';
import { oldSparse, tar } from './support/tar.js';

/** Sparse files as written by real archivers, and invalid ones. */
const home = new RootsHome();
const source = home.path('source');
const KIB = 1024;

/** Size, and where there is data. */
const FILES: Record<string, [size: number, data: [offset: number, text: string][]]> = {
  'hole-in-the-middle': [
    8 << 20,
    [
      [0, 'start'],
      [(8 << 20) - 3, 'end'],
    ],
  ],
  'hole-at-the-end': [(4 << 20) + 17, [[0, 'start']]],
  'hole-at-the-start': [4 << 20, [[(4 << 20) - 5, 'start']]],
  'all-hole': [(16 << 20) + 1, []],
  'many-pieces': [8 << 20, Array.from({ length: 60 }, (_, i) => [i * 128 * KIB + 5000, `piece ${i}`])],
  'of-six-gib': [6 * 2 ** 30, [[5 * 2 ** 30, 'far out']]],
  'no-hole': [6, [[0, 'plain.']]],
};

before(() => {
  mkdirSync(`${source}/bin`, { recursive: true });
  copyFileSync(BUSYBOX, `${source}/bin/busybox`);
  for (const name of ['sh', 'stat', 'sha256sum', 'cmp', 'dd'])
    linkSync(`${source}/bin/busybox`, `${source}/bin/${name}`);
  for (const [name, [size, data]] of Object.entries(FILES)) {
    const fd = openSync(`${source}/${name}`, 'wx');
    for (const [offset, text] of data) writeSync(fd, text, offset);
    closeSync(fd);
    truncateSync(`${source}/${name}`, size);
  }
  writeFileSync(`${source}/${'n'.repeat(120)}`, 'x');
  truncateSync(`${source}/${'n'.repeat(120)}`, 1 << 20);
});

const isHuge = (name: string) => name === 'of-six-gib';

/** Size, content and disk space of each file, in a container. */
function compare(archive: string, format: string): void {
  const names = [...Object.keys(FILES), 'n'.repeat(120)];
  const small = names.filter((name) => !isHuge(name));
  const script = `stat -c '%n %s %b' ${names.join(' ')}; sha256sum ${small.join(' ')}
    dd if=of-six-gib bs=7 count=1 iflag=skip_bytes skip=${5 * 2 ** 30} 2>/dev/null`;
  const { status, stdout, stderr } = home.run(['--rm', archive, 'sh', '-c', `cd / && ${script}`]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, format);
  const lines = stdout.split('\n');
  for (const [index, name] of names.entries()) {
    const [, size, blocks] = lines[index]?.split(' ') ?? [];
    const [wanted, data] = FILES[name] ?? [1 << 20, [[0, 'x']]];
    assert.equal(Number(size), wanted, name);
    const most = (data.length * 64 * KIB + 8 * KIB) / 512; // file systems have blocks of up to 64 KiB
    assert.ok(Number(blocks) <= most, `${format}: ${name} takes ${blocks} blocks`);
    assert.equal(Number(blocks) > 0, data.length > 0, `${format}: ${name} takes ${blocks} blocks`);
  }
  for (const [index, name] of small.entries()) {
    const digest = createHash('sha256')
      .update(readFileSync(`${source}/${name}`))
      .digest('hex');
    assert.equal(lines[names.length + index], `${digest}  ${name}`, format);
  }
  assert.equal(lines[names.length + small.length], 'far out');
}

const GNU_FORMATS: Record<string, string[]> = {
  gnu: ['--format=gnu'],
  'pax 0.0': ['--format=posix', '--sparse-version=0.0'],
  'pax 0.1': ['--format=posix', '--sparse-version=0.1'],
  'pax 1.0': ['--format=posix', '--sparse-version=1.0'],
};

for (const [name, flags] of Object.entries(GNU_FORMATS)) {
  test(`sparse files of GNU tar, format ${name}, keep their holes`, () => {
    const archive = home.path('gnu.tar');
    execFileSync('tar', ['-C', source, '--sparse', ...flags, '-cf', archive, '.']);
    assert.ok(readFileSync(archive).includes(name === 'gnu' ? 'ustar  ' : 'GNU.sparse.'));
    compare(archive, name);
  });
}

test('sparse files of libarchive keep their holes', {
  skip: spawnSync('bsdtar', ['--version']).error && 'no bsdtar',
}, () => {
  const archive = home.path('bsd.tar');
  execFileSync('bsdtar', ['--format=pax', '-C', source, '-cf', archive, '.']);
  assert.ok(readFileSync(archive).includes('GNU.sparse.'));
  compare(archive, 'bsdtar');
});

function refuses(archive: Buffer, words: RegExp, flags: string[] = []): void {
  const file = home.path('hostile.tar');
  writeFileSync(file, archive);
  const known = home.roots();
  const { status, stdout, stderr } = home.run(['--rm', ...flags, file, '/bin/true']);
  assert.match(stderr, words);
  assert.match(stderr, /^foster: cannot unpack [^\n]+\n$/);
  assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
  assert.deepEqual(home.roots(), known);
}

test('a sparse file counts with its holes', () => {
  const archive = Buffer.concat([oldSparse('x', 2 << 20, [[0, 1]], 'y'), tar()]);
  refuses(archive, /unpacks to more than 1048576 bytes; raise --max-unpacked-size/, [
    '--max-unpacked-size',
    '1m',
  ]);
  writeFileSync(home.path('hostile.tar'), archive);
  const { stderr } = home.run(['--rm', '--max-unpacked-size', '3m', home.path('hostile.tar'), '/bin/true']);
  assert.match(stderr, /no such file in the container/); // it was unpacked
});

test('a sparse file that is too large for any file system is refused', () => {
  const eight = `\x80\0\0\0${'\x7f\xff\xff\xff\xff\xff\xff\xff'}`;
  refuses(Buffer.concat([oldSparse('x', eight, [[0, 1]], 'y'), tar()]), /with an invalid map/);
  const petabytes = { 'GNU.sparse.size': String(2 ** 52), 'GNU.sparse.map': `${2 ** 52 - 1},1` };
  refuses(tar({ name: 'x', content: 'y', pax: petabytes }), /'x': file too large|'x': invalid argument/);
  const hole = { 'GNU.sparse.size': String(2 ** 52), 'GNU.sparse.map': '0,0' };
  refuses(tar({ name: 'x', pax: hole }), /'x': file too large/);
  refuses(tar({ name: 'x', content: 'y', pax: { ...hole, 'GNU.sparse.map': '5,2' } }), /with an invalid map/);
});
