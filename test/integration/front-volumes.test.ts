import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, type Result } from './support/foster.js';
import { ALL, FrontHome, NO_NODE, normalized } from './support/front.js';
import { BUSYBOX_LAYER, dockerArchive } from './support/image-archive.js';
import { readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** Volumes that are made, held and removed without Node: src/init/front. */
const home = new FrontHome();
const containers = new Containers(home);
const data = join(home.folder, 'data/foster');

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const run = (args: string[]): Result => home.byAny(['run', ...args]);
const isFronted = (args: string[]): boolean => home.isFronted(['run', ...args]);

run(['--rm', 'busybox', 'true']); // what is found out once for all, such as the storage driver

/** Places of volumes: those that are in the image are empty, but one. */
const layer = [
  ...BUSYBOX_LAYER,
  { name: 'data/', type: '5', mode: 0o1770, uid: 7, gid: 8 },
  { name: 'own/', type: '5', mode: 0o700 },
  { name: 'emptied/', type: '5', mode: 0o711, uid: 7, gid: 0 },
  { name: 'emptied/file', content: 'of the lower layer' },
  { name: 'link', type: '2', target: '/own/../data' },
  { name: 'full/file', content: 'text' },
];
const second = [{ name: 'emptied/', type: '5', mode: 0o711, uid: 7, gid: 0 }, { name: 'emptied/.wh.file' }];
const load = (name: string, ...places: string[]) =>
  home.foster(['load'], {
    input: dockerArchive({
      names: [name],
      layers: [layer, second],
      config: { Cmd: ['true'], Volumes: Object.fromEntries(places.map((place) => [place, {}])) },
    }),
  });
load('app:1', '/data', '/own', '/emptied', '/new/deep');
load('database:1', '/data');
load('full:1', '/full');
for (const name of ['filled', 'second'])
  containers.ok('run', '--rm', '-v', `${name}:/v`, 'busybox', 'sh', '-c', 'echo text > /v/file');

const rootfs = join(home.shared, 'rootfs');
for (const name of ['bin', 'etc', 'proc', 'tmp', 'dev', 'sys'])
  mkdirSync(join(rootfs, name), { recursive: true });
writeFileSync(join(rootfs, 'bin/busybox'), readFileSync('/usr/bin/busybox'), { mode: 0o755 });
symlinkSync('busybox', join(rootfs, 'bin/sh'));

/** Owners, modes and files; and times of what is copied, but for those of directories that are new. */
const SHOW = [
  'for one in /data /own /emptied /new/deep /link /x /m /tmp; do stat -c "%n %u:%g %a" $one; ls -A $one; done 2>&1',
  'stat -c "%n %y" /data /own /emptied 2>&1 | grep -e " 2001-"',
  'mount | cut -d " " -f 3-',
  'touch /data/x && chown 9:9 /data/x && stat -c "%u:%g" /data/x; rm -f /data/x',
].join('; ');
const SHOWN = (image: string) => [image, 'sh', '-c', SHOW];

/** Words after `foster run`. */
const SAME: string[][] = [
  ['--rm', '-v', '/x', ...ALL],
  ['--rm', '-v', '/tmp', ...SHOWN('busybox')],
  ['--rm', ...SHOWN('app:1')],
  ['--rm', ...SHOWN('database:1')],
  ['--rm', '--userns', 'auto', ...SHOWN('app:1')],
  ['--rm', '--userns', 'keep-id', ...SHOWN('app:1')],
  ['--rm', '-u', '7:8', ...SHOWN('database:1')],
  ['--rm', '-v', 'filled:/own', '-v', '/x', ...SHOWN('app:1')],
  ['--rm', '-v', 'filled:/data', '-v', 'second:/x', ...SHOWN('database:1')],
  ['--rm', '-v', 'fresh:/x', ...ALL],
  ['--rm', '-v', 'fresh:/data', ...SHOWN('app:1')],
  ['--rm', '-v', 'fresh:/data', '--userns', 'auto', ...SHOWN('app:1')],
  ['--rm', '-v', 'fresh:/x', '--userns', 'auto', ...SHOWN('database:1')],
  ['--rm', '-v', 'filled:/x', '-v', 'fresh:/m:ro', '-v', 'another:/tmp', ...SHOWN('database:1')],
  ['--rm', '--mount', 'type=volume,src=fresh,dst=/m,volume-label=a=b c', ...SHOWN('busybox')],
  ['--rm', '--mount', 'type=volume,src=fresh,dst=/full,volume-nocopy', ...SHOWN('full:1')],
  ['--rm', '-v', 'fresh:/x', '-v', 'fresh:/m', ...SHOWN('busybox')],
  ['--rm', '--tmpfs', '/data', '--read-only', ...SHOWN('app:1')],
  ['--rm', '-v', '/link', ...SHOWN('app:1')],
  ['--rm', '--mount', 'type=volume,dst=/m,ro', ...SHOWN('busybox')],
  ['--rm', '--mount', 'type=volume,dst=/m,volume-label=a=b,volume-nocopy', ...SHOWN('busybox')],
  ['--rm', '--mount', 'type=volume,dst=/full,volume-nocopy', ...SHOWN('full:1')],
  ['--rm', '--image-volume', 'tmpfs', ...SHOWN('app:1')],
  ['--rm', '-v', '/x', '-v', '/x/y', 'busybox', 'sh', '-c', 'ls -lR /x | cut -c -30'],
  [
    '--rm',
    '--mount',
    'type=volume,dst=/x,volume-nocopy',
    './rootfs',
    'sh',
    '-c',
    'busybox ls -ld /x | busybox cut -c -30',
  ],
];

/** All events since then, without times and what is random. */
function eventsSince(size: number): string {
  const text = readFileSync(join(data, 'events'), 'latin1').slice(size);
  return normalized(text)
    .replace(/^\d+ /gm, '')
    .replace(/^(\w+ ID) \S+/gm, '$1 NAME')
    .replace(/(^volume\.create .*\n)+/gm, (lines) =>
      lines
        .split(/(?<=\n)/)
        .sort()
        .join(''),
    ); // by random names
}

/** All but those that are always there. */
const volumesNow = () =>
  readdirSync(join(data, 'volumes')).filter((name) => !['filled', 'second'].includes(name));

/** Does it, and returns what it has left. */
function outcome(how: 'byNode' | 'byAny' | 'byFront', args: string[]) {
  const before = readFileSync(join(data, 'events'), 'latin1').length;
  const { stdout, ...rest } = home[how](args);
  return {
    ...rest,
    stdout: normalized(stdout),
    events: eventsSince(before),
    volumes: volumesNow().map(describe),
  };
}

/** What is known of a volume. */
function describe(name: string) {
  const folder = join(data, 'volumes', name);
  const definition = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  assert.equal(definition.name, name);
  assert.ok(Math.abs(Date.parse(definition.created) - Date.now()) < 600_000, definition.created);
  const paths = [folder, ...['_data', 'lock'].map((each) => join(folder, each))];
  return {
    definition: normalized(JSON.stringify(definition)),
    files: readdirSync(folder).sort(),
    modes: normalized(home.foster(['unshare', 'stat', '-c', '%n %a %u:%g', ...paths]).stdout),
    shown: normalized(containers.ok('volume', 'inspect', '-f', '{{.Driver}} {{.Labels}} {{.Options}}', name)),
  };
}

for (const args of SAME) {
  const title = args.filter((word) => word.length < 60).join(' ');
  test(`the same by Node and without it: run ${title}`, () => {
    const outcomes = (['byNode', 'byAny', 'byFront'] as const).map((how) => {
      const first = outcome(how, ['run', ...args]);
      // they exist now; an empty one may be Node's
      const next = how === 'byNode' ? how : 'byAny';
      const again = first.volumes.length > 0 ? outcome(next, ['run', ...args]) : undefined;
      if (again !== undefined) containers.ok('volume', 'rm', ...volumesNow());
      return { first, again };
    });
    assert.doesNotMatch(outcomes[2]?.first.stderr ?? '', NO_NODE);
    assert.deepEqual(outcomes[2], outcomes[0]);
    const named = args
      .filter((word) => /\b(fresh|another)[:,]/.test(word))
      .map((word) => word.replace(/:.*/, ''));
    assert.equal(outcomes[2]?.first.volumes.length, new Set(named).size);
  });
}

/** What is known of the volumes of a container. */
function volumesOf(id: string) {
  const { volumes = [] } = JSON.parse(readFileSync(join(data, 'containers', id, 'config.json'), 'utf8'));
  return volumes.map(({ name, destination }: { name: string; destination: string }) => ({
    destination,
    ...describe(name),
  }));
}

test('the same volumes of a container that stays, of its next start, and the same removal', async () => {
  for (const args of [
    ['-d', '-v', '/x', 'busybox', 'sleep', '1000'],
    ['-d', 'app:1', 'sleep', '1000'],
    ['-d', '--userns', 'auto', 'app:1', 'sleep', '1000'],
    ['-d', '-v', 'filled:/f', '--name', 'named', 'database:1', 'sleep', '1000'],
  ]) {
    const found = [];
    for (const how of ['byNode', 'byAny', 'byFront'] as const) {
      const { stdout, stderr } = home[how](['run', ...args]);
      assert.equal(stderr, '', how);
      const id = stdout.trim();
      containers.ok(
        'exec',
        id,
        'sh',
        '-c',
        'for one in /x /data; do ! test -e $one || touch $one/file; done; chown 5 /*/file',
      );
      const volumes = volumesOf(id);
      const events = readFileSync(join(data, 'events'), 'latin1').length;
      const removed = home[how](['rm', '-f', '-v', id]);
      assert.deepEqual([removed.status, removed.stdout, removed.stderr], [0, `${id}\n`, '']);
      found.push({ volumes, events: eventsSince(events) });
      assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), ['filled', 'second'], args.join(' '));
    }
    assert.deepEqual(found[2], found[0]);
  }
});

test('rm leaves the volumes of a container, and rm -v those that others use, or that have a name', () => {
  const args = ['-v', '/x', '-v', 'second:/s', 'busybox', 'true'];
  for (const how of ['byNode', 'byAny', 'byFront'] as const) {
    const names = () => readdirSync(join(data, 'volumes')).filter((name) => name.length === 64);
    assert.equal(home[how](['run', '--name', 'one', ...args]).stderr, '');
    const [name = ''] = names();
    assert.equal(home[how](['rm', 'one']).stderr, '');
    assert.deepEqual(names(), [name]);
    containers.ok('volume', 'rm', name);

    assert.equal(home[how](['run', '--name', 'one', ...args]).stderr, '');
    containers.ok('create', '--name', 'two', '--volumes-from', 'one', 'busybox', 'true');
    const [shared = ''] = names();
    assert.ok(!home.isFronted(['rm', '-v', 'one']), 'who uses it is for Node to say');
    containers.ok('rm', '-v', 'one');
    assert.deepEqual(names(), [shared]);
    containers.ok('rm', '-v', 'two');
    assert.deepEqual(names(), []);
  }
  assert.ok(readdirSync(join(data, 'volumes')).includes('second'));
});

test('rm -v leaves a volume that another container takes meanwhile', async () => {
  const names = () => readdirSync(join(data, 'volumes')).filter((name) => name.length === 64);
  const make = () => assert.equal(run(['--name', 'one', '-v', '/x', 'busybox', 'true']).stderr, '');
  make();
  const { stderr } = home.byFront(['rm', '-v', 'one'], { env: { FOSTER_FAULT: 'count' } });
  const [, moment = ''] = /^fault point (\d+): volume found$/m.exec(stderr) ?? [];
  assert.notEqual(moment, '', stderr);
  make();
  const env = { ...home.env, ...home.callers, FOSTER_FAULT: `stop:${moment}` };
  const child = spawn(FOSTER, ['rm', '-v', 'one'], { env, cwd: home.shared, stdio: 'inherit' });
  const isStopped = () => readProcess(child.pid ?? 0)?.state === 'T';
  await waitUntil('it has found the volume', isStopped);
  containers.ok('create', '--name', 'two', '--volumes-from', 'one', 'busybox', 'true');
  await waitUntil('it has ended', () => {
    if (isStopped()) child.kill('SIGCONT'); // Node stops as often
    return child.exitCode !== null;
  });
  assert.equal(child.exitCode, 0);
  assert.equal(names().length, 1);
  containers.ok('rm', '-v', 'two');
});

test('names are random, and each container has its own volume', () => {
  const args = ['-d', '-v', '/x', 'busybox', 'true'];
  run(args);
  const ids = Array.from({ length: 8 }, () => home.byFront(['run', ...args]).stdout.trim());
  assert.equal(readdirSync(join(data, 'volumes')).filter((name) => name.length === 64).length, 9);
  assert.equal(new Set(ids).size, 8);
  containers.ok('rm', '-f', '-v', '-a');
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), ['filled', 'second']);
});

test("a named volume that is removed meanwhile is made again, and one that has become another is Node's", () => {
  const args = ['--rm', '-v', 'fresh:/x', 'busybox', 'ls', '-la', '/x'];
  assert.equal(run(args).stderr, '');
  for (let time = 0; time < 3; time++) {
    assert.ok(isFronted(args), 'it is there, and empty');
    containers.ok('volume', 'rm', 'fresh');
    assert.ok(isFronted(args), 'it is not there');
  }
  containers.ok('volume', 'rm', 'fresh');
  containers.ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'fresh');
  assert.ok(!isFronted(args), 'its files are elsewhere');
  run(args);
  containers.ok('volume', 'rm', 'fresh');
  assert.ok(isFronted(args), 'it is what it was');
  const folder = join(data, 'volumes/fresh');
  writeFileSync(join(folder, 'config.json'), '{"version":1');
  assert.ok(!isFronted(args), 'its definition is damaged');
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
  assert.ok(!isFronted(args), 'it is no folder');
  rmSync(folder);
  const into = ['--rm', '-v', 'fresh:/own', 'app:1', 'ls', '-la', '/own'];
  run(into);
  assert.ok(!isFronted(into), 'it is empty, and would get what is in the image');
  containers.ok('volume', 'rm', 'fresh');
  assert.ok(isFronted(into));
  containers.ok('volume', 'rm', 'fresh');
});

test('a volume that a user of the container has closed, as databases do', () => {
  const close = 'chown 7:8 /v; chmod 700 /v; touch /v/file';
  const args = ['--rm', '-v', 'closed:/v', '-u', '7:8', 'busybox', 'sh', '-c', 'ls -ldn /v; ls -A /v'];
  containers.ok('run', '--rm', '-v', 'closed:/v', 'busybox', 'sh', '-c', close);
  const expected = home.byNode(['run', ...args]);
  run(args);
  assert.deepEqual(home.byFront(['run', ...args]), expected);
  assert.match(expected.stdout, /^drwx------ +2 7 +8 /);
  containers.ok('volume', 'rm', 'closed');
});

test('several starts at once that need the same new volume: one makes it, and all have it', async () => {
  const args = ['--rm', '-v', 'fresh:/x', '-v', '/y', 'busybox', 'sh', '-c', 'echo line >> /x/lines'];
  run(args);
  for (let time = 0; time < 3; time++) {
    containers.ok('volume', 'rm', 'fresh');
    const before = readFileSync(join(data, 'events'), 'latin1').length;
    const all = Array.from({ length: 4 }, () => home.start(args, { env: home.callers, cwd: home.shared }));
    const results = await Promise.all(all.map((one) => one.ended));
    assert.deepEqual(
      results.map(({ status, stderr }) => [status, stderr]),
      results.map(() => [0, '']),
    );
    assert.equal(readFileSync(join(data, 'volumes/fresh/_data/lines'), 'utf8'), 'line\n'.repeat(4));
    const made = readFileSync(join(data, 'events'), 'latin1')
      .slice(before)
      .match(/volume.create - fresh /g);
    assert.equal(made?.length, 1);
  }
  containers.ok('volume', 'rm', 'fresh');
  assert.deepEqual(volumesNow(), []);
});

test('a template is left, although the volume is gone with its container by then', async () => {
  for (let time = 0; time < 4; time++) {
    const args = ['-d', '--rm', '-l', `time=${time}`, '-v', '/x', 'busybox', 'true'];
    run(args);
    assert.ok(isFronted(args));
  }
  await waitUntil('the volumes are gone', () => volumesNow().length === 0);
});

test('what fails afterwards leaves no volume behind', () => {
  const before = readdirSync(join(data, 'volumes')).sort();
  const named = ['--name', 'one', '-v', '/x', '-v', 'fresh:/y', 'busybox', 'true'];
  run(named);
  containers.ok('rm', '-v', 'one');
  containers.ok('volume', 'rm', 'fresh');
  assert.equal(home.byFront(['run', ...named]).stderr, '');
  const withOne = readdirSync(join(data, 'volumes')).sort();
  assert.ok(!isFronted(named), 'the name is in use');
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), withOne);
  assert.equal(run(named).status, 125);
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), withOne);
  containers.ok('rm', '-v', 'one');
  containers.ok('run', '-d', '--name', 'one', 'busybox', 'true');
  containers.ok('volume', 'rm', 'fresh');
  assert.ok(!isFronted(named), 'the name is in use');
  assert.deepEqual(volumesNow(), []);
  assert.equal(run(named).status, 125);
  assert.deepEqual(volumesNow(), []);
  containers.ok('rm', 'one');

  const volume = 'type=volume,dst=/x,volume-nocopy';
  const args = ['--rm', '-w', '/tmp/here', '--mount', volume, './rootfs', 'sh', '-c', 'true'];
  run(args);
  assert.ok(isFronted(args));
  renameSync(join(rootfs, 'tmp'), join(rootfs, 'away')); // planning has not looked at it
  writeFileSync(join(rootfs, 'tmp'), '');
  assert.ok(!isFronted(args), 'PID 1 cannot make the directory');
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), before);
  assert.match(run(args).stderr, /^foster: cannot make the working directory/);
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), before);
  rmSync(join(rootfs, 'tmp'));
  renameSync(join(rootfs, 'away'), join(rootfs, 'tmp'));
});

/** What the front leaves to Node, whatever has been run before. */
const LEFT: [title: string, ...args: string[]][] = [
  ['files are copied', '--rm', '-v', '/etc', 'busybox', 'true'],
  ['files of an image are copied', '--rm', 'full:1', 'true'],
  ['a directory that may get files', '--rm', '-v', '/tmp', './rootfs', 'sh', '-c', 'true'],
  [
    'nine volumes',
    '--rm',
    ...Array.from({ length: 9 }, (_, index) => ['-v', `/v${index}`]).flat(),
    'busybox',
    'true',
  ],
  [
    'files are elsewhere',
    '--rm',
    '--mount',
    'type=volume,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs',
    'busybox',
    'true',
  ],
];

test('at the least doubt, Node does it', () => {
  for (const [title, ...args] of LEFT) {
    for (let time = 0; time < 2; time++) assert.equal(run(args).stderr, '', title);
    assert.ok(!isFronted(args), title);
  }
  const args = ['--rm', '-v', '/x', 'busybox', 'true'];
  run(args);
  assert.ok(isFronted(args));
  renameSync(join(data, 'volumes'), join(data, 'volumes.away'));
  assert.ok(!isFronted(args), 'there is no folder for volumes');
  rmSync(join(data, 'volumes'), { recursive: true, force: true });
  renameSync(join(data, 'volumes.away'), join(data, 'volumes'));
  assert.ok(isFronted(args));
  assert.deepEqual(readdirSync(join(data, 'volumes')).sort(), ['filled', 'second']);
});
