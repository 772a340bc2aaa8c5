import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** Volumes and ports of an image; and `-v DESTINATION`. */
const home = new ImagesHome();
const containers = new Containers(home);
const out = (...args: string[]) => containers.ok(...args);

const base = [
  ...BUSYBOX_LAYER,
  { name: 'data/', type: '5', mode: 0o750, uid: 7, gid: 8 },
  { name: 'data/gone', content: 'of the lower layer' },
  { name: 'data/kept', content: 'kept', uid: 7, gid: 8, mode: 0o640 },
  { name: 'link', type: '2', target: '/data/../srv/real' },
  { name: 'outside', type: '2', target: '/../../../../..' },
];
const second = [
  { name: 'data/', type: '5', mode: 0o750, uid: 7, gid: 8 },
  { name: 'data/.wh.gone' },
  { name: 'srv/real/file', content: 'through a link' },
  { name: 'data/sub/', type: '5' },
];
const Volumes = { '/data': {}, '/link': {}, '/var/new/deep/': {} };
home.load(dockerArchive({ names: ['app:1'], layers: [base, second], config: { Volumes, Cmd: ['sh'] } }));

afterEach(() => {
  containers.removeAll();
  assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
});

for (const driver of ['overlay', 'copy']) {
  test(`a volume of an image starts with the image's files (${driver})`, () => {
    home.env.FOSTER_STORAGE_DRIVER = driver;
    const script =
      'stat -c "%n %u:%g %a" /data /data/kept; ls /data; cat /link/file; stat -c "%u %a" /var/new/deep';
    assert.equal(
      out('run', '--rm', 'app:1', 'sh', '-c', script),
      '/data 7:8 750\n/data/kept 7:8 640\nkept\nsub\nthrough a link0 755\n',
    );
    delete home.env.FOSTER_STORAGE_DRIVER;
  });
}

test('files in a volume stay with the container, and are not changes of its root filesystem', () => {
  out(
    'run',
    '--name',
    'one',
    'app:1',
    'sh',
    '-c',
    'echo more >> /data/kept; echo x > /data/sub/x; echo y > /y',
  );
  assert.equal(out('diff', 'one'), 'A /y\n');
  out('commit', 'one', 'changed');
  assert.equal(out('run', '--rm', 'changed', 'cat', '/data/kept'), 'kept');
  assert.equal(
    out('image', 'inspect', '-f', '{{json .Config.Volumes}}', 'changed').trim(),
    JSON.stringify(Volumes),
  );
  out('cp', 'one:/data/sub/x', home.path('x'));
  assert.equal(readFileSync(home.path('x'), 'utf8'), 'x\n');
  out('run', '-d', '--name', 'two', 'app:1', 'sleep', '1000');
  out('exec', 'two', 'sh', '-c', 'echo 1 >> /data/kept');
  out('restart', '-t', '1', 'two');
  assert.equal(out('exec', 'two', 'cat', '/data/kept'), 'kept1\n');
});

test('-v and --mount without a source, and what replaces a volume', () => {
  out(
    'create',
    '--name',
    'one',
    '-v',
    '/bin/../srv',
    '--mount',
    'type=volume,dst=/etc,ro',
    '--tmpfs',
    '/data',
    'app:1',
  );
  const mounts = JSON.parse(containers.inspect('one', '{{json .Mounts}}')) as Record<string, unknown>[];
  assert.deepEqual(
    mounts.map(({ Type, Destination, RW }) => [Type, Destination, RW]),
    [
      ['volume', '/srv', true],
      ['volume', '/etc', false],
      ['tmpfs', '/data', true],
      ['volume', '/link', true],
      ['volume', '/var/new/deep', true],
    ],
  );
  const script = 'cat /srv/real/file; ls -A /data; touch /etc/x';
  const { status, stdout, stderr } = home.run([
    '--rm',
    '-v',
    '/srv',
    '--mount',
    'dst=/etc,ro',
    '--tmpfs',
    '/data',
    'app:1',
    'sh',
    '-c',
    script,
  ]);
  assert.deepEqual([status, stdout], [1, 'through a link']);
  assert.match(stderr, /\/etc\/x: Read-only file system/);
});

test('a link that leads out of the image leads to its top', () => {
  home.load(
    dockerArchive({ names: ['out:1'], layers: [base], config: { Volumes: { '/outside/data': {} } } }),
  );
  assert.equal(out('run', '--rm', 'out:1', 'ls', '/data'), 'gone\nkept\n');
});

test("an image's ports are shown, of a container that runs in ps too", () => {
  const ExposedPorts = { '443': {}, '80/tcp': {}, '53/udp': {}, nonsense: {} };
  home.load(dockerArchive({ names: ['ports:1'], layers: [base], config: { ExposedPorts } }));
  out('run', '-d', '--name', 'one', 'ports:1', 'sleep', '1000');
  assert.equal(out('ps', '--format', '{{.Ports}}'), '53/udp, 80/tcp, 443/tcp\n');
  assert.equal(
    containers.inspect('one', '{{json .Config.ExposedPorts}}'),
    '{"53/udp":{},"80/tcp":{},"443/tcp":{}}',
  );
});

test('rm -v removes the volumes with the container, also those of other users', () => {
  const id = out('run', '-d', '--userns', 'auto', 'app:1', 'sleep', '1000').trim();
  assert.equal(out('exec', id, 'stat', '-c', '%u', '/data/kept'), '7\n');
  const names = containers.inspect(id, '{{range .Mounts}}{{.Name}} {{end}}').split(' ');
  assert.equal(names.length, 3);
  const left = () => names.filter((name) => existsSync(home.path(`data/foster/volumes/${name}`)));
  assert.deepEqual(left(), names);
  out('rm', '-f', '-v', id);
  assert.deepEqual(left(), []);
});

test('a path without a slash in front counts from the root: VOLUME [/data, /more]', () => {
  home.load(
    dockerArchive({
      names: ['careless:1'],
      layers: [base],
      config: { Volumes: { '[/data,': {}, 'more]': {} } },
    }),
  );
  const script = 'grep -o "/[[].data,\\|/more[]]" /proc/mounts | sort';
  assert.equal(out('run', '--rm', 'careless:1', 'sh', '-c', script), '/[/data,\n/more]\n');
});

test('impossible volumes', () => {
  home.load(dockerArchive({ names: ['bad:1'], layers: [base], config: { Volumes: { '../..': {} } } }));
  const { status, stderr } = home.run(['--rm', 'bad:1']);
  assert.equal(status, 125);
  assert.match(stderr, /the image declares a volume at '\.\.\/\.\.', which cannot be a mount point/);
  home.load(dockerArchive({ names: ['file:1'], layers: [base], config: { Volumes: { '/data/kept': {} } } }));
  const file = home.run(['--rm', 'file:1', 'true']);
  assert.equal(file.status, 125);
  assert.match(file.stderr, /\/data\/kept/);
});
