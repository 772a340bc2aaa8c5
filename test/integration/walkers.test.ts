import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';
import { Containers } from './support/containers.js';
import { compile } from './support/probe.js';
import { waitUntil } from './support/wait.js';

/**
 * CVE-2018-15664 and its class: a container makes a directory a link to one of the host's, and back, while foster walks
 * through it. Whatever foster reads, writes or removes then, nothing of the host's may be among it.
 */
const home = new BuildHome();
const containers = new Containers(home);
const hostile = ['-v', `${compile(home, 'hostile')}:/hostile:ro`];
const TRIES = 12;

/** What the container has under the same names. */
const FILES = Array.from({ length: 120 }, (_, index) => `file-${String(index).padStart(3, '0')}`);
const MARKER = 'this-is-the-host';
const LARGE = 64 * 1024 * 1024;
const secret = mkdtempSync(join(tmpdir(), 'foster-secret-'));
mkdirSync(join(secret, 'below'), { recursive: true });
for (const name of FILES) writeFileSync(join(secret, name), MARKER);
writeFileSync(join(secret, 'below/only-the-host-has-this'), MARKER);
execFileSync('dd', [
  'if=/dev/zero',
  `of=${secret}/large`,
  'bs=1M',
  `count=${LARGE / 1024 / 1024}`,
  'status=none',
]);
const all = namesBelow(secret);

afterEach(() => {
  containers.removeAll();
  assertHostIsWhole();
});

after(async () => {
  rmSync(secret, { recursive: true });
  await home.assertNothingLeft();
});

function assertHostIsWhole(): void {
  assert.deepEqual(namesBelow(secret), all, 'files of the host are gone');
  for (const name of FILES) assert.equal(readFileSync(join(secret, name), 'utf8'), MARKER);
}

function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

/**
 * Makes DIRECTORY, like the host's, and LINK, and has them take each other's place for as long as the container lives;
 * so do a file and a named pipe, which nobody may wait for.
 */
function swapping(directory: string, link: string): string {
  return [
    `mkdir -p ${directory}/below`,
    `for name in large ${FILES.join(' ')}; do echo mine > ${directory}/$name; done`,
    `ln -s ${secret} ${link}`,
    `echo mine > ${directory}-file; mkfifo ${directory}-pipe`,
    `exec /hostile swap ${directory} ${link} ${directory}-file ${directory}-pipe`,
  ].join('; ');
}

async function start(name: string, script: string, flags: string[] = [], driver = 'overlay'): Promise<void> {
  const run = ['--storage-driver', driver, 'run', '-d', '--name', name, ...hostile, ...flags];
  containers.ok(...run, 'busybox', 'sh', '-c', script);
  await containers.logs(name, 'ready');
}

/**
 * Runs a command many times. What it prints must have nothing of the host, and some of it must have succeeded.
 * @param shows whether the output has what is swapped; a walk may come between the two renames and see neither name
 */
async function attack(args: string[], shows: (output: string) => boolean = () => true): Promise<void> {
  let succeeded = 0;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { status, stdout, stderr } = await containers.run(args);
    const what = `foster ${args.join(' ')}, attempt ${attempt}`;
    assert.ok(
      !stdout.includes(MARKER) && !stdout.includes('only-the-host'),
      `${what} shows files of the host`,
    );
    assert.doesNotMatch(stderr, /only-the-host|unexpected|at .*\.cjs/, what);
    if (status === 0 && shows(stdout)) succeeded++;
  }
  assert.ok(succeeded > 0, `foster ${args.join(' ')} never succeeds`);
}

for (const driver of ['overlay', 'copy']) {
  test(`what looks at a container that runs finds nothing of the host (${driver})`, async () => {
    await start('swapper', swapping('/data/d', '/data/l'), [], driver);
    await attack(['export', 'swapper'], (tar) => /data\/[dl]/.test(tar));
    await attack(['diff', 'swapper'], (text) => /^A \/data\/[dl]$/m.test(text));
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if ((await containers.run(['commit', 'swapper', 'swapped'])).status !== 0) continue;
      const { stdout } = home.foster(['save', 'swapped']);
      assert.ok(stdout.includes('data/l'), 'the image has the layer');
      assert.ok(!stdout.includes(MARKER), `commit, attempt ${attempt}, has files of the host`);
      assert.ok(!stdout.includes('only-the-host'), `commit, attempt ${attempt}, has names of the host`);
    }
    await attack(['cp', 'swapper:/data', '-']);
    const own = ['system', 'df', '--format', '{{.Type}} {{.Size}}'];
    for (let attempt = 0; attempt < TRIES; attempt++)
      assert.doesNotMatch(containers.ok(...own), /^Containers (\d{2,}(\.\d+)?M|[\d.]+G)B/m);
    containers.ok('rm', '-f', 'swapper');
  });
}

test('rm, while another container changes what is removed', async () => {
  for (let attempt = 0; attempt < TRIES / 2; attempt++) {
    const fill = swapping('/d', '/l').replace(/exec .*/, 'true');
    const { status, stderr } = home.run(['--name', 'victim', 'busybox', 'sh', '-c', fill]);
    assert.equal(status, 0, stderr);
    const upper = join(containers.folder(containers.inspect('victim', '{{.Id}}')), 'upper');
    const other = ['-v', `${upper}:/upper`];
    await start(`other-${attempt}`, 'exec /hostile swap /upper/d /upper/l', other);
    containers.ok('rm', 'victim');
    containers.ok('rm', '-f', `other-${attempt}`);
    assertHostIsWhole();
  }
});

test('a build that fails, while another container changes its files', async () => {
  const files = swapping('/d', '/l').replace(/; exec .*/, '');
  const wait = 'touch /signal/ready; while [ ! -e /signal/go ]; do sleep 0.05; done; exit 3';
  const run = `RUN --mount=type=cache,id=signal,target=/signal ${files}; ${wait}`;
  const context = home.context({ Dockerfile: `${FROM}\n${run}\n` });
  const caches = join(home.folder, 'data/foster/build-cache/mounts');
  const roots = join(home.folder, 'data/foster/roots');
  for (let attempt = 0; attempt < TRIES / 4; attempt++) {
    const build = containers.run(['build', '--no-cache', context]);
    const signal = await waitUntil('the step is at work', () => {
      const [key] = namesIn(caches);
      return key !== undefined && namesIn(join(caches, key)).includes('ready') && join(caches, key);
    });
    const folder = namesIn(roots).find((name) => name.startsWith('tmp-')) ?? '';
    await start(`other-${attempt}`, 'exec /hostile swap /upper/d /upper/l', [
      '-v',
      `${join(roots, folder, 'upper')}:/upper`,
    ]);
    writeFileSync(join(signal, 'go'), '');
    const { stderr } = await build;
    assert.match(stderr, /returned a non-zero code: 3/);
    containers.ok('rm', '-f', `other-${attempt}`);
    assertHostIsWhole();
    for (const name of namesIn(signal)) rmSync(join(signal, name));
  }
});

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

test('a volume gets no file of the host from a directory that a container changes', async () => {
  const root = join(home.folder, 'root');
  mkdirSync(join(root, 'bin'), { recursive: true });
  cpSync('/bin/busybox', join(root, 'bin/busybox'));
  mkdirSync(join(root, 'vol'));
  await start('swapper', swapping('/root-of-others/vol/d', '/root-of-others/vol/l'), [
    '-v',
    `${root}:/root-of-others`,
  ]);
  let succeeded = 0;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    for (const driver of ['overlay', 'copy']) {
      const flags = ['--storage-driver', driver, 'create', '--name', 'new', '-v', '/vol'];
      const { status, stdout, stderr } = await containers.run([...flags, root, '/bin/busybox', 'true']);
      assert.doesNotMatch(stderr, /unexpected|at .*\.cjs/);
      if (status !== 0) continue;
      succeeded++;
      const folder = containers.folder(stdout.trim());
      // links are not followed
      assert.equal(spawnSync('grep', ['-rl', MARKER, folder], { encoding: 'utf8' }).stdout, '');
      containers.ok('rm', 'new');
    }
  }
  assert.ok(succeeded > 0);
});

test('a build gets no file of the host from a context that a container changes', async () => {
  const context = join(home.folder, 'context');
  mkdirSync(join(context, 'sub'), { recursive: true });
  const steps = ['COPY sub /sub', 'COPY --parents sub/*/file-* /parents/', 'ADD sub/d/file-0* /added/'];
  writeFileSync(join(context, 'Dockerfile'), `${[FROM, ...steps].join('\n')}\n`);
  await start('swapper', swapping('/context/sub/d', '/context/sub/l'), ['-v', `${context}:/context`]);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { status, stdout, stderr } = await containers.run(['build', '-q', '-t', 'taken', context]);
    assert.doesNotMatch(stdout + stderr, /only-the-host|unexpected|at .*\.cjs/);
    if (status !== 0) continue;
    containers.ok('create', '--name', 'new', 'taken');
    const tar = containers.ok('export', 'new');
    assert.ok(!tar.includes(MARKER), 'the image has files of the host');
    containers.ok('rm', 'new');
  }
});
