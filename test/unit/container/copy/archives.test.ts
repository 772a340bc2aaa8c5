import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { copyPath, HOST } from '../../../../src/container/copy/paths.js';
import { CopySink } from '../../../../src/container/copy/sink.js';
import { writeArchive } from '../../../../src/container/copy/source.js';
import { FosterError } from '../../../../src/sys/errors.js';
import type { Member } from '../../../../src/tar/member.js';
import { TarReader, type TarSink } from '../../../../src/tar/reader.js';
import { TAR_END, tarHeader, tarPadding } from '../../../../src/tar/writer.js';

const MEMBER: Member = {
  name: 'file',
  type: 'file',
  target: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 1_700_000_000,
  xattrs: new Map(),
};

class Collector implements TarSink {
  readonly members: Member[] = [];
  data(): void {}
  endOfMember(): void {}
  member(member: Member): void {
    this.members.push(member);
  }
}

const root = mkdtempSync(join(tmpdir(), 'foster-copy-'));
after(() => {
  execFileSync('chmod', ['-R', 'u+rwX', root]); // some tests make folders that nobody may write to
  rmSync(root, { recursive: true, force: true });
});

function folder(): string {
  return mkdtempSync(join(root, 'test-'));
}

function member(changes: Partial<Member>): Member {
  return { ...MEMBER, ...(changes.type === 'directory' && { mode: 0o755 }), ...changes };
}

/** An archive of members with their content. */
function archive(...entries: [Partial<Member>, string?][]): Buffer {
  const parts = entries.flatMap(([changes, content = '']) => [
    tarHeader(member({ ...changes, size: content.length })),
    Buffer.from(content),
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

function unpack(bytes: Buffer, target: string, isStream: boolean): void {
  const sink = new CopySink(copyPath(HOST, target), { isStream, keepOwners: false, keepSetIds: false });
  const reader = new TarReader(sink);
  try {
    for (let at = 0; at < bytes.length; at += 700) reader.push(bytes.subarray(at, at + 700));
    reader.end();
    sink.finish();
  } finally {
    sink.close();
  }
}

test('an archive is read as it was written', () => {
  const members = [
    member({}),
    member({ name: `${'d/'.repeat(90)}${'n'.repeat(200)}`, mtime: 1_700_000_000.25 }),
    member({ name: 'caf\xe9-\xff', uid: 3_000_000, gid: 4_000_000_000 }),
    member({ type: 'symlink', name: 'l', target: 't'.repeat(300), mtime: -5 }),
    member({ type: 'hardlink', name: 'h', target: 'file' }),
    member({ type: 'directory', name: 'dir/', mode: 0o1777 }),
    member({ type: 'fifo', name: 'f', mode: 0o600 }),
  ];
  const sink = new Collector();
  const reader = new TarReader(sink);
  reader.push(Buffer.concat([...members.map(tarHeader), TAR_END]));
  reader.end();
  assert.deepEqual(sink.members, members);
});

test('a size beyond 8 GiB', () => {
  const sink = new Collector();
  new TarReader(sink).push(tarHeader(member({ size: 20_000_000_000 })));
  assert.equal(sink.members[0]?.size, 20_000_000_000);
});

test('tar(1) reads it', () => {
  const here = folder();
  mkdirSync(join(here, 'tree', 'sub'), { recursive: true });
  writeFileSync(join(here, 'tree', 'sub', 'n'.repeat(150)), 'content');
  linkSync(join(here, 'tree', 'sub', 'n'.repeat(150)), join(here, 'tree', 'second'));
  symlinkSync('x'.repeat(150), join(here, 'tree', 'link'));
  const pieces: Buffer[] = [];
  writeArchive(copyPath(HOST, join(here, 'tree')), { followLink: false }, (bytes) =>
    pieces.push(Buffer.from(bytes)),
  );
  const out = join(here, 'out');
  mkdirSync(out);
  const { status, stderr } = spawnSync('tar', ['-x', '-C', out], { input: Buffer.concat(pieces) });
  assert.deepEqual({ status, stderr: String(stderr) }, { status: 0, stderr: '' });
  const diff = spawnSync('diff', ['-r', '--no-dereference', join(here, 'tree'), join(out, 'tree')]);
  assert.equal(String(diff.stdout) + String(diff.stderr), '');
  assert.equal(statSync(join(out, 'tree', 'second')).nlink, 2);
});

test('hard links are links again', () => {
  const here = folder();
  unpack(
    archive(
      [{ type: 'directory', name: 'top/', mode: 0o755 }],
      [{ name: 'top/a' }, 'same'],
      [{ type: 'hardlink', name: 'top/b', target: 'top/a' }],
    ),
    join(here, 'copy'),
    false,
  );
  assert.equal(statSync(join(here, 'copy', 'b')).ino, statSync(join(here, 'copy', 'a')).ino);
  assert.equal(readFileSync(join(here, 'copy', 'b'), 'utf8'), 'same');
});

test('an archive cannot leave its directory', () => {
  const victim = folder();
  writeFileSync(join(victim, 'file'), 'untouched');
  const link: Partial<Member> = { type: 'symlink', name: 'top/l', target: victim };
  const attacks: [Partial<Member>, string?][][] = [
    [[{ type: 'directory', name: 'top/', mode: 0o755 }], [link], [{ name: 'top/l/file' }, 'evil']],
    [
      [{ type: 'directory', name: 'top/', mode: 0o755 }],
      [link],
      [{ type: 'directory', name: 'top/l/' }],
      [{ name: 'top/l/file' }, 'evil'],
    ],
    [[{ type: 'directory', name: 'top/', mode: 0o755 }], [{ name: 'top/../../file' }, 'evil']],
    [[{ name: '/etc/passwd' }, 'evil']],
    [[{ name: '..' }, 'evil']],
    [
      [{ type: 'directory', name: 'top/', mode: 0o755 }],
      [link],
      [{ type: 'hardlink', name: 'top/x', target: 'top/l/file' }],
    ],
    [[{ type: 'hardlink', name: 'top', target: '../file' }]],
  ];
  for (const [index, attack] of attacks.entries()) {
    const here = folder();
    assert.throws(
      () => unpack(archive(...attack), join(here, 'copy'), false),
      FosterError,
      `attack ${index}`,
    );
    assert.equal(readFileSync(join(victim, 'file'), 'utf8'), 'untouched', `attack ${index}`);
    assert.equal(statSync(join(victim, 'file')).nlink, 1);
    assert.ok(!existsSync(join(here, '..', 'file')));
  }
});

test('directories that are nested too deeply are refused', () => {
  const deep = Array.from({ length: 600 }, () => 'd').join('/');
  assert.throws(
    () => unpack(archive([{ name: `${deep}/x` }, '']), folder(), true),
    /directories nested more than/,
  );
});

test('a read-only directory can be filled', () => {
  const here = folder();
  unpack(
    archive([{ type: 'directory', name: 'top/', mode: 0o500 }], [{ name: 'top/a' }, 'content']),
    join(here, 'copy'),
    false,
  );
  assert.equal(statSync(join(here, 'copy')).mode & 0o777, 0o500);
  assert.equal(statSync(join(here, 'copy')).mtimeMs, 1_700_000_000_000);
  assert.equal(readFileSync(join(here, 'copy', 'a'), 'utf8'), 'content');
});

test('a file that grows or shrinks while it is read', () => {
  const here = folder();
  const path = join(here, 'file');
  writeFileSync(path, Buffer.alloc(3 * 1024 * 1024));
  let isFirst = true;
  assert.throws(
    () =>
      writeArchive(copyPath(HOST, path), { followLink: false }, () => {
        if (isFirst) writeFileSync(path, 'short');
        isFirst = false;
      }),
    /became shorter/,
  );
});
