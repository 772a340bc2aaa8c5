/** What ps, inspect, logs, events, top, stats, diff, commit and mount show, by the options of Docker and Podman. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { ImagesHome } from './support/image-archive.js';
import { waitUntil } from './support/wait.js';

const home = new ImagesHome();
const containers = new Containers(home);

before(async () => {
  containers.detach('web', 'echo one; echo two >&2; echo written > /new; exec sleep 1000', ['-v', '/data']);
  await containers.logs('web', 'one');
  await waitUntil('it has written', () => home.foster(['exec', 'web', 'cat', '/new']).stdout === 'written\n');
  containers.ok('commit', 'web', 'base:1');
  home.run(['--name', 'failed', 'base:1', 'sh', '-c', 'echo three; exit 3']);
});

/** A line of it, with single spaces. */
const shown = (...args: string[]) =>
  containers
    .ok(...args)
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/ {2,}/g, ' | '));

test('ps lists by the options of Docker and Podman', () => {
  const id = containers.inspect('web', '{{.Id}}');
  const pid = containers.pid('web');
  const image = home.foster(['image', 'inspect', '-f', '{{.Id}}', 'base:1']).stdout.trim();
  const net = /\d+/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[0];
  const cases: [string[], RegExp[]][] = [
    [['-l', '--format', '{{.Names}}'], [/^failed$/]],
    [['--latest', '-q', '--no-trunc'], [/^[0-9a-f]{64}$/]],
    [['-n', '1', '--format', '{{.Names}}'], [/^failed$/]],
    [
      ['--last=2', '--format', '{{.Names}}'],
      [/^failed$/, /^web$/],
    ],
    [['-n', '-1', '--format', '{{.Names}}'], [/^web$/]],
    [
      ['-a', '--sort', 'created', '--format', '{{.Names}}'],
      [/^web$/, /^failed$/],
    ],
    [
      ['-a', '--sort', 'image', '--format', '{{.Image}}'],
      [/^base:1$/, /^busybox$/],
    ],
    [
      ['-a', '--sort', 'size', '--noheading', '--external', '--sync'],
      [/failed$/, /web$/],
    ],
    [['--noheading'], [/^[0-9a-f]{12} \| busybox \| "sh/]],
    [['-s'], [/NAMES \| SIZE$/, /web \| \d+(\.\d+)?kB \(virtual \d+(\.\d+)?MB\)$/]],
    [['--format', '{{.Size}}'], [/^\d+(\.\d+)?kB \(virtual/]],
    [['--ns'], [/^CONTAINER ID \| NAMES \| PID \| CGROUPNS \| IPC \| MNT \| NET/, new RegExp(` ${net} `)]],
    [['--format', '{{.Id}} {{.Pid}} {{.NET}}', '--no-trunc'], [new RegExp(`^${id} ${pid} ${net}$`)]],
    [['-l', '--format', '{{.ImageID}} {{.ExitCode}} {{.Exited}}'], [new RegExp(`^${image} 3 true$`)]],
    [['--format', '{{.CreatedHuman}} {{.Restarts}} {{.Pod}}|{{.AutoRemove}}'], [/ ago 0 \|false$/]],
    [['--format', '{{.LocalVolumes}} {{.StartedAt}} {{.ExitedAt}}'], [/^1 \d{10} -?\d+$/]],
    [['--format', 'json'], [/"LocalVolumes":"1".*"Size":"0B"\}$/]],
  ];
  for (const [args, expected] of cases) {
    const lines = shown('ps', ...args);
    assert.equal(lines.length, expected.length, `${args.join(' ')}: ${lines.join('\n')}`);
    for (const [index, one] of expected.entries()) assert.match(lines[index] ?? '', one, args.join(' '));
  }
  for (const [args, message] of [
    [['--sort', 'colour'], /--sort 'colour': expected one of command/],
    [['--last', 'x'], /--last 'x': expected a number/],
    [['--watch', '0'], /--watch '0': expected a number of seconds/],
    [['--ns', '--format', 'x'], /--ns and --format cannot be used together/],
    [['-l', '-n', '1'], /--latest and --last cannot be used together/],
  ] as const) {
    const { status, stderr } = home.foster(['ps', ...args]);
    assert.equal(status, 125);
    assert.match(stderr, message);
  }
});

test('ps --watch lists again and again', async () => {
  const watching = containers.begin(['ps', '--watch', '1', '--format', '{{.Names}}']);
  await watching.says('web\nweb\n');
  watching.signal('SIGTERM');
  assert.equal((await watching.ended).signal, 'SIGTERM');
});

test('inspect finds containers and images, prints what it finds, and fails for what it does not', () => {
  const cases: [string[], number, string][] = [
    [['-f', '{{.State.Status}}', 'web', 'failed'], 0, 'running\nexited\n'],
    [['-f', '{{.Os}}', 'base:1'], 0, 'linux\n'],
    [['--type', 'image', '-f', '{{.Os}}', 'base:1'], 0, 'linux\n'],
    [['-t', 'all', '-f', '{{.Id}}', 'nobody', 'web'], 1, `${containers.inspect('web', '{{.Id}}')}\n`],
    [['-l', '-f', '{{.Name}}'], 0, '/failed\n'],
    [['--latest', '--type=container', '-f', '{{.Name}}'], 0, '/failed\n'],
    [['--type', 'container', 'base:1'], 1, '[]\n'],
    [['--type', 'image', 'web'], 1, '[]\n'],
  ];
  for (const [args, status, stdout] of cases) {
    const result = home.foster(['inspect', ...args]);
    assert.deepEqual([result.status, result.stdout], [status, stdout], args.join(' '));
  }
  const none = home.foster(['inspect', 'nobody']);
  assert.match(
    none.stderr,
    /^foster: no such container, image, network, volume or pod: nobody; 'foster ps -a',/,
  );
  const [written, total] = containers
    .inspect('web', '{{.Name}}')
    .replace('/web', containers.ok('inspect', '-s', '-f', '{{.SizeRw}} {{.SizeRootFs}}', 'web').trim())
    .split(' ')
    .map(Number);
  assert.ok((written ?? 0) > 0 && (total ?? 0) > (written ?? 0), `${written} of ${total}`);
  assert.equal(containers.ok('container', 'inspect', '-f', '{{.Name}}', 'web'), '/web\n');
  assert.equal(home.foster(['container', 'inspect', 'base:1']).status, 1);
});

test('logs of several containers tell which line is whose', () => {
  const [web, failed] = ['web', 'failed'].map((name) => containers.inspect(name, '{{.Id}}').slice(0, 12));
  const cases: [string[], string, string][] = [
    [['web', 'failed'], `${web} one\n${failed} three\n`, `${web} two\n`],
    [['--names', 'failed', 'web'], 'failed three\nweb one\n', 'web two\n'],
    [['--names', 'web'], 'web one\n', 'web two\n'],
    [['--latest'], 'three\n', ''],
    [['--color', '--names', 'failed'], '\x1b[31mfailed\x1b[0m three\n', ''],
    [['-f', '--names', 'failed', 'failed'], 'failed three\nfailed three\n', ''],
  ];
  for (const [args, stdout, stderr] of cases) {
    const result = home.foster(['logs', ...args]);
    assert.deepEqual([result.status, result.stdout, result.stderr], [0, stdout, stderr], args.join(' '));
  }
  const { status, stdout, stderr } = home.foster(['logs', 'nobody', 'failed']);
  assert.deepEqual([status, stdout], [1, `${failed} three\n`]);
  assert.match(stderr, /no such container: nobody/);
  assert.match(containers.ok('logs', '-t', '--names', 'failed'), /^failed \d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
});

test('events are printed to the end of now, and with fields of Podman', () => {
  const format = '{{.Name}} {{.Status}} {{.Image}} {{.ID}}';
  const past = shown('events', '--stream=false', '--format', format, '-f', 'event=died');
  assert.deepEqual(past, [`failed die base:1 ${containers.inspect('failed', '{{.Id}}')}`]);
  const short = shown('system', 'events', '--stream=false', '--no-trunc=false', '--format', '{{.ID}}');
  assert.match(short[0] ?? '', /^[0-9a-f]{12}$/);
});

test('top and stats take the newest container, and Podman names of columns', () => {
  assert.equal(home.foster(['top', '-l']).status, 1, 'what runs is not the newest');
  containers.detach('newest', 'exec sleep 1001', ['--cap-drop', 'ALL']);
  assert.match(shown('top', '-l').at(-1) ?? '', /sleep 1001$/);
  assert.deepEqual(shown('top', '--latest', 'seccomp', 'capeff', 'comm'), [
    'SECCOMP | EFFECTIVE CAPS | COMMAND',
    'disabled | full | foster-init',
    'filter | none | sleep',
  ]);
  assert.deepEqual(
    shown('top', 'newest', 'huser,hgroup', 'ruser,groups', 'comm')[0],
    'HUSER | HGROUP | RUSER | GROUPS | COMMAND',
  );
  const stats = shown('stats', '--no-stream', '--no-reset', '-i', '1', '-l', '--format', '{{.Name}}');
  assert.deepEqual(stats, ['newest']);
  assert.equal(home.foster(['stats', '--interval', '0']).status, 125);
  containers.ok('rm', '-f', 'newest');
});

test('diff prints JSON as Podman does', () => {
  const changes = JSON.parse(containers.ok('diff', '--format', 'json', 'web'));
  assert.deepEqual(Object.keys(changes), ['added']);
  assert.ok(changes.added.includes('/new'));
  assert.match(home.foster(['diff', '--format', 'xml', 'web']).stderr, /--format 'xml': expected json/);
});

test('commit squashes layers, keeps volumes, pauses, and writes the id to a file', async () => {
  const file = join(home.folder, 'iid');
  containers.detach('work', 'echo x > /x; echo written; exec sleep 1000', ['-v', '/data']);
  await containers.logs('work', 'written');
  containers.ok('commit', 'work', 'layered:1');
  const flags = ['-q', '-s', '--pause', '--include-volumes', '--iidfile', file, '-f', 'oci'];
  home.run(['--name', 'over', '-v', '/data', 'layered:1', 'sh', '-c', 'echo y > /y']);
  const id = containers.ok('commit', ...flags, 'over', 'flat:1').trim();
  assert.equal(readFileSync(file, 'utf8'), id);
  const image = (format: string) => containers.ok('image', 'inspect', '-f', format, 'flat:1').trim();
  assert.equal(image('{{len .RootFS.Layers}} {{json .Config.Volumes}}'), '1 {"/data":{}}');
  assert.equal(home.run(['--rm', 'flat:1', 'cat', '/x', '/y']).stdout, 'x\ny\n');
  containers.ok('commit', '--pause', 'work', 'paused:1');
  const events = shown('events', '--stream=false', '-f', 'container=work', '--format', '{{.Action}}');
  assert.deepEqual(events.slice(-2), ['pause', 'unpause']);
  assert.equal(containers.status('work'), 'running');
  const refused = home.foster(['commit', '-f', 'docker', 'work']);
  assert.match(refused.stderr, /commit --format docker is not supported yet: images are kept in the OCI/);
  containers.ok('rm', '-f', 'work', 'over');
});

test('mount lists what is mounted in foster unshare', () => {
  const script =
    'foster mount -a > /dev/null; foster mount | wc -l; foster mount --format json; foster umount -l; foster unmount -a; foster mount';
  const { stdout, status } = home.foster(['unshare', 'sh', '-c', script.replaceAll('foster', FOSTER)]);
  assert.equal(status, 0);
  const [count = '', ...rest] = stdout.trim().split('\n');
  assert.equal(count.trim(), '2');
  const ids = rest.slice(-2);
  assert.ok(
    ids.every((id) => /^[0-9a-f]{64}$/.test(id)),
    stdout,
  );
  const mounts = JSON.parse(rest.slice(0, -2).join('\n'));
  assert.deepEqual(mounts.map(({ Names }: { Names: string[] }) => Names[0]).sort(), ['failed', 'web']);
  assert.match(home.foster(['mount']).stderr, /works only inside foster unshare/);
});

test('nothing is left behind', async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});
