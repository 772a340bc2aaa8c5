import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { waitUntil } from './support/wait.js';

/**
 * Containers with copies of their layers, chosen explicitly; storage-probe.root.test.ts tests where they are needed.
 */
const home = new ImagesHome();
home.env.FOSTER_STORAGE_DRIVER = 'copy';
const containers = new Containers(home);
const out = (...args: string[]) => containers.ok(...args);
const lines = (text: string) => text.split('\n').filter(Boolean);
const folder = (id: string) => readdirSync(containers.folder(id)).sort();

const base = [
  ...BUSYBOX_LAYER,
  { name: 'etc/passwd', content: 'root:x:0:0::/:/bin/sh\n' },
  { name: 'etc/kept', content: 'kept' },
  { name: 'd/one' },
  { name: 'd/two', content: '2' },
  { name: 'gone' },
];
const second = [{ name: 'd/.wh.one' }, { name: 'd/mine', content: 'x', uid: 7, gid: 8, mode: 0o4755 }];

beforeEach(() =>
  home.load(dockerArchive({ names: ['app:1'], layers: [base, second], config: { Cmd: ['sh'] } })),
);
afterEach(async () => {
  await home.clear();
  assert.deepEqual(home.stored(), { blobs: [], layers: [], leftovers: [] });
  assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
});

test('the merged layers are the root filesystem, and the container can write to it', () => {
  const script = 'ls /d; stat -c "%u:%g %a" /d/mine; echo x > /d/two; cat /d/two';
  assert.equal(out('run', '--rm', 'app:1', 'sh', '-c', script), 'mine\ntwo\n7:8 4755\nx\n');
  assert.equal(out('run', '--rm', 'app:1', 'cat', '/d/two'), '2', 'the layer is as it was');
  const { status, stderr } = home.run(['--rm', '--read-only', 'app:1', 'touch', '/new']);
  assert.equal(status, 1);
  assert.match(stderr, /Read-only file system/);
  assert.equal(out('run', '--rm', '--userns', 'auto', 'app:1', 'stat', '-c', '%u', '/d/mine'), '7\n');
  assert.equal(out('run', '--rm', '--userns', 'keep-id', 'app:1', 'stat', '-c', '%u', '/d/mine'), '7\n');
});

test('a detached container keeps its files when it is stopped, started and restarted by itself', async () => {
  const id = out('run', '-d', '--name', 'one', '--stop-timeout', '1', 'app:1', 'sleep', '1000').trim();
  assert.ok(folder(id).includes('tree') && !folder(id).includes('upper'), String(folder(id)));
  assert.equal(containers.inspect('one', '{{.Driver}}'), 'copy');
  out('exec', 'one', 'sh', '-c', 'echo kept > /file');
  out('stop', 'one');
  // it has its files, whatever new containers would get
  assert.equal(home.foster(['start', 'one'], { env: { FOSTER_STORAGE_DRIVER: 'overlay' } }).status, 0);
  assert.equal(out('exec', 'one', 'cat', '/file'), 'kept\n');
  out('restart', 'one');
  assert.equal(out('exec', 'one', 'cat', '/file'), 'kept\n');
  const script = 'echo x >> /starts; sleep 0.1; exit 1';
  out('run', '-d', '--name', 'two', '--restart', 'on-failure:2', 'app:1', 'sh', '-c', script);
  await containers.waitFor('two', 'exited');
  out('cp', 'two:/starts', home.path('starts'));
  assert.equal(readFileSync(home.path('starts'), 'utf8'), 'x\nx\nx\n');
});

test('files are copied into and out of it, running or stopped', () => {
  out('create', '--name', 'one', 'app:1', 'cat', '/d/in');
  writeFileSync(home.path('in'), 'inside');
  out('cp', home.path('in'), 'one:/d/in');
  out('cp', 'one:/d/mine', home.path('mine'));
  assert.equal(readFileSync(home.path('mine'), 'utf8'), 'x');
  assert.equal(out('start', '-a', 'one'), 'inside');
  out('run', '-d', '--name', 'two', 'app:1', 'sleep', '1000');
  out('cp', home.path('in'), 'two:/etc/in');
  assert.equal(out('exec', 'two', 'cat', '/etc/in'), 'inside');
  out('cp', 'two:/etc/kept', home.path('kept'));
  assert.equal(readFileSync(home.path('kept'), 'utf8'), 'kept');
});

const CHANGES =
  'echo new > /new; rm -r /gone /d; mkdir /d; echo x > /d/three; echo more >> /etc/kept; mkdir -p /a/b; chown 7:8 /a; ln /new /hard';
const CHANGED = [
  'A /a',
  'A /a/b',
  'C /d',
  'D /d/mine',
  'A /d/three',
  'D /d/two',
  'C /etc',
  'C /etc/kept',
  'D /gone',
  'A /hard',
  'A /new',
];

test('diff and commit give the same result as for an overlay', () => {
  out('create', '--name', 'fresh', 'app:1');
  assert.equal(out('diff', 'fresh'), '');
  out('run', '--name', 'nothing', 'app:1', 'true');
  assert.equal(out('diff', 'nothing'), '');
  for (const driver of ['copy', 'overlay']) {
    out('--storage-driver', driver, 'run', '--name', driver, 'app:1', 'sh', '-c', CHANGES);
    assert.deepEqual(lines(out('diff', driver)), CHANGED, driver);
    out('commit', driver, `${driver}:1`);
  }
  const script = 'ls -a / /d; cat /etc/kept; stat -c "%u:%g %a" /a; stat -c %h /hard';
  const seen = (image: string) => out('run', '--rm', image, 'sh', '-c', script);
  assert.match(seen('copy:1'), /^\/:\n.*hard\n.*\/d:\n\.\n\.\.\nthree\nkeptmore\n7:8 755\n2\n$/s);
  assert.equal(seen('copy:1'), seen('overlay:1'));
});

test('export and mount show its files', () => {
  out('run', '--name', 'changes', 'app:1', 'sh', '-c', CHANGES);
  out('export', '-o', home.path('flat.tar'), 'changes');
  const list = execFileSync('tar', ['--numeric-owner', '-tvf', home.path('flat.tar')], { encoding: 'utf8' });
  assert.match(list, /7\/8 .* a\/\n/);
  assert.match(list, / new link to hard\n/);
  assert.ok(!/ gone|d\/one|d\/two/.test(list), list);
  const script = `cat "$(${FOSTER} mount changes)"/d/three && ${FOSTER} umount changes`;
  assert.equal(out('unshare', 'sh', '-c', script), 'x\nchanges\n');
});

test('a build copies too, and its layers work with an overlay', () => {
  writeFileSync(
    home.path('shared/Dockerfile'),
    `FROM app:1 AS one\nRUN ${CHANGES}\nFROM app:1\nCOPY --from=one /d /e\nRUN rm /gone && echo y >> /e/three\nWORKDIR /w\n`,
  );
  out('build', '-q', '-t', 'built:1', home.shared);
  for (const driver of ['copy', 'overlay']) {
    const find = ['find', '/e', '/d', '/gone', '/w'];
    const { stdout } = home.foster(['--storage-driver', driver, 'run', '--rm', 'built:1', ...find]);
    assert.deepEqual(lines(stdout).sort(), ['/d', '/d/mine', '/d/two', '/e', '/e/three', '/w'], driver);
  }
  assert.equal(out('run', '--rm', 'built:1', 'cat', '/e/three'), 'x\ny\n');
  out('rmi', 'built:1');
  home.foster(['system', 'prune', '-af']);
});

test('an image that is in use stays, and df counts the copy', () => {
  out('run', '--name', 'one', 'app:1', 'true');
  assert.equal(home.foster(['rmi', 'app:1']).status, 1);
  out('rmi', '-f', 'app:1');
  assert.equal(out('start', '-a', 'one'), '');
  const [size = ''] = lines(out('system', 'df', '--format', '{{.Type}} {{.Size}}')).filter((line) =>
    line.startsWith('Containers'),
  );
  assert.match(size, /^Containers [\d.]+MB$/); // busybox alone is one
  out('rm', 'one');
  out('system', 'prune', '-f');
});

/**
 * Sends a signal to a command that makes a container, while its files are copied; again where it was over before this process, on a
 * busy machine, has looked.
 * @returns how it has ended
 */
async function cutShort(
  args: string[],
  signal: NodeJS.Signals,
  isCopied: (id: string) => boolean,
  tries = 5,
): Promise<unknown> {
  const child = spawn(FOSTER, args, { env: home.env, stdio: 'ignore' });
  let how: unknown;
  const ended = new Promise((done) => child.on('exit', (code, by) => done(by ?? code))).then((end) => {
    how = end;
  });
  await waitUntil('the copy is being made', () => {
    const [id] = readdirSync(home.path('data/foster/containers'));
    return how !== undefined || (id !== undefined && isCopied(id));
  });
  child.kill(signal);
  await ended;
  if (how !== 0 || tries === 1) return how;
  containers.removeAll();
  return await cutShort(args, signal, isCopied, tries - 1);
}

test('a signal during a copy of files that other users own leaves nothing behind', async () => {
  // only root of the container can remove these: cleaning up takes a user namespace, after the signal
  const owner = { uid: 7, gid: 8 };
  const members = Array.from({ length: 5000 }, (_, index) => ({ name: `others/${index}`, ...owner }));
  const layer = [...BUSYBOX_LAYER, { name: 'others/', type: '5', mode: 0o755, ...owner }, ...members];
  home.load(dockerArchive({ names: ['others:1'], layers: [layer] }));
  const isCopied = (id: string) => existsSync(join(containers.folder(id), 'tree/others'));
  assert.equal(await cutShort(['create', 'others:1', 'true'], 'SIGTERM', isCopied), 143);
  await home.assertNoProcess();
  assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
});

/** A root filesystem that takes a while to be copied: made when it is first asked for. */
function manyFiles(): string {
  const root = home.path('many');
  const script = `mkdir -p ${root}/bin && cp /bin/busybox ${root}/bin/sh && cd ${root} && seq 1 30000 | xargs touch`;
  if (!existsSync(root)) execFileSync('sh', ['-c', script]);
  return root;
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGKILL', 'SIGKILL'],
] as const) {
  test(`${signal} during a copy leaves nothing behind`, async () => {
    const root = manyFiles();
    for (const command of ['run', 'create']) {
      const isCopied = (id: string) => folder(id).includes('tree') && !folder(id).includes('copied');
      const args = [command, '--name', 'cut', root, 'sh', '-c', ':'];
      assert.equal(await cutShort(args, signal, isCopied), status);
      await home.assertNoProcess();
      assert.equal(out('ps', '-aq'), '');
      if (signal === 'SIGKILL') out('prune', '-f');
      assert.deepEqual(readdirSync(home.path('data/foster/containers')), []);
      assert.equal(out('run', '--rm', '--name', 'cut', 'app:1', 'echo', 'again'), 'again\n');
    }
  });
}

test('a directory is copied without its mounts and unreadable files', () => {
  const root = join(home.folder, 'root');
  const script =
    'mkdir -p bin d; cp /bin/busybox bin/sh; ln -s sh bin/ls; echo a > d/.wh.a; touch secret; chmod 0 secret';
  execFileSync('sh', ['-c', `mkdir ${root}; cd ${root}; ${script}`]);
  assert.equal(out('run', '--rm', root, 'ls', '-a', '/d'), '.\n..\n.wh.a\n');
});

test('an unknown driver is an error in one sentence', () => {
  const { status, stderr } = home.foster(['--storage-driver', 'zfs', 'info']);
  assert.equal(status, 125);
  assert.match(stderr, /^foster: --storage-driver 'zfs': expected overlay, fuse-overlayfs or copy\n$/);
  assert.match(
    out('info'),
    /driver: copy\n {2}reason: chosen by --storage-driver or FOSTER_STORAGE_DRIVER\n/,
  );
  const info = JSON.parse(out('--storage-driver=overlay', 'info', '--format', 'json'));
  assert.equal(info.storage.driver, 'overlay');
});
