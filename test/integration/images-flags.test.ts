import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { tar } from './support/tar.js';

/** Flags and fields of Docker's and Podman's commands for images. */
const home = new ImagesHome();
const run = (line: string) => home.foster(line.split(' '));
const out = (line: string) => {
  const { status, stdout, stderr } = run(line);
  assert.equal(status, 0, `foster ${line}: ${stderr}`);
  return stdout;
};
const lines = (text: string) => text.split('\n').filter(Boolean);

const app = {
  names: ['app:1'],
  layers: [BUSYBOX_LAYER],
  config: { Cmd: ['sh'], Labels: { kind: 'app' }, User: '5' },
  history: [{ created: '2024-01-02T03:04:05Z', created_by: 'COPY . /', comment: 'first' }],
  created: '2024-01-02T03:04:05Z',
};
const other = {
  names: ['other:2'],
  layers: [[{ name: 'etc/' }, { name: 'etc/file', content: 'x'.repeat(3_000_000) }]],
  created: '2025-01-02T03:04:05Z',
};
/** What is loaded has them; a test that removes them loads them again. */
const load = () => home.load(dockerArchive(app, other));
before(load);

test('images lists what filters ask for, in the order of --sort', () => {
  const cases: [filters: string, names: string[]][] = [
    ['--sort created', ['other', 'app']],
    ['--sort repository', ['app', 'other']],
    ['--sort size', ['other', 'app']],
    ['--sort tag', ['app', 'other']],
    ['--filter before=other:2', ['app']],
    ['--filter since=app:1', ['other']],
    ['--filter after=app:1', ['other']],
    ['--filter until=2024-06-01', ['app']],
    ['--filter label=kind', ['app']],
    ['--filter label!=kind', ['other']],
    ['--filter label!=kind=other', ['other', 'app']],
    ['--filter containers=false', ['other', 'app']],
    ['--filter containers=true', []],
    ['--filter readonly=true', []],
    ['--filter readonly=false', ['other', 'app']],
    ['--filter intermediate=true', []],
    ['--filter manifest=false', ['other', 'app']],
    ['--filter dangling=0', ['other', 'app']],
    [`--filter id=${out('images -q app')}`.trim(), ['app']],
    ['--filter reference=a??', ['app']],
    ['--filter reference=[o-z]*:2', ['other']],
    ['--filter reference=localhost/app', ['app']],
    ['docker.io/library/app:1', ['app']],
  ];
  for (const [flags, names] of cases)
    assert.deepEqual(lines(out(`images --format {{.Repository}} ${flags}`)), names, flags);
  for (const [flags, problem] of [
    ['--sort colour', /--sort 'colour': expected one of created, id, /],
    ['--filter dangling=maybe', /expected true or false/],
    ['--filter colour=red', /KEY being one of before, since, after, until/],
  ] as const) {
    const { status, stderr } = run(`images ${flags}`);
    assert.equal(status, 125);
    assert.match(stderr, problem);
  }
});

test('images leaves headings out, and knows the fields of both', () => {
  assert.equal(lines(out('images -n')).length, 2);
  assert.equal(lines(out('images --noheading --digests')).length, 2);
  const format =
    '{{.ID}} {{.CreatedAt}} {{.Created}} {{.Containers}} {{.Labels.kind}} {{json .Names}} {{.VirtualSize}} {{.ReadOnly}}';
  assert.match(
    home.foster(['images', '--format', format, 'app']).stdout,
    /^[0-9a-f]{12} 2024-01-02 03:04:05 \+0000 UTC .* ago 0 app \["docker.io\/library\/app:1"\] .*MB false\n$/,
  );
});

test('inspect has the fields of Docker and Podman', () => {
  const fields: [field: string, value: RegExp][] = [
    ['.ID', /^sha256:/],
    ['.Labels', /^map\[kind:app\]/],
    ['.User', /^5$/],
    ['.VirtualSize', /^\d+$/],
    ['.Parent', /^$/],
    ['.NamesHistory', /^\[docker.io\/library\/app:1\]/],
    ['.ManifestType', /^application\/vnd.oci.image.manifest/],
    ['.Annotations', /^map\[\]/],
    ['.GraphDriver.Data.UpperDir', /^\//],
    ['(index .History 0).CreatedBy', /^COPY/],
    ['.Comment', /^first$/],
    ['.RootFS.Type', /^layers$/],
    ['.Config.Cmd', /^\[sh\]$/],
  ];
  for (const [field, value] of fields) {
    const { stdout, stderr } = home.foster(['image', 'inspect', '-f', `{{${field}}}`, 'app:1']);
    assert.match(stdout.trim(), value, `${field}: ${stderr}`);
  }
});

test('history --human=false prints bytes and instants', () => {
  assert.match(
    home.foster(['history', '--human=false', '--format', '{{.Size}} {{.CreatedSince}}', 'app:1']).stdout,
    /^\d{5,} 2024-01-02T03:04:05Z\n$/,
  );
  assert.match(out('history -q --no-trunc app:1'), /^sha256:[0-9a-f]{64}\n$/);
});

test('what was never created shows no time', () => {
  const { created: _, ...timeless } = { ...app, names: ['timeless'], history: [] };
  home.load(dockerArchive(timeless));
  assert.equal(out('images --format {{.CreatedSince}} timeless'), 'N/A\n');
  out('rmi timeless');
});

test('names are taken from an image, and looked up by the names of Docker and of Podman', () => {
  out('tag localhost/app:1 short localhost/named:3');
  assert.equal(out('image exists docker.io/library/short:latest'), '');
  assert.equal(run('image exists nosuch').status, 1);
  out('untag app:1 localhost/short');
  assert.equal(run('image exists short').status, 1);
  assert.match(
    run('untag app:1 nosuch').stderr,
    /^foster: image app:1 does not have the name nosuch; its names/,
  );
  assert.equal(run('untag app:1 nosuch').status, 125);
  for (const line of [
    'history -q docker.io/library/named:3',
    'image inspect -f {{.Id}} named:3',
    'image tree named:3',
  ])
    out(line);
  assert.equal(out('rmi named:3'), 'Untagged: localhost/named:3\n');
  const id = out('images -q app').trim();
  out('image untag app:1');
  assert.deepEqual(lines(out('images -q --filter dangling=true')), [id]);
  out(`tag ${id} app:1`);
});

test('save writes only the names that were asked for', () => {
  out('tag app:1 app:2');
  const tagsOf = (archive: string) =>
    (
      JSON.parse(spawnSync('tar', ['-xOf', home.path(archive), 'manifest.json']).stdout.toString()) as {
        RepoTags: string[];
      }[]
    ).flatMap(({ RepoTags }) => RepoTags);
  const id = out('images -q app:1').trim();
  out(`save -o ${home.path('id.tar')} ${id}`);
  assert.deepEqual(tagsOf('id.tar'), []);
  out(`save -q -m -o ${home.path('names.tar')} localhost/app:2 other:2`);
  assert.deepEqual(tagsOf('names.tar'), ['docker.io/library/app:2', 'docker.io/library/other:2']);
  out('rmi app:2');
});

test('save --format docker-dir writes what skopeo reads', () => {
  out(`save --format docker-dir -o ${home.path('app.dir')} app:1`);
  const manifest = JSON.parse(readFileSync(home.path('app.dir/manifest.json'), 'utf8'));
  assert.equal(manifest.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  assert.ok(readdirSync(home.path('app.dir')).includes(manifest.config.digest.slice(7)));
  const { status, stderr } = spawnSync('skopeo', ['inspect', `dir:${home.path('app.dir')}`], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(
    run(`save --format docker-dir -o ${home.path('two.dir')} app:1 other:2`).stderr,
    /holds one image only/,
  );
});

test('archives of images are not taken for root filesystems', () => {
  out(`save -o ${home.path('saved.tar')} app:1`);
  for (const line of [`run --rm ${home.path('saved.tar')} true`, `import ${home.path('saved.tar')} x`]) {
    const { status, stderr } = run(line);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /it is the archive of an image, not a root filesystem; use 'foster load -i .*saved.tar'\n/,
    );
  }
  assert.deepEqual(lines(out('images -q x')), []);
});

test('import makes an image for another platform, from standard input too', () => {
  const archive = tar(...BUSYBOX_LAYER);
  const { stdout } = home.foster('import -q --arch arm --variant v7 -m made -c USER=7 - armed'.split(' '), {
    input: archive,
  });
  assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
  const { stdout: shown } = home.foster([
    'image',
    'inspect',
    '-f',
    '{{.Os}}/{{.Architecture}}/{{.Variant}} {{.Comment}}',
    'armed',
  ]);
  assert.equal(shown, 'linux/arm/v7 made\n');
  assert.match(
    run('import --platform linux/arm --arch arm x y').stderr,
    /--platform 'linux\/arm': it cannot be used together with --arch/,
  );
  out('rmi armed');
});

test('rmi ignores what is missing, and removes all', () => {
  assert.deepEqual(run('rmi -i nosuch'), { status: 0, signal: null, stdout: '', stderr: '' });
  assert.match(run('rmi').stderr, /^foster: rmi needs images; /);
  assert.match(run('rmi -a app:1').stderr, /cannot be used together/);
  assert.match(out('rmi --no-prune --all'), /Untagged: app:1\nDeleted: /);
  assert.equal(out('images -q'), '');
  load();
});

test('image prune removes only what filters ask for', () => {
  assert.doesNotMatch(out('image prune -af --filter until=2023-01-01'), /Deleted/);
  assert.doesNotMatch(out('image prune -af --filter label=nosuch'), /Deleted/);
  assert.match(out('image prune -af --filter label!=kind'), /Untagged: other:2\n/);
  assert.deepEqual(lines(out('images --format {{.Repository}}')), ['app']);
  assert.match(
    run('image prune -f --filter reference=x').stderr,
    /KEY being one of dangling, label, label!, until/,
  );
  load();
});
