import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ArchiveFiles, DirectoryFiles, readArchive } from '../../../../src/image/archive/files.js';
import { Staging } from '../../../../src/image/store/staging.js';
import { FosterError } from '../../../../src/sys/errors.js';
import { oldSparse, tar } from '../../../integration/support/tar.js';

const folder = mkdtempSync(join(tmpdir(), 'foster-archive-files-'));
after(() => rmSync(folder, { recursive: true }));

/** Reads an uncompressed archive from a file. Nothing is staged. */
async function read(archive: Buffer, use: (files: ArchiveFiles) => void = () => {}): Promise<void> {
  const path = join(folder, 'archive.tar');
  writeFileSync(path, archive);
  const fd = openSync(path, 'r');
  try {
    use(await readArchive(fd, new Staging()));
  } finally {
    closeSync(fd);
  }
}

const text = (files: ArchiveFiles, name: string) => files.find(name)?.readStart(1e6).toString();

test('the files of an archive are found where they are, whatever their sizes and names', async () => {
  const long = `${'directory/'.repeat(40)}file`;
  const sizes = [0, 1, 511, 512, 513, 70_000];
  const archive = tar(
    { name: './', type: '5' },
    ...sizes.map((size) => ({ name: `./${size}`, content: 'x'.repeat(size) })),
    { name: 'short', pax: { path: long }, content: 'long' },
    { name: 'twice', content: 'first' },
    { name: 'twice', content: 'second' },
    { name: 'a/link', type: '2', target: '../twice' },
    { name: 'hard', type: '1', target: './twice' },
    { name: 'loop', type: '2', target: 'loop' },
    { name: 'out', type: '2', target: '../../etc/passwd' },
  );
  await read(archive, (files) => {
    for (const size of sizes) assert.equal(text(files, `${size}`), 'x'.repeat(size));
    assert.equal(text(files, long), 'long');
    assert.equal(files.find('513')?.size, 513);
    assert.equal(files.find('513')?.readStart(3).toString(), 'xxx');
    for (const name of ['twice', './twice', 'a/link', 'hard']) assert.equal(text(files, name), 'second');
    for (const name of ['loop', 'out', 'missing', '/etc/passwd']) assert.equal(files.find(name), undefined);
  });
});

test('an archive that is damaged or has other kinds of members is refused', async () => {
  const archive = tar({ name: 'file', content: 'x'.repeat(5000) });
  const refuses = (bytes: Buffer, words: RegExp) =>
    assert.rejects(read(bytes), (error) => error instanceof FosterError && words.test(error.message));
  for (const size of [5000, 512, 700, 5200, 5600]) await refuses(archive.subarray(0, size), /truncated/);
  await refuses(Buffer.from('x'.repeat(2000)), /not a tar archive/);
  await refuses(Buffer.concat([archive.subarray(0, 5632), Buffer.alloc(512, 1)]), /corrupt/);
  await refuses(tar({ name: 'pipe', type: '6' }), /'pipe' is not a file, directory or link/);
  await refuses(Buffer.concat([oldSparse('sparse', 1 << 20, [[0, 1]], 'x'), tar()]), /is a sparse file/);
});

test('a file that becomes shorter is an error', async () => {
  await read(tar({ name: 'file', content: 'x'.repeat(5000) }), (files) => {
    writeFileSync(join(folder, 'archive.tar'), 'x');
    assert.throws(() => text(files, 'file'), /has become shorter/);
  });
});

test('the files of a directory are those below it', () => {
  const files = new DirectoryFiles(folder, new Staging());
  writeFileSync(join(folder, 'index.json'), '{}');
  assert.equal(text(files, 'index.json'), '{}');
  for (const name of ['missing', `../${'index.json'}`, '../../etc/passwd'])
    assert.equal(files.find(name), undefined);
  files.close();
});
