import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { waitUntil } from './support/wait.js';

/** Names of images, what is kept and why, and containers' changes. */
const home = new ImagesHome();
const out = (...args: string[]) => {
  const { status, stdout, stderr } = home.foster(args);
  assert.equal(status, 0, `foster ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const lines = (text: string) => text.split('\n').filter(Boolean);

const base = [
  ...BUSYBOX_LAYER,
  { name: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  { name: 'etc/kept', content: 'kept' },
  { name: 'd/one' },
  { name: 'd/two' },
  { name: 'gone' },
];
const app = {
  names: ['app:1'],
  layers: [base],
  config: { Cmd: ['sh'], Labels: { kind: 'app' }, Env: ['PATH=/bin'] },
  history: [{ created: '2024-01-02T03:04:05Z', created_by: 'COPY . /' }],
};

beforeEach(() => home.load(dockerArchive(app)));
afterEach(async () => {
  await home.clear();
  assert.deepEqual(home.stored(), { blobs: [], layers: [], leftovers: [] });
});

test('images lists names, tags, ids and sizes, and filters', () => {
  out('tag', 'app:1', 'app:2', 'registry.example.com:5000/team/app');
  const id = out('images', '-q', '--no-trunc').trim();
  assert.match(id, /^sha256:[0-9a-f]{64}$/);
  const table = lines(out('images'));
  assert.match(table[0] ?? '', /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
  assert.equal(table.length, 4);
  const row = (name: string, tag: string) => new RegExp(`^${name} +${tag} +${id.slice(7, 19)} `, 'm');
  assert.match(table.join('\n'), row('app', '1'));
  assert.match(table.join('\n'), row('registry.example.com:5000/team/app', 'latest'));
  const names = (...args: string[]) =>
    lines(out('images', '--format', '{{.Repository}}:{{.Tag}}', ...args)).sort();
  assert.deepEqual(names('app'), ['app:1', 'app:2']);
  assert.deepEqual(names('app:2'), ['app:2']);
  assert.deepEqual(names('--filter', 'reference=*/team/*'), ['registry.example.com:5000/team/app:latest']);
  assert.equal(names('--filter', 'label=kind=app').length, 3);
  assert.deepEqual(names('--filter', 'label=kind=other'), []);
  assert.deepEqual(names('--filter', 'dangling=true'), []);
  assert.match(home.foster(['images', '--filter', 'x=y']).stderr, /KEY being one of before, /);
  assert.match(out('images', '--tree', 'app:1'), /^app:1 \([0-9a-f]{12}\)\n└─ [0-9a-f]{12} .*COPY \. \/\n$/);
  assert.match(out('history', 'app:1'), /COPY \. \//);
});

test('moving a name to another image leaves the first without a name', () => {
  home.load(dockerArchive({ ...app, layers: [base, [{ name: 'more' }]] }));
  assert.equal(lines(out('images', '-q')).length, 2);
  assert.equal(lines(out('images', '-q', '--filter', 'dangling=true')).length, 1);
  assert.match(
    out('image', 'prune', '-f'),
    /^Deleted Images:\nDeleted: sha256:[0-9a-f]{64}\n\nTotal reclaimed space: /,
  );
  assert.equal(out('run', '--rm', 'app:1', 'cat', '/etc/kept'), 'kept');
});

test('rmi removes names one by one, and then the image', () => {
  out('tag', 'app:1', 'app:2');
  assert.equal(out('rmi', 'app:1'), 'Untagged: app:1\n');
  assert.match(out('rmi', 'app:2'), /^Untagged: app:2\nDeleted: sha256:[0-9a-f]{64}\n$/);
  assert.equal(home.foster(['rmi', 'app:2']).status, 1);
  assert.match(
    home.foster(['run', '--rm', '--pull', 'never', 'app:2']).stderr,
    /^foster: no such image: app:2; foster pull app:2\n$/,
  );
});

test('an image in use is not removed; its layers stay as long as a container has them', () => {
  out('create', '--name', 'user', 'app:1', 'cat', '/etc/kept');
  assert.match(
    home.foster(['rmi', 'app:1']).stderr,
    /^foster: cannot remove image app:1: container user \([0-9a-f]{12}\) was made from it; /,
  );
  assert.match(out('rmi', '-f', 'app:1'), /Deleted: /);
  out('image', 'prune', '-af');
  assert.equal(home.stored().layers.length, 1);
  assert.deepEqual(home.stored().blobs, []);
  assert.equal(out('start', '-a', 'user'), 'kept');
  out('rm', 'user');
  out('image', 'prune', '-f');
  assert.deepEqual(home.stored().layers, []);
});

test('an image of a running container cannot be removed, even by force', () => {
  out('run', '-d', '--name', 'runs', 'app:1', 'sleep', '1000');
  assert.match(
    home.foster(['rmi', '-f', 'app:1']).stderr,
    /container runs .* was made from it; stop and remove it first/,
  );
});

const CHANGES =
  'echo new > /new; rm -r /gone /d; mkdir /d; echo x > /d/three; echo more >> /etc/kept; mkdir -p /a/b; chown 7:8 /a; ln /new /hard';

test('diff lists added, changed and deleted files, without mount points of foster', () => {
  out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
  assert.deepEqual(lines(out('diff', 'changes')), [
    'A /a',
    'A /a/b',
    'C /d',
    'D /d/one',
    'A /d/three',
    'D /d/two',
    'C /etc',
    'C /etc/kept',
    'D /gone',
    'A /hard',
    'A /new',
  ]);
  out('create', '--name', 'fresh', 'app:1');
  assert.equal(out('diff', 'fresh'), '');
  out('run', '--name', 'nothing', 'app:1', 'true');
  assert.equal(out('diff', 'nothing'), '');
});

test('commit creates an image from the changes, which podman and skopeo can read', () => {
  out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
  const id = out(
    'commit',
    '-m',
    'changed',
    '-a',
    'me',
    '-c',
    'CMD ["cat", "/new"]',
    'changes',
    'changed:1',
  ).trim();
  assert.match(id, /^sha256:/);
  assert.equal(out('run', '--rm', 'changed:1'), 'new\n');
  const script = 'ls / /d; cat /etc/kept; stat -c "%u:%g" /a; stat -c %h /hard';
  assert.equal(
    out('run', '--rm', 'changed:1', 'sh', '-c', script),
    '/:\na\nbin\nd\ndev\netc\nhard\nnew\nproc\nrun\nsys\n\n/d:\nthree\nkeptmore\n7:8\n2\n',
  );
  assert.match(out('history', 'changed:1'), /changed\n/);
  const [image] = JSON.parse(out('image', 'inspect', 'changed:1'));
  assert.equal(image.Author, 'me');
  assert.equal(image.RootFS.Layers.length, 2);
  assert.deepEqual(image.Config.Labels, { kind: 'app' });
});

test('commit keeps how the container was configured, over the defaults of its image', () => {
  const shown = (name: string) => JSON.parse(out('image', 'inspect', '-f', '{{json .Config}}', name));
  const asked = [
    '-e',
    'OWN=1',
    '-w',
    '/d',
    '-u',
    '7',
    '--label',
    'more=x',
    '--expose',
    '80',
    '--stop-signal',
    'HUP',
  ];
  out(
    'create',
    '--name',
    'own',
    '-t',
    ...asked,
    '--health-cmd',
    'true',
    '--entrypoint',
    'echo',
    'app:1',
    'said',
  );
  out('commit', 'own', 'own:1');
  const { Env, Healthcheck, Volumes, ...config } = shown('own:1');
  assert.deepEqual(Env, [...shown('app:1').Env, 'OWN=1']);
  assert.deepEqual(Healthcheck.Test, ['CMD-SHELL', 'true']);
  assert.deepEqual(config, {
    User: '7',
    ExposedPorts: { '80/tcp': {} },
    Entrypoint: ['echo'],
    Cmd: ['said'],
    WorkingDir: '/d',
    Labels: { kind: 'app', more: 'x' },
    StopSignal: 'SIGHUP',
  });
  assert.equal(out('run', '--rm', 'own:1'), 'said\n');
  out('create', '--name', 'plain', 'app:1');
  out('commit', 'plain', 'plain:1');
  assert.deepEqual(shown('plain:1'), shown('app:1'));
});

test('export writes all files as the container sees them, without volumes', () => {
  out(
    'run',
    '--name',
    'changes',
    '-v',
    `${home.shared}:/volume`,
    'app:1',
    'sh',
    '-c',
    `${CHANGES}; echo x > /volume/inside`,
  );
  out('export', '-o', home.path('flat.tar'), 'changes');
  const list = execFileSync('tar', ['--numeric-owner', '-tvf', home.path('flat.tar')], { encoding: 'utf8' });
  assert.match(list, /7\/8 .* a\/\n/);
  assert.match(list, / new link to hard\n/);
  assert.ok(!/volume\/inside|gone|d\/one/.test(list), list);
  assert.match(out('import', home.path('flat.tar'), 'flat:1'), /^sha256:/);
  assert.equal(out('run', '--rm', 'flat:1', 'cat', '/d/three'), 'x\n');
  assert.equal(home.foster(['export', 'nobody']).status, 1);
});

test('a command of unshare owns the files of containers', () => {
  out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
  assert.equal(out('unshare', 'id', '-u').trim(), '0');
  assert.equal(home.foster(['unshare', 'sh', '-c', 'exit 3']).status, 3);
  assert.equal(home.foster(['unshare', 'no-such-command']).status, 127);
  const foster = process.env.FOSTER ?? 'dist/foster';
  const script = `stat -c %u:%g "$(${foster} mount changes)"/a && ${foster} umount changes`;
  assert.equal(out('unshare', 'sh', '-c', script), '7:8\nchanges\n');
});

for (const driver of ['overlay', 'copy']) {
  test(`what foster mount shows cannot be written to, be it one layer alone (${driver})`, () => {
    out('--storage-driver', driver, 'create', '--name', 'single', 'app:1');
    // as one that has never run, and whose folder has no layer of its own
    const upper = home.path(
      `data/foster/containers/${out('inspect', '-f', '{{.Id}}', 'single').trim()}/upper`,
    );
    if (driver === 'overlay') rmdirSync(upper);
    const script = 'touch $($FOSTER mount single)/WRITTEN; cat $($FOSTER mount single)/etc/kept';
    const { stdout, stderr } = home.foster(['unshare', 'sh', '-c', script], { env: { FOSTER } });
    assert.match(stderr, /WRITTEN.*[Rr]ead-only file system/);
    assert.equal(stdout, 'kept');
    assert.equal(out('run', '--rm', 'app:1', 'ls', '/').includes('WRITTEN'), false);
  });

  test(`rm inside of unshare, also of a container that is mounted (${driver})`, () => {
    for (const first of [
      '',
      '$FOSTER mount changes >/dev/null;',
      '$FOSTER mount changes >/dev/null; '.repeat(2),
    ]) {
      out('--storage-driver', driver, 'run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
      const { status, stderr } = home.foster(['unshare', 'sh', '-c', `${first} $FOSTER rm changes`], {
        env: { FOSTER },
      });
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
      assert.deepEqual(readdirSync(home.path('data/foster/names')), []);
    }
  });
}

test('rm does not touch a container in whose files something is mounted', () => {
  out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
  const folder = home.path(`data/foster/containers/${out('inspect', '-f', '{{.Id}}', 'changes').trim()}`);
  const place = `${folder}/upper/etc`;
  const precious = home.path('precious');
  mkdirSync(precious);
  writeFileSync(`${precious}/file`, '');
  const script = `mount --bind ${precious} ${place}; $FOSTER rm changes`;
  const { status, stderr } = home.foster(['unshare', 'sh', '-c', script], { env: { FOSTER } });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^foster: cannot remove container changes: something is mounted on .*\/upper\/etc; unmount it/,
  );
  assert.deepEqual(readdirSync(precious), ['file']);
  assert.match(out('ps', '-a'), /changes/);
  assert.match(out('diff', 'changes'), /^A \/a$/m);
  out('rm', 'changes');
});

test('a name takes precedence over the prefix of an id', () => {
  home.load(dockerArchive({ names: ['other:1'], layers: [[{ name: 'x' }]] }));
  const start = out('images', '-q', 'app:1').slice(0, 4);
  out('tag', 'other:1', start);
  assert.equal(out('rmi', start), `Untagged: ${start}:latest\n`);
  assert.match(out('images', '-q', 'app:1'), /^[0-9a-f]{12}\n$/);
  assert.match(out('image', 'inspect', start), /"app:1"/);
});

test('rmi -f ignores missing images', () => {
  const { status, stderr } = home.foster(['rmi', '-f', 'nosuch']);
  assert.match(stderr, /no such image: nosuch/);
  assert.equal(status, 0);
  assert.equal(home.foster(['rmi', 'nosuch']).status, 1);
  const group = home.foster(['image']);
  assert.equal(group.status, 125);
  assert.match(group.stderr, /foster image needs a command; 'foster image --help' lists them/);
});

test('system df -v shows what images share', () => {
  home.load(
    dockerArchive({ names: ['more:1'], layers: [base, [{ name: 'own', content: 'x'.repeat(5000) }]] }),
  );
  out('run', '--name', 'counted', 'more:1', 'true');
  const text = out('system', 'df', '-v');
  assert.match(text, /^app +1 +[0-9a-f]{12} .* (\S+B) +\1 +0B +0$/m);
  assert.match(text, /^more +1 +[0-9a-f]{12} .* 6\.\d+kB +1$/m);
  assert.match(text, /^[0-9a-f]{12} +more:1 +"true" .* counted$/m);
  assert.match(text, /^Root filesystems space usage:\n\nNAME +SIZE +IN USE$/m);
  assert.equal(home.foster(['system', 'df', '-v', '--format', 'json']).status, 125);
});

test('system df counts, system prune frees', () => {
  assert.match(out('system', 'df'), /^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +0 /);
  assert.match(
    out('system', 'prune', '-af'),
    /Untagged: app:1\nDeleted: sha256:.*\n\nTotal reclaimed space: /s,
  );
});

test('run --rmi removes the container, and its image or the name of it that was given', async () => {
  out('tag', 'app:1', 'app:2');
  const first = home.run(['--rmi', 'app:2', 'sh', '-c', 'echo said; exit 3']);
  assert.deepEqual([first.status, first.stdout, first.stderr], [3, 'said\n', '']);
  assert.equal(out('images', '--format', '{{.Tag}}'), '1\n');
  out('run', '-d', '--rmi', 'app:1', 'true');
  // By a look at the files alone: while a command reads what images there are, none is removed.
  await waitUntil(
    'the image and its layers are gone',
    () => Object.values(home.stored()).flat().length === 0,
  );
  assert.equal(out('images', '-q'), '');
  assert.deepEqual(home.leftFolders(), []);
});

test('run -d --rmi removes the layers, even if the container ends before the command', async () => {
  const pipe = join(home.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const ours = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  // it is full, so the command waits when it prints the id
  assert.throws(() => {
    for (;;) writeSync(ours, Buffer.alloc(4096));
  }, /EAGAIN/);
  const stdout = openSync(pipe, constants.O_RDWR);
  const command = spawn(FOSTER, ['run', '-d', '--rmi', 'app:1', 'true'], {
    env: home.env,
    stdio: ['ignore', stdout, 'inherit'],
  });
  const ended = once(command, 'exit');
  try {
    await waitUntil(
      'the image and its layers are gone',
      () => Object.values(home.stored()).flat().length === 0,
    );
    assert.equal(command.exitCode, null);
  } finally {
    readSync(ours, Buffer.alloc(1 << 16));
    await ended;
    for (const fd of [ours, stdout]) closeSync(fd);
  }
  assert.equal(command.exitCode, 0);
});

test('run --rmi leaves an image that another container uses, or whose program is missing', () => {
  out('create', '--name', 'user', 'app:1');
  const { status, stderr } = home.run(['--rmi', 'app:1', 'true']);
  assert.equal(status, 0);
  assert.match(
    stderr,
    /^foster: cannot remove image app:1: container user \([0-9a-f]{12}\) was made from it; /,
  );
  out('rm', 'user');
  assert.equal(home.run(['--rmi', 'app:1', 'nosuch']).status, 127);
  assert.equal(lines(out('images', '-q')).length, 1);
  assert.match(
    home.run(['--rmi', 'busybox', 'true']).stderr,
    /^foster: --rmi: busybox is no image; use --rm,/,
  );
  assert.match(
    home.run(['--rmi', '--restart', 'always', 'app:1']).stderr,
    /--rmi and --restart cannot be used/,
  );
});

test('system prune --filter removes only what matches', () => {
  home.load(
    dockerArchive({ ...app, names: ['other:1'], config: { ...app.config, Labels: { kind: 'other' } } }),
  );
  for (const kind of ['kept', 'gone']) {
    out('create', '--name', kind, '--label', `kind=${kind}`, 'busybox', 'true');
    out('network', 'create', '--label', `kind=${kind}`, kind);
  }
  const prune = (...filters: string[]) =>
    home.foster(['system', 'prune', '-af', ...filters.flatMap((filter) => ['--filter', filter])]);
  const gone = /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Networks:\ngone\n\nTotal/;
  assert.match(prune('label=kind=gone').stdout, gone);
  assert.equal(out('ps', '-a', '--format', '{{.Names}}'), 'kept\n');
  assert.match(prune('label!=kind=app', 'label!=kind=kept').stdout, /Untagged: other:1/);
  assert.equal(out('images', '--format', '{{.Repository}}', 'app'), 'app\n');
  home.load(dockerArchive({ ...app, names: ['old:1'], created: '2024-01-02T03:04:05Z' }));
  assert.match(prune('until=1h').stdout, /Untagged: old:1/);
  assert.equal(lines(out('ps', '-aq')).length, 1);
  assert.match(prune('name=x').stderr, /expected KEY=VALUE, KEY being one of label, label!, until/);
  assert.equal(out('network', 'rm', 'kept'), 'kept\n');
});
