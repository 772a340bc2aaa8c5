import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BUSYBOX_LAYER, dockerArchive, hex, ImagesHome } from './support/image-archive.js';
import { memberBlocks, oldSparse, type TestMember, tar } from './support/tar.js';

/** Layers over each other, as a container sees them. */
const home = new ImagesHome();

afterEach(() => assert.deepEqual(home.stored().leftovers, []));

function see(script: string, ...layers: TestMember[][]): string {
  home.load(dockerArchive({ names: ['seen'], layers: [BUSYBOX_LAYER, ...layers] }));
  const { status, stdout, stderr } = home.run(['--rm', 'seen', 'sh', '-c', script]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

test('a whiteout hides a file and a directory of the layers below', () => {
  const below = [{ name: 'd/file', content: 'x' }, { name: 'd/other' }, { name: 'e/deep/file' }];
  const above = [{ name: 'd/.wh.file' }, { name: '.wh.e' }];
  assert.equal(
    see('ls /d; ls -d /e* || true; find / -xdev -name ".wh*"', below, above).trim(),
    'other\n/etc',
  );
});

test('an opaque directory hides the one below', () => {
  const below = [{ name: 'd/low' }, { name: 'd/sub/low' }];
  const above = [{ name: 'd/', type: '5', mode: 0o700 }, { name: 'd/.wh..wh..opq' }, { name: 'd/high' }];
  assert.equal(see('ls /d; stat -c %a /d', below, above), 'high\n700\n');
});

test('whiteouts apply wherever they are in the layer, and only to the layers below', () => {
  const below = [{ name: 'a/low' }, { name: 'b/low' }, { name: 'c' }];
  const above = [
    { name: 'a/high' },
    { name: '.wh.a' }, // after what stands there now: a replaced directory
    { name: '.wh.b' },
    { name: 'b/high' },
    { name: 'c', content: 'new' },
    { name: '.wh.c' },
  ];
  assert.equal(see('ls /a /b; cat /c', below, above), '/a:\nhigh\n\n/b:\nhigh\nnew');
});

test('a file replaces a directory, and a directory a file', () => {
  const below = [{ name: 'was-dir/low' }, { name: 'was-file' }];
  const above = [{ name: 'was-dir', content: 'file' }, { name: 'was-file/high' }];
  assert.equal(see('cat /was-dir; echo; ls /was-file', below, above), 'file\nhigh\n');
});

test('a layer whose root is opaque hides all layers below', () => {
  home.load(
    dockerArchive({
      names: ['all'],
      layers: [[{ name: 'low' }], [...BUSYBOX_LAYER, { name: '.wh..wh..opq' }]],
    }),
  );
  const { stdout } = home.run(['--rm', 'all', 'sh', '-c', 'ls -d /low /bin 2>/dev/null']);
  assert.equal(stdout, '/bin\n');
});

test('owners, set-id bits, hard links, times and attributes are those in the layer', () => {
  const script = `stat -c '%u:%g %a %Y' /owned /suid; stat -c %h /suid; stat -c %i /suid /hard | uniq | wc -l; id -u nobody 2>&1 | wc -l`;
  const layer: TestMember[] = [
    { name: 'owned', uid: 33, gid: 44, mode: 0o640, mtime: 1_234_567_890 },
    { name: 'suid', uid: 5, mode: 0o6755, content: 'x', pax: { 'SCHILY.xattr.user.note': 'kept' } },
    { name: 'hard', type: '1', target: 'suid' },
  ];
  home.load(
    dockerArchive({
      names: ['owned'],
      layers: [
        [
          ...BUSYBOX_LAYER,
          { name: 'bin/wc', type: '2', target: 'busybox' },
          { name: 'bin/uniq', type: '2', target: 'busybox' },
        ],
        layer,
      ],
    }),
  );
  const { stdout } = home.run(['--rm', 'owned', 'sh', '-c', script]);
  assert.equal(stdout, '33:44 640 1234567890\n5:0 6755 1000000000\n2\n1\n1\n');
});

test('an empty layer, and one that occurs twice', () => {
  const twice = [{ name: 'x', content: 'top' }];
  const script = 'cat /x; ls /gone 2>/dev/null; true';
  assert.equal(see(script, [], twice, [{ name: '.wh.x' }], [], twice), 'top');
});

test('more layers than fsconfig(2) accepts at once', () => {
  const many = Array.from({ length: 40 }, (_, index) => [{ name: `many/${index}` }]);
  assert.equal(see('set -- /many/*; echo $#', ...many), '40\n');
});

test('layers that one process unpacks at the same time do not mix', () => {
  const layers = ['one', 'two', 'three'].map((word) => {
    const files = Array.from({ length: 300 }, (_, index) => ({
      name: `shared/${index}`,
      content: `${word} `.repeat(2000),
    }));
    // What leads out of a tree, or up from it, would lead into that of another.
    const links = ['/', '..', '../../0/diff'].map((target, index) => ({
      name: `${word}-link${index}`,
      type: '2',
      target,
    }));
    return [...files, ...links, { name: `only/${word}`, content: word }];
  });
  home.load(
    dockerArchive({
      names: ['mixed'],
      layers: layers.map((layer) => gzipSync(tar(...layer))),
      diffIDs: layers.map((layer) => `sha256:${hex(tar(...layer))}`),
    }),
  );
  for (const [index, word] of ['one', 'two', 'three'].entries()) {
    const diffID = hex(tar(...(layers[index] ?? [])));
    const name = home.stored().layers.find((each) => each.startsWith(diffID));
    const tree = home.path(`data/foster/layers/${name}/diff`);
    assert.deepEqual(readdirSync(join(tree, 'only')), [word]);
    assert.equal(readdirSync(tree).length, 5);
    for (const file of readdirSync(join(tree, 'shared')))
      assert.equal(readFileSync(join(tree, 'shared', file), 'utf8'), `${word} `.repeat(2000));
  }
});

test('members that look like whiteouts of overlayfs are ordinary files', () => {
  const layer: TestMember[] = [
    {
      name: 'd/',
      type: '5',
      mode: 0o755,
      pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.overlay.opaque': 'y' },
    },
    { name: 'd/high' },
  ];
  assert.equal(see('ls /d', [{ name: 'd/low' }], layer), 'high\nlow\n');
});

const first: TestMember = { name: 'first', content: 'harmless' };
const up = '../'.repeat(40);

/** Each is the second layer of an image whose first is well. */
const hostile: Record<string, [layer: TestMember[] | Buffer, words: RegExp]> = {
  "a name with '..'": [[first, { name: `${up}foster-escaped` }], /leaves the root filesystem/],
  'an absolute name': [[{ name: '/foster-escaped' }], /leaves the root filesystem/],
  'a file through a link': [
    [{ name: 'link', type: '2', target: '/tmp' }, { name: 'link/foster-escaped' }],
    /leaves the root filesystem/,
  ],
  "a whiteout with '..'": [[{ name: `${up}.wh.tmp` }], /leaves the root filesystem/],
  'a whiteout of nothing': [[{ name: 'd/.wh.' }], /is a whiteout without a file name/],
  "a whiteout of '..'": [[{ name: 'd/.wh...' }], /is a whiteout without a file name/],
  'a whiteout through a link': [
    [{ name: 'link', type: '2', target: '/tmp' }, { name: 'link/.wh.x' }],
    /leaves the root filesystem/,
  ],
  'a file below a whiteout': [[{ name: '.wh.d/x' }], /is below a whiteout/],
  'a hard link out of the tree': [
    [{ name: 'hard', type: '1', target: `${up}etc/passwd` }],
    /outside the tree/,
  ],
  'a hard link to another layer': [
    [{ name: 'hard', type: '1', target: 'bin/busybox' }],
    /not in the same layer/,
  ],
  'a device node': [[{ name: 'sda', type: '4' }], /is a device node/],
  'a truncated layer': [tar({ ...first, content: 'x'.repeat(5000) }).subarray(0, 3000), /truncated/],
  'a layer that is no archive': [Buffer.from('#!/bin/sh\n'.repeat(200)), /not a tar archive/],
  'a corrupt gzip layer': [
    gzipSync(memberBlocks({ name: 'zeros', content: Buffer.alloc(100_000) })).subarray(0, 60),
    /truncated|corrupt/,
  ],
};

for (const [title, [layer, words]] of Object.entries(hostile)) {
  test(`${title} in a layer: nothing of the image is there`, () => {
    const before = home.stored();
    const archive = dockerArchive({ names: ['hostile'], layers: [BUSYBOX_LAYER, layer] });
    const { status, stdout, stderr } = home.foster(['load'], { input: archive });
    assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
    assert.match(stderr, words);
    assert.match(stderr, /^foster: cannot load standard input: [^\n]+\n$/);
    assert.equal(home.foster(['images', '-q', 'hostile']).stdout, '');
    assert.deepEqual(home.stored(), before);
  });
}

test('a layer with another digest than in the config is not used', () => {
  const layer = tar(...BUSYBOX_LAYER);
  const lie = `sha256:${hex(Buffer.from('other'))}`;
  // The digest of an uncompressed layer is that of its file.
  for (const [stored, words] of [
    [layer, /its file for sha256:[0-9a-f]{64} has the digest sha256:/],
    [gzipSync(layer), /its content has the digest sha256:[0-9a-f]{64} instead of sha256:/],
  ] as const) {
    const archive = dockerArchive({ names: ['lie'], layers: [stored], diffIDs: [lie] });
    const { status, stderr } = home.foster(['load'], { input: archive });
    assert.equal(status, 125);
    assert.match(stderr, words);
    assert.ok(!home.stored().layers.some((name) => name.startsWith(lie.slice(7))));
  }
});

test('--max-unpacked-size applies to each layer that is unpacked for a container', () => {
  const big = { name: 'big', content: Buffer.alloc(2 << 20) };
  const sparse = Buffer.concat([oldSparse('sparse', 8 << 20, [[0, 1]], 'x'), tar()]);
  home.load(dockerArchive({ names: ['big'], layers: [[big]] }));
  home.load(dockerArchive({ names: ['holes'], layers: [[{ name: 'small' }], sparse] }));
  for (const name of ['big', 'holes']) {
    const before = home.stored().layers;
    // For other ids than `load` has unpacked them for.
    const { status, stderr } = home.run([
      '--rm',
      '--userns=keep-id',
      '--max-unpacked-size',
      '1m',
      name,
      '/x',
    ]);
    assert.match(
      stderr,
      /^foster: cannot unpack layer [0-9a-f]{12}: [^\n]* more than 1048576 bytes; raise --max/,
    );
    assert.equal(status, 125);
    // Those that were small enough stay.
    assert.equal(home.stored().layers.length, before.length + (name === 'holes' ? 1 : 0));
  }
});

test('more layers than mount(2) accepts paths for', () => {
  const files = Array.from({ length: 230 }, (_, index) => [{ name: `file-${index}`, content: `${index}` }]);
  home.load(dockerArchive({ names: ['many'], layers: [BUSYBOX_LAYER, ...files] }));
  const { status, stdout, stderr } = home.run(['--rm', 'many', 'sh', '-c', 'cat /file-0 /file-229']);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '0229');
});
