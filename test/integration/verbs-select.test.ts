/** How verbs choose containers: names, --all, --latest, --filter, --cidfile, --ignore; and what they print and leave. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';

const home = new Home();
const containers = new Containers(home);
const file = join(home.folder, 'cid');

/** `aa` and `bb` run, `cc` has ended, `dd` was never started and is the newest. */
before(() => {
  containers.detach('aa', 'sleep 1000', ['--label', 'job=x']);
  containers.detach('bb', 'sleep 1000', ['--cidfile', file]);
  containers.ok('create', '--name', 'cc', '--label', 'job=x', 'busybox', 'true');
  containers.ok('start', '-a', 'cc');
  containers.ok('create', '--name', 'dd', 'busybox', 'sleep', '1000');
});

const states = () =>
  containers
    .ok('ps', '-a', '--sort', 'names', '--format', '{{.Names}}={{.State}}')
    .trim()
    .replaceAll('\n', ' ');

/** Names of what a verb has printed: names as they were given, whole ids of what options have chosen. */
function printed(stdout: string): string {
  const names = new Map(
    containers
      .ok('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}}')
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const lines = stdout.split('\n').filter(Boolean);
  return lines
    .map((line) => (/^[0-9a-f]{64}$/.test(line) ? `#${names.get(line) ?? 'gone'}` : line))
    .sort()
    .join(' ');
}

const UNTOUCHED = 'aa=running bb=running cc=exited dd=created';
const PAUSED = 'aa=paused bb=paused cc=exited dd=created';

/** The command line; what it prints, `#` before names of ids; the states after it. Each goes on from where the one before was. */
const CASES: [string, string, string][] = [
  ['pause --all', '#aa #bb', PAUSED],
  ['unpause -a', '#aa #bb', UNTOUCHED],
  ['pause -f label=job -f status=running', '#aa', 'aa=paused bb=running cc=exited dd=created'],
  ['unpause --filter name=aa', '#aa', UNTOUCHED],
  ['pause --cidfile FILE', '#bb', 'aa=running bb=paused cc=exited dd=created'],
  ['unpause --cidfile FILE aa', '#bb', UNTOUCHED],
  ['kill -s CONT --all', '#aa #bb', UNTOUCHED],
  ['kill --filter label=job=x -a', '#aa', 'aa=exited bb=running cc=exited dd=created'],
  ['start --filter name=^aa$', '#aa', UNTOUCHED],
  ['stop -t 20 --all --filter label=job', '#aa', 'aa=exited bb=running cc=exited dd=created'],
  ['stop --ignore -t 0 nobody', '', 'aa=exited bb=running cc=exited dd=created'],
  ['stop -i -t 0 bb nobody', 'bb', 'aa=exited bb=exited cc=exited dd=created'],
  ['restart -t 0 --running', '', 'aa=exited bb=exited cc=exited dd=created'],
  ['start -l', '#dd', 'aa=exited bb=exited cc=exited dd=running'],
  ['wait aa', '143', 'aa=exited bb=exited cc=exited dd=running'],
  ['wait --condition running --interval 5ms -l', '-1', 'aa=exited bb=exited cc=exited dd=running'],
  ['restart --timeout 0 -s KILL --running', '#dd', 'aa=exited bb=exited cc=exited dd=running'],
  ['stop --timeout=0 --latest', '#dd', 'aa=exited bb=exited cc=exited dd=exited'],
  ['wait --condition stopped aa', '143', 'aa=exited bb=exited cc=exited dd=exited'],
  ['start --filter name=aa --filter name=bb --all', '#aa #bb', 'aa=running bb=running cc=exited dd=exited'],
  ['stop -t 0 aa bb --filter restart-policy=always', '', 'aa=running bb=running cc=exited dd=exited'],
  [
    'restart -t 0 aa cc --filter name=aa --filter restart-policy=none',
    'aa',
    'aa=running bb=running cc=exited dd=exited',
  ],
  ['init --all', '#cc #dd', 'aa=running bb=running cc=exited dd=exited'],
  ['container cleanup -a', '#cc #dd', 'aa=running bb=running cc=exited dd=exited'],
  ['rm -f -t 5 bb nobody', 'bb', 'aa=running cc=exited dd=exited'],
  ['rm --ignore nobody --cidfile /nosuch', '', 'aa=running cc=exited dd=exited'],
  ['rm --latest', '#gone', 'aa=running cc=exited'],
  ['rm --filter status=exited', '#gone', 'aa=running'],
  ['rm -fa', '#gone', ''],
];

test('verbs choose containers as in Docker and Podman', () => {
  const other = containers.inspect('bb', '{{.Id}}');
  assert.equal(readFileSync(file, 'utf8').trim(), other);
  for (const [line, output, after] of CASES) {
    // one is not paused: the others go on, and the exit code tells
    const code = line === 'unpause --cidfile FILE aa' ? 1 : 0;
    const { status, stdout, stderr } = home.foster(line.replace('FILE', file).split(' '));
    assert.equal(status, code, `${line}: ${stderr}`);
    assert.equal(printed(stdout), output, line);
    assert.equal(states(), after, line);
  }
});

test('a choice that makes no sense is refused before anything is done', () => {
  const missing = join(home.folder, 'missing');
  writeFileSync(missing, `${'0'.repeat(64)}\n`);
  const cases: [string, number, RegExp][] = [
    ['stop', 125, /^foster: missing required argument 'CONTAINER'; see 'foster stop --help'\n$/],
    ['rm --ignore', 125, /missing required argument/],
    ['stop --all web', 125, /names of containers and --all cannot be used together/],
    ['kill --all --latest', 125, /--all and --latest cannot be used together/],
    ['restart --running --all', 125, /--all and --running cannot be used together/],
    ['rm -t 5 web', 125, /rm --time needs --force/],
    ['start --sig-proxy web', 125, /start --sig-proxy needs --attach/],
    ['stop --latest', 1, /there are no containers/],
    ['stop --cidfile /nosuch', 125, /--cidfile '\/nosuch': no such file/],
    [`stop --cidfile ${missing}`, 1, /no such container: 000/],
    [
      'stop --filter restart-policy=never',
      125,
      /expected one of none, no, on-failure, always, unless-stopped/,
    ],
    ['stop nobody --filter name=nobody', 1, /no such container: nobody/],
    ['stop --filter colour=red', 125, /KEY being one of/],
    ['wait --condition frog web', 125, /--condition 'frog': expected one of created/],
    ['kill -s -INT web', 125, /--signal '-INT': expected a signal/],
    ['inspect --type frog web', 125, /expected container, image, network, pod, volume or all/],
    ['container checkpoint web', 125, /container checkpoint is not supported yet/],
    ['container clone web', 125, /container clone is not supported yet/],
    ['container frog', 125, /unknown command 'container frog'/],
  ];
  for (const [line, code, message] of cases) {
    const { status, stdout, stderr } = home.foster(line.split(' '));
    assert.deepEqual([status, stdout], [code, ''], line);
    assert.match(stderr, message);
  }
});

test('container exists tells by its exit code, and prints nothing', () => {
  containers.ok('create', '--name', 'there', 'busybox', 'true');
  for (const [name, status] of [
    ['there', 0],
    ['not-there', 1],
  ] as const) {
    const result = home.foster(['container', 'exists', name]);
    assert.deepEqual(result, { status, signal: null, stdout: '', stderr: '' });
  }
  containers.ok('container', 'rm', 'there');
});

test('rm --depend removes what shares the namespaces of a container, too', () => {
  containers.detach('owner', 'sleep 1000');
  containers.detach('guest', 'sleep 1000', ['--pid', 'container:owner']);
  containers.detach('other', 'sleep 1000');
  assert.equal(containers.ok('rm', '-f', '--depend', 'owner').split('\n').length, 3);
  assert.equal(states(), 'other=running');
  containers.removeAll();
});

test('prune and container cleanup remove what was asked for', () => {
  for (const name of ['kept', 'swept']) {
    const script = `echo ${name} > /file; dd if=/dev/zero of=/zeros bs=1024 count=512 2>/dev/null`;
    home.run(['--name', name, '--label', `of=${name}`, 'busybox', 'sh', '-c', script]);
  }
  const pruned = containers.ok('container', 'prune', '-f', '--filter', 'label=of=swept');
  assert.match(pruned, /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: \d+(\.\d+)?kB\n$/);
  assert.equal(states(), 'kept=exited');
  const all = containers.ok('system', 'prune', '-f');
  const [, size] = /Total reclaimed space: (\d+)(\.\d+)?kB/.exec(all) ?? [];
  assert.ok(Number(size) >= 512, `${all}: what the container has written counts`);
  home.run(['--name', 'cleaned', 'busybox', 'true']);
  assert.equal(containers.ok('container', 'cleanup', '--rm', 'cleaned'), 'cleaned\n');
  assert.equal(states(), '');
  const freed = containers.ok('system', 'prune', '-af');
  assert.match(freed, /Total reclaimed space: \d+(\.\d+)?MB/, 'the root filesystem of a recipe counts');
});

test('nothing is left behind', async () => {
  await home.assertNothingLeft();
});
