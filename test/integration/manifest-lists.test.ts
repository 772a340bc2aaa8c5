import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { DebianRegistry } from './support/registry.js';

/** Lists of images for several platforms: foster manifest. */
const home = new ImagesHome();
let registry: DebianRegistry;

before(async () => {
  registry = await DebianRegistry.start(home.path('registry'));
  home.load(
    dockerArchive(
      { names: ['app:one'], layers: [BUSYBOX_LAYER], config: { Cmd: ['echo', 'one'] } },
      { names: ['app:two'], layers: [BUSYBOX_LAYER, [{ name: 'two', content: '2' }]] },
    ),
  );
});
after(() => registry.stop());

function out(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(args);
  assert.equal(status, 0, stderr);
  return stdout;
}

interface Index {
  mediaType: string;
  manifests: { mediaType: string; digest: string; platform: object; annotations?: object }[];
}

const inspected = (list: string) => JSON.parse(out('manifest', 'inspect', list)) as Index;

/** As another tool sees it in the registry. */
function served(name: string): Index {
  const text = execFileSync('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${name}`], {
    encoding: 'utf8',
    env: home.env,
  });
  return JSON.parse(text) as Index;
}

test('a list is made, changed, pushed with its images, and removed', () => {
  const own = home.foster(['image', 'inspect', '-f', '{{.Architecture}}', 'app:one']).stdout.trim();
  assert.match(out('manifest', 'create', 'app:1', 'app:one'), /^[0-9a-f]{64}\n$/);
  const platform = ['--arch', 'arm', '--variant', 'v7', '--os-version', '1', '--features', 'a,b'];
  out('manifest', 'add', ...platform, '--annotation', 'kind=second', 'app:1', 'app:two');
  const [one, two] = inspected('app:1').manifests;
  assert.deepEqual(one?.platform, { architecture: own, os: 'linux' });
  assert.deepEqual(two?.platform, {
    architecture: 'arm',
    os: 'linux',
    variant: 'v7',
    'os.version': '1',
    features: ['a', 'b'],
  });
  assert.deepEqual(two?.annotations, { kind: 'second' });

  out(
    'manifest',
    'annotate',
    '--variant',
    'v8',
    '--os-features',
    'x',
    '--annotation',
    'more=1',
    'app:1',
    two?.digest ?? '',
  );
  const changed = inspected('app:1').manifests[1];
  assert.deepEqual(changed?.annotations, { kind: 'second', more: '1' });
  assert.match(JSON.stringify(changed?.platform), /"variant":"v8".*"os\.features":\["x"\]/);

  const name = `${registry.host}/lists/app:1`;
  const digest = out('manifest', 'push', '-q', '--digestfile', home.path('digest'), 'app:1', name).trim();
  assert.equal(readFileSync(home.path('digest'), 'utf8'), digest);
  assert.deepEqual(served(name), inspected('app:1'));
  assert.deepEqual(served(`${registry.host}/lists/app@${digest}`), inspected('app:1'));
  assert.equal(out('run', '--rm', '-q', '--pull', 'always', name), 'one\n');

  // of another list, and of an image that is only in the registry
  out('manifest', 'create', 'app:all', 'app:1');
  assert.deepEqual(inspected('app:all').manifests, inspected('app:1').manifests);
  out('rmi', name);
  out('manifest', 'create', '--amend', 'app:all', name);
  assert.equal(inspected('app:all').manifests.length, 2, 'the same image is in it once');
  assert.match(out('manifest', 'remove', 'app:all', 'app:two'), /^[0-9a-f]{64}\n$/);
  assert.deepEqual(inspected('app:all').manifests, [one]);

  const removed = out('manifest', 'rm', 'app:1', 'app:all');
  assert.match(
    removed,
    /^Untagged: docker\.io\/library\/app:1\nDeleted: [0-9a-f]{64}\nUntagged: .*app:all\n/,
  );
  assert.equal(home.foster(['manifest', 'exists', 'app:1']).status, 1);
  assert.equal(inspected(name).manifests.length, 2, 'the one in the registry');
});

test('build --manifest adds the image to a list', () => {
  writeFileSync(home.path('Dockerfile'), 'FROM app:one\nLABEL a=b\n');
  const build = (...flags: string[]) =>
    out(
      'build',
      '-q',
      '-f',
      home.path('Dockerfile'),
      ...flags,
      '--manifest',
      'built:all',
      home.path('registry'),
    );
  const first = build();
  build('--label', 'c=d');
  build('--label', 'c=d');
  const { manifests } = inspected('built:all');
  assert.equal(manifests.length, 2);
  assert.equal(out('image', 'inspect', '-f', '{{.Digest}}', first.trim()).trim(), manifests[0]?.digest);
});

test("in Docker's format, with manifests to fit", () => {
  const name = `${registry.host}/lists/docker:1`;
  out('manifest', 'create', name, 'app:one', 'app:two');
  out('manifest', 'push', '-q', '-f', 'v2s2', '--rm', name);
  const { mediaType, manifests } = served(name);
  assert.equal(mediaType, 'application/vnd.docker.distribution.manifest.list.v2+json');
  assert.ok(manifests.every((one) => one.mediaType.includes('docker.distribution.manifest.v2')));
  assert.equal(home.foster(['manifest', 'exists', name]).status, 1);
  assert.equal(out('run', '--rm', '-q', name), 'one\n');
});

test('the images of a list stay in the store as long as it is there', () => {
  const list = `${registry.host}/lists/kept:1`;
  home.load(dockerArchive({ names: ['gone:1'], layers: [[{ name: 'only-here' }]] }));
  out('manifest', 'create', list, 'gone:1');
  out('rmi', 'gone:1');
  out('system', 'prune', '-f');
  out('manifest', 'push', '-q', list);
  const [{ digest = '' } = {}] = served(list).manifests;
  out('manifest', 'rm', list);
  out('system', 'prune', '-f');
  assert.throws(
    () => readFileSync(home.path(`data/foster/images/blobs/sha256/${digest.slice('sha256:'.length)}`)),
    {
      code: 'ENOENT',
    },
  );
});

test('rmi removes a list like an image, whose images stay', () => {
  out('manifest', 'create', 'short:1', 'app:one');
  assert.equal(out('rmi', 'short:1'), 'Untagged: short:1\n');
  assert.equal(home.foster(['manifest', 'exists', 'short:1']).status, 1);
  assert.equal(home.foster(['image', 'exists', 'app:one']).status, 0);
  assert.equal(home.foster(['rmi', 'short:1']).status, 1);
});

test('mistakes are refused in a sentence', () => {
  out('manifest', 'create', 'wrong:1', 'app:one');
  const cases: [args: string[], code: number, error: RegExp][] = [
    [['create', 'wrong:1'], 125, /there is a list wrong:1 already; add images to it with --amend/],
    [['create', 'app:one'], 125, /there is an image app:one already/],
    [['create', 'Wrong:1'], 125, /Wrong:1/],
    [['add', 'nolist', 'app:one'], 1, /no such list of images: nolist; make it first/],
    [['remove', 'wrong:1', 'app:two'], 1, /app:two is not in the list docker\.io\/library\/wrong:1/],
    [['rm', 'wrong:1', 'nolist'], 1, /no such list of images: nolist/],
    [['annotate', '--annotation', 'x', 'wrong:1', 'app:one'], 125, /--annotation 'x': expected KEY=VALUE/],
    [['push', '--all=false', 'wrong:1'], 125, /--all=false is not supported: a list needs its images/],
    [['push', '-f', 'v1', 'wrong:1'], 125, /--format 'v1': expected oci or v2s2/],
    [['inspect', `${registry.host}/nothing:1`], 125, /nothing:1/],
  ];
  for (const [args, code, error] of cases) {
    const { status, stdout, stderr } = home.foster(['manifest', ...args]);
    assert.match(stderr, error);
    assert.deepEqual([status, stdout, stderr.trimEnd().split('\n').length], [code, '', 1], args.join(' '));
  }
  assert.equal(home.foster(['manifest', 'exists', 'wrong:1']).status, 0, 'rm removes all or none');
  writeFileSync(home.path('data/foster/images/lists.json'), '{"wro');
  assert.match(home.foster(['manifest', 'inspect', 'wrong:1']).stderr, /^foster: the file of lists .*\n$/);
  out('system', 'reset', '-f');
  out('manifest', 'create', 'wrong:1');
});
