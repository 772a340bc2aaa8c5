import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { OciLayout, OWN } from './support/oci-layout.js';
import { tar } from './support/tar.js';
import { waitUntil } from './support/wait.js';

/** Archives of images, theirs and ours. */
const home = new ImagesHome();
const path = (name: string) => home.path(name);
const archive = dockerArchive({
  names: ['app:1', 'registry.example.com/team/app:2'],
  layers: [BUSYBOX_LAYER, [{ name: 'etc/two', content: 'two', uid: 7 }]],
  config: { Cmd: ['sh', '-c', 'cat /etc/two; echo $NAME'], Env: ['NAME=value', 'PATH=/bin'] },
});
const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;
const hasPodman = spawnSync('podman', ['--version']).status === 0;

before(() => writeFileSync(path('app.tar'), archive));
afterEach(() => assert.deepEqual(home.stored().leftovers, []));

function runs(name: string): void {
  const { status, stdout, stderr } = home.run(['--rm', '--pull', 'never', name]);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'twovalue\n', stderr: '' });
}

function skopeo(...args: string[]): void {
  execFileSync('skopeo', ['--insecure-policy', ...args], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

test('a docker-archive, from a file and from standard input, compressed or not', () => {
  const said = 'Loaded image: app:1\nLoaded image: registry.example.com/team/app:2\n';
  assert.equal(home.foster(['load', '-i', path('app.tar')]).stdout, said);
  runs('app:1');
  runs('registry.example.com/team/app:2');
  for (const input of [
    archive,
    gzipSync(archive),
    ...['zstd', 'xz', 'bzip2'].map((by) => execFileSync(by, ['-c'], { input: archive, maxBuffer: 1e8 })),
  ]) {
    home.foster(['rmi', 'app:1', 'registry.example.com/team/app:2']);
    assert.deepEqual(home.stored(), { blobs: [], layers: [], leftovers: [] });
    assert.equal(home.load(input), said);
    runs('app:1');
  }
});

test('layers in an archive may be compressed, and be links to others', () => {
  const layer = gzipSync(tar(...BUSYBOX_LAYER));
  const plain = dockerArchive({ names: ['packed'], layers: [BUSYBOX_LAYER] });
  // The same documents, with a compressed layer under another name and a link to it.
  const list = /"Layers":\["([0-9a-f]{64}\.tar)"\]/.exec(plain.toString('latin1'))?.[1] ?? '';
  const config = /"Config":"([0-9a-f]{64}\.json)"/.exec(plain.toString('latin1'))?.[1] ?? '';
  const at = plain.indexOf(Buffer.from(config));
  const size = Number.parseInt(plain.toString('latin1', at + 124, at + 135), 8);
  home.load(
    tar(
      { name: 'first/layer.tar', content: layer },
      { name: list, type: '2', target: 'first/layer.tar' },
      { name: config, content: plain.subarray(at + 512, at + 512 + size) },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: config, RepoTags: null, Layers: [list] }]),
      },
    ),
  );
  const id = config.slice(0, 12);
  assert.equal(home.run(['--rm', id, 'sh', '-c', 'echo well']).stdout, 'well\n');
  assert.match(home.foster(['images']).stdout, new RegExp(`<none> +<none> +${id}`));
  assert.equal(home.foster(['rmi', id]).status, 0);
});

for (const format of ['docker-archive', 'oci-archive', 'oci-dir']) {
  test(`images saved as ${format} can be loaded again, the same`, () => {
    home.load(archive);
    const { Digest, Id } = JSON.parse(home.foster(['image', 'inspect', 'app:1']).stdout)[0];
    const file = path(`saved-${format}`);
    assert.equal(home.foster(['save', '--format', format, '-o', file, 'app:1']).stderr, '');
    home.foster(['rmi', 'app:1', 'registry.example.com/team/app:2']);
    assert.equal(home.foster(['load', '-i', file]).stdout, 'Loaded image: app:1\n');
    const again = JSON.parse(home.foster(['image', 'inspect', 'app:1']).stdout)[0];
    assert.deepEqual({ Id: again.Id, Digest: again.Digest }, { Id, Digest });
    runs('app:1');
  });

  test(`skopeo reads images saved as ${format}`, { skip: !hasSkopeo && 'skopeo is not installed' }, () => {
    home.load(archive);
    const file = path(`skopeo-${format}`);
    home.foster(['save', '--format', format, '-o', file, 'app:1']);
    const transport = format === 'oci-dir' ? 'oci' : format;
    skopeo('copy', `${transport}:${file}`, `oci:${file}.copy:copied:1`);
    assert.equal(home.foster(['load', '-i', `${file}.copy`]).stdout, 'Loaded image: copied:1\n');
    runs('copied:1');
  });
}

test('podman runs images that foster has saved', { skip: !hasPodman && 'podman is not installed' }, () => {
  home.load(archive);
  for (const format of ['docker-archive', 'oci-archive']) {
    const file = path(`podman-${format}.tar`);
    home.foster(['save', '--format', format, '-o', file, 'app:1']);
    const storage = ['--root', path('podman'), '--runroot', path('podman-run'), '--storage-driver', 'vfs'];
    const podman = (...args: string[]) =>
      spawnSync('podman', [...storage, ...args], { env: home.env, encoding: 'utf8' });
    const loaded = podman('load', '-q', '-i', file);
    assert.match(loaded.stdout, /docker\.io\/library\/app:1/, loaded.stderr);
    podman('unshare', 'rm', '-rf', path('podman'), path('podman-run'));
  }
});

test("from an index of several platforms this machine's is loaded", () => {
  const layout = new OciLayout();
  const own = layout.image({
    layers: [{ members: BUSYBOX_LAYER }],
    config: { Cmd: ['sh', '-c', 'echo own'] },
  });
  const other = layout.image({
    layers: [{ members: BUSYBOX_LAYER }],
    platform: { os: 'linux', architecture: 's390x' },
    config: { Cmd: ['sh', '-c', 'echo other'] },
  });
  const index = layout.index(
    [
      [{ os: 'linux', architecture: 's390x' }, other.manifest],
      [{ os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }, own.manifest],
    ],
    'multi',
  );
  const folder = path('multi');
  mkdirSync(`${folder}/blobs/sha256`, { recursive: true });
  for (const [digest, bytes] of layout.blobs)
    writeFileSync(`${folder}/blobs/sha256/${digest.slice(7)}`, bytes);
  const entry = { ...index, annotations: { 'org.opencontainers.image.ref.name': 'multi:1' } };
  writeFileSync(`${folder}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  assert.equal(home.foster(['load', '-i', folder]).stdout, 'Loaded image: multi:1\n');
  assert.equal(home.run(['--rm', 'multi:1']).stdout, 'own\n');
  home.foster(['load', '--platform', 'linux/s390x', '-i', folder]);
  assert.equal(home.foster(['image', 'inspect', '-f', '{{.Architecture}}', 'multi:1']).stdout, 's390x\n');
  assert.match(
    home.foster(['load', '--platform', 'linux/riscv64', '-i', folder]).stderr,
    /is not available for linux\/riscv64/,
  );
});

test('an archive cannot take the digest or the ID of another image for a name', () => {
  home.load(archive);
  const { Digest, Id } = JSON.parse(home.foster(['image', 'inspect', 'app:1']).stdout)[0];
  const other = { layers: [BUSYBOX_LAYER], config: { Cmd: ['echo', 'other'] } };
  const id = Id.slice('sha256:'.length);
  for (const name of [`app@${Digest}`, `app:1@${Digest}`, `sha256:${id}`]) {
    const { status, stderr } = home.foster(['load'], { input: dockerArchive({ ...other, names: [name] }) });
    assert.equal(status, 125);
    assert.match(stderr, /^foster: cannot load standard input: it names an image /);
  }
  const layout = new OciLayout();
  const one = layout.image({ layers: [{ members: BUSYBOX_LAYER }], config: { Cmd: ['echo', 'other'] } });
  for (const name of [`app@${Digest}`, `sha256:${id}`]) layout.names.set(name, one.manifest);
  layout.names.set(`app@${one.manifest.digest}`, one.manifest);
  const index = layout.index([[OWN, one.manifest]], 'first');
  layout.names.set(`app@${index.digest}`, index);
  layout.names.delete('first');
  const { stdout, stderr } = home.foster(['load', '-i', layout.write(path('names'))]);
  assert.equal(stdout, `Loaded image: app@${one.manifest.digest}\nLoaded image: app@${index.digest}\n`);
  assert.equal(stderr.match(/warning: an image is loaded without its name: /g)?.length, 2, stderr);
  runs(`app@${Digest}`);
  // a name that looks like an ID, however it was given
  home.foster(['tag', `app@${index.digest}`, `sha256:${id}`]);
  runs(Id);
  // the index is not saved, so its digest could not be verified
  const saved = home.foster([
    'save',
    '--format',
    'oci-archive',
    '-o',
    path('by-index'),
    `app@${index.digest}`,
  ]);
  assert.equal(saved.stderr, '');
  home.foster(['rmi', '-f', one.config.digest]);
  const again = home.foster(['load', '-i', path('by-index')]);
  assert.deepEqual([again.stdout, again.stderr], [`Loaded image: app@${one.manifest.digest}\n`, '']);
  home.foster(['rmi', '-f', one.config.digest, 'app:1']);
});

test('damaged archives are refused, and leave nothing behind', () => {
  home.foster(['rmi', '-f', ...home.foster(['images', '-q']).stdout.split('\n').filter(Boolean)]);
  const refuses = (input: Buffer, words: RegExp) => {
    const { status, stdout, stderr } = home.foster(['load'], { input });
    assert.deepEqual({ status, stdout }, { status: 125, stdout: '' }, stderr);
    assert.match(stderr, words);
    assert.match(stderr, /^foster: cannot load standard input: [^\n]+\n$/);
    assert.deepEqual(home.stored(), { blobs: [], layers: [], leftovers: [] });
  };
  refuses(Buffer.alloc(0), /it is empty/);
  refuses(Buffer.from('x'.repeat(2000)), /not a tar archive/);
  refuses(archive.subarray(0, archive.length - 3000), /truncated/);
  refuses(gzipSync(archive).subarray(0, 500_000), /truncated/);
  refuses(tar({ name: 'file', content: 'x' }), /neither index.json nor manifest.json/);
  refuses(tar({ name: 'manifest.json', content: '[' }), /its manifest.json is not JSON/);
  refuses(tar({ name: 'manifest.json', content: '{}' }), /its manifest.json is not a list of images/);
  refuses(tar({ name: 'manifest.json', content: Buffer.alloc(9_000_000, ' ') }), /too large/);
  refuses(
    tar({ name: 'manifest.json', content: '[{"Config":"../../etc/passwd","RepoTags":null,"Layers":[]}]' }),
    /it lacks/,
  );
  refuses(
    tar(
      { name: 'manifest.json', content: '[{"Config":"c","RepoTags":null,"Layers":[]}]' },
      { name: 'c', type: '2', target: 'c' },
    ),
    /it lacks/,
  );
  refuses(tar({ name: 'repositories', content: '{}' }), /before 1\.10/);
  refuses(tar({ name: 'index.json', content: '{"schemaVersion":2,"manifests":[]}' }), /it contains no image/);
  const digest = `sha256:${'0'.repeat(64)}`;
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const index = JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: type, digest, size: 2 }] });
  refuses(tar({ name: 'index.json', content: index }), /it lacks sha256:0000/);
  const lie = tar(
    { name: `blobs/sha256/${'0'.repeat(64)}`, content: '{}' },
    { name: 'index.json', content: index },
  );
  refuses(lie, /its file for .* has the digest/);
});

test('a layer that is damaged in the file of an archive is noticed while it is unpacked', () => {
  const before = home.stored();
  const layout = new OciLayout();
  const members = [{ name: 'large', content: Buffer.alloc(3 << 20, 'text') }];
  const [layer] = layout.image({ layers: [{ members, compression: 'none' }] }, 'damaged').layers;
  layout.blobs.get(layer?.digest ?? '')?.write('other', 2 << 20);
  const index = { schemaVersion: 2, manifests: [...layout.names.values()] };
  writeFileSync(
    path('damaged.tar'),
    tar(
      ...[...layout.blobs].map(([digest, content]) => ({ name: `blobs/sha256/${digest.slice(7)}`, content })),
      { name: 'index.json', content: JSON.stringify(index) },
    ),
  );
  const { status, stderr } = home.foster(['load', '-i', path('damaged.tar')]);
  assert.equal(status, 125);
  assert.match(stderr, new RegExp(`its file for ${layer?.digest} has the digest sha256:`));
  assert.deepEqual(home.stored(), before);
});

/** What a load keeps until it knows whether it is whole. */
function putAside(): string[] {
  const incoming = path('data/foster/images/incoming');
  return existsSync(incoming) ? readdirSync(incoming) : [];
}

test('two loads at once, and one that is killed', async () => {
  const start = () => spawn(FOSTER, ['load', '-q'], { env: home.env, stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = (child: ReturnType<typeof start>) => new Promise((resolve) => child.on('close', resolve));
  const children = [start(), start(), start()];
  const codes = children.map(ended);
  for (const child of children) child.stdin.end(archive);
  assert.deepEqual(await Promise.all(codes), [0, 0, 0]);
  runs('app:1');
  const killed = start();
  const end = ended(killed);
  killed.stdin.on('error', () => {});
  killed.stdin.write(archive.subarray(0, archive.length / 2));
  await waitUntil('something is put aside', () => putAside().length > 0);
  assert.equal(putAside().length, 1);
  killed.kill('SIGKILL');
  await end;
  home.foster(['image', 'prune', '-f']);
  assert.deepEqual(home.stored().leftovers, []);
  runs('app:1');
});

test('Ctrl-C removes the temporary files', async () => {
  const child = spawn(FOSTER, ['load'], { env: home.env, stdio: ['pipe', 'ignore', 'inherit'] });
  const end = new Promise((resolve) => child.on('close', resolve));
  child.stdin.on('error', () => {});
  child.stdin.write(archive.subarray(0, archive.length / 2));
  await waitUntil('something is put aside', () => putAside().length > 0);
  child.kill('SIGINT');
  assert.equal(await end, 130);
  assert.deepEqual(home.stored().leftovers, []);
});

test('import creates an image from a root filesystem', () => {
  const root = tar(...BUSYBOX_LAYER, { name: 'owned', uid: 12 });
  writeFileSync(path('root.tar.gz'), gzipSync(root));
  const changes = ['-c', 'CMD ["stat", "-c", "%u", "/owned"]', '-c', 'ENV A="b c"', '-c', 'EXPOSE 80'];
  const { stdout, stderr } = home.foster(['import', ...changes, path('root.tar.gz'), 'imported:1']);
  assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/, stderr);
  assert.equal(home.run(['--rm', 'imported:1']).stdout, '12\n');
  assert.equal(home.run(['--rm', 'imported:1', 'sh', '-c', 'echo $A']).stdout, 'b c\n');
  assert.equal(
    home.foster(['image', 'inspect', '-f', '{{json .Config.ExposedPorts}}', 'imported:1']).stdout,
    '{"80/tcp":{}}\n',
  );
  const packed = execFileSync('xz', ['-c'], { input: root, maxBuffer: 1e8 });
  home.foster(['import', '-c', 'CMD ["stat", "-c", "%u", "/owned"]', '-', 'packed:1'], { input: packed });
  assert.equal(home.run(['--rm', 'packed:1']).stdout, '12\n');
  assert.match(
    home.foster(['import', 'https://x/y.tar']).stderr,
    /foster imports only files; download it: curl/,
  );
  assert.match(
    home.foster(['import', '-', 'x'], { input: 'junk'.repeat(500) }).stderr,
    /^foster: cannot import standard input: .*not a tar archive/,
  );
  assert.match(home.foster(['import', '-c', 'RUN x', '-'], { input: root }).stderr, /unknown instruction/);
});

test('a saved file is complete or does not exist', () => {
  home.load(archive);
  writeFileSync(path('kept.tar'), 'before');
  const { status, stderr } = home.foster(['save', '-o', path('kept.tar'), 'app:1', 'nothing:1']);
  assert.equal(status, 1);
  assert.match(stderr, /no such image: nothing:1/);
  assert.equal(readFileSync(path('kept.tar'), 'utf8'), 'before');
});
