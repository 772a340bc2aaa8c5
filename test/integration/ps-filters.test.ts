import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';

/** What `ps --filter` lists. */
const home = new ImagesHome();
const containers = new Containers(home);

before(() => {
  const config = { Cmd: ['true'], ExposedPorts: { '80/tcp': {}, '53/udp': {} } };
  const more = { name: 'srv/more', content: '' };
  home.load(dockerArchive({ names: ['base:1'], layers: [[...BUSYBOX_LAYER]], config }));
  home.load(dockerArchive({ names: ['derived:1'], layers: [[...BUSYBOX_LAYER], [more]], config }));
  containers.ok('create', '--name', 'web', '--label', 'tier=front', '--label', 'own', 'base:1');
  containers.ok('create', '--name', 'web-2', '--label', 'tier=back', 'derived:1');
  containers.ok(
    'create',
    '--name',
    'db',
    '-v',
    `${home.shared}:/data`,
    '--network',
    'host',
    'busybox',
    'true',
  );
  containers.detach('runs', 'sleep 1000', ['--health-cmd', 'false', '--health-interval', '1h']);
  home.run(['--name', 'failed', 'busybox', 'sh', '-c', 'exit 3']);
});

after(() => containers.removeAll());

function names(...filters: string[]): string {
  const flags = filters.flatMap((filter) => ['--filter', filter]);
  return containers
    .ok('ps', '-a', ...flags, '--format', '{{.Names}}')
    .trim()
    .split('\n')
    .sort()
    .join(' ');
}

test('filters choose containers as in Docker and Podman', () => {
  const cases: [string[], string][] = [
    [['name=^web$'], 'web'],
    [['name=^/web$'], 'web'],
    [['name=web'], 'web web-2'],
    [['name=db|runs'], 'db runs'],
    [['name=db', 'name=runs'], 'db runs'],
    [[`id=^${containers.inspect('db', '{{.Id}}').slice(0, 12)}`], 'db'],
    [['label=tier'], 'web web-2'],
    [['label=tier=front'], 'web'],
    [['label=tier', 'label=own'], 'web'],
    [['label!=tier'], 'db failed runs'],
    [['label!=tier=front', 'label=tier'], 'web-2'],
    [['status=running'], 'runs'],
    [['status=created', 'name=web'], 'web web-2'],
    [['status=configured', 'name=db'], 'db'],
    [['status=stopped'], 'failed'],
    [['exited=3'], 'failed'],
    [['exited=0'], ''],
    [['before=web-2'], 'web'],
    [['since=db'], 'failed runs'],
    [['until=1h'], ''],
    [['until=0s'], 'db failed runs web web-2'],
    [['ancestor=base:1'], 'web web-2'],
    [['ancestor=derived:1'], 'web-2'],
    [['ancestor=busybox'], 'db failed runs'],
    [['volume=/data'], 'db'],
    [[`volume=${home.shared}`], 'db'],
    [['network=host'], 'db'],
    [['network=none', 'name=e'], 'failed web web-2'],
    [['health=starting'], 'runs'],
    [['health=none', 'name=db'], 'db'],
    [['expose=80'], 'web web-2'],
    [['expose=50-60/udp', 'name=^web$'], 'web'],
    [['expose=53'], ''],
  ];
  for (const [filters, expected] of cases) assert.equal(names(...filters), expected, filters.join(' '));
  assert.equal(
    containers.ok('ps', '-q', '--no-trunc', '--filter', 'name=web'),
    '',
    'those that run, where nothing is said',
  );
});

test('filters that make no sense are errors', () => {
  const cases: [string, RegExp][] = [
    ['name=(', /it is not a regular expression/],
    ['status=nope', /expected one of created, configured/],
    ['health=ill', /expected one of starting/],
    ['exited=x', /an exit code/],
    ['before=nobody', /no such container: nobody/],
    ['expose=x', /expected PORT/],
    ['until=x', /expected a time/],
    ['colour=red', /KEY being one of ancestor/],
    ['name', /KEY being one of/],
  ];
  for (const [filter, message] of cases) {
    const { status, stdout, stderr } = home.foster(['ps', '--filter', filter]);
    assert.deepEqual([status !== 0, stdout], [true, ''], filter);
    assert.match(stderr, message);
  }
});

test('ps does not read the records of containers that it does not list', () => {
  const id = containers.inspect('failed', '{{.Id}}');
  const record = join(containers.folder(id), 'config.json');
  renameSync(record, `${record}.kept`);
  // whoever opens a pipe waits for somebody who writes to it
  execFileSync('mkfifo', [record]);
  try {
    const { status, stdout } = home.foster(['ps', '--format', '{{.Names}}']);
    assert.deepEqual([status, stdout], [0, 'runs\n']);
  } finally {
    renameSync(`${record}.kept`, record);
  }
});
