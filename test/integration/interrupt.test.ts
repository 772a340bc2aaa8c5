import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { descriptorsOf } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { Foster, FosterError } from './support/library.js';
import { OciLayout } from './support/oci-layout.js';
import { commandLine, descendants } from './support/processes.js';
import { HostileRegistry } from './support/registry.js';
import { waitUntil } from './support/wait.js';

/** An abort in the library and a signal to the command end what goes on, and leave nothing of it behind. */

const home = new ImagesHome();
const foster = new Foster({ env: home.env });
const layout = new OciLayout();
const registry = new HostileRegistry(layout);
before(() => registry.start());
after(() => registry.stop());

/** Aborts a call as soon as it is at work: it must fail as an interrupted one. */
async function abort(
  call: (signal: AbortSignal) => Promise<unknown>,
  isAtWork: () => unknown,
): Promise<void> {
  const controller = new AbortController();
  const outcome = call(controller.signal).then(
    () => assert.fail('the call has ended by itself'),
    (error: unknown) => {
      assert.ok(error instanceof FosterError && error.kind === 'interrupted', String(error));
      assert.ok(controller.signal.aborted, 'before the abort');
    },
  );
  await Promise.race([waitUntil('the call is at work', isAtWork), outcome]);
  controller.abort();
  await outcome;
}

/** Sends a signal to a command as soon as it is at work: it must end by that, and say nothing. */
async function interrupt(
  args: string[],
  signal: 'SIGINT' | 'SIGTERM',
  isAtWork: () => unknown,
  input?: Buffer,
): Promise<void> {
  const child = spawn(FOSTER, args, { env: home.env, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const end = new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  child.stdin.on('error', () => {});
  if (input !== undefined) child.stdin.write(input);
  await Promise.race([
    waitUntil('the command is at work', isAtWork),
    end.then((how) => assert.fail(`it has ended: ${how} ${said}`)),
  ]);
  child.kill(signal);
  const [code, killer] = await end;
  const number = signal === 'SIGINT' ? 130 : 143;
  assert.ok(killer === signal || code === number, `${killer} ${code}`);
  assert.equal(said, '');
}

function entries(folder: string): string[] {
  const path = home.path(folder);
  return existsSync(path) ? readdirSync(path) : [];
}

/** Nothing half done in the store, no lock in use, and no process. */
async function assertNothingHalfDone(): Promise<void> {
  assert.deepEqual(home.stored().leftovers, []);
  await home.assertNoProcess();
}

test('pull: what has come is kept for the next one, and its half unpacked tree is gone', async () => {
  const content = Buffer.alloc(4 * 1024 * 1024, 'layer ');
  const image = layout.image({ layers: [{ members: [{ name: 'big', content }], compression: 'none' }] }, '1');
  const [layer] = image.layers;
  assert.ok(layer);
  const path = `/v2/app/blobs/${layer.digest}`;
  const bytes = layout.blobs.get(layer.digest) ?? Buffer.alloc(0);
  registry.overrides.set(path, ({ response }) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 2_000_000)); // and no more
  });
  const part = home.path(`data/foster/images/blobs/sha256/${layer.digest.slice(7)}.part`);
  const hasCome = () => existsSync(part) && readFileSync(part).length === 2_000_000;
  await abort((signal) => foster.images.pull(`${registry.host}/app:1`, { signal }), hasCome);
  await assertNothingHalfDone();
  assert.deepEqual(await foster.images.list(), []);
  registry.reset();
  await foster.images.pull(`${registry.host}/app:1`);
  assert.deepEqual(
    registry.asked.filter((line) => line.includes(path)),
    [`GET ${path} bytes=2000000-`],
  );
});

test('push', async () => {
  registry.reset();
  registry.overrides.set('/v2/other/blobs/uploads/', () => {}); // never answered
  await foster.images.tag(`${registry.host}/app:1`, `${registry.host}/other:1`);
  await abort(
    (signal) => foster.images.push(`${registry.host}/other:1`, { signal }),
    () => registry.asked.includes('POST /v2/other/blobs/uploads/'),
  );
  registry.reset();
});

const archive = dockerArchive({ names: ['loaded:1'], layers: [BUSYBOX_LAYER] });
const half = archive.subarray(0, archive.length / 2);
const isPutAside = () => entries('data/foster/images/incoming').length > 0;

test('load: from a pipe whose writer does not go on', async () => {
  const pipe = home.path('pipe');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', 'exec cat > "$0"', pipe], { stdio: ['pipe', 'inherit', 'inherit'] });
  const end = new Promise((resolve) => writer.on('close', (_code, signal) => resolve(signal)));
  writer.stdin.on('error', () => {}); // EPIPE
  writer.stdin.write(half);
  await abort((signal) => foster.images.load({ input: pipe, signal }), isPutAside);
  // what is read no more is closed
  writer.stdin.write(archive.subarray(half.length));
  assert.equal(await end, 'SIGPIPE');
  await assertNothingHalfDone();
  await interrupt(['load'], 'SIGTERM', isPutAside, half);
  await assertNothingHalfDone();
});

test('load and save of an image that is large', async () => {
  const content = Buffer.alloc(300 * 1024 * 1024);
  const large = home.path('large.tar');
  writeFileSync(large, dockerArchive({ names: ['large:1'], layers: [[{ name: 'zeros', content }]] }));
  await abort((signal) => foster.images.load({ input: large, signal }), isPutAside);
  await assertNothingHalfDone();
  await interrupt(['load', '-i', large], 'SIGINT', isPutAside);
  await assertNothingHalfDone();

  await foster.images.load({ input: large });
  mkdirSync(home.path('saved'));
  const isBegun = () => entries('saved').length > 0;
  for (const format of ['docker-archive', 'oci-archive', 'oci-dir'] as const) {
    const output = home.path('saved/large');
    await abort((signal) => foster.images.save(['large:1'], { output, format, signal }), isBegun);
    assert.deepEqual(entries('saved'), [], format);
    await interrupt(['save', '--format', format, '-o', output, 'large:1'], 'SIGTERM', isBegun);
    assert.deepEqual(entries('saved'), [], format);
  }
  await assertNothingHalfDone();
});

test('build: in a RUN that goes on and on', async () => {
  const context = home.path('context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM localhost/foster/busybox\nRUN touch /half; trap "" TERM INT; sleep 998\n',
  );
  const isRunning = () => descendants().some(({ pid }) => commandLine(pid) === 'sleep\x00998\x00');
  await abort((signal) => foster.images.build({ context, signal }), isRunning);
  await assertNothingHalfDone();
  await interrupt(['build', '-q', context], 'SIGTERM', isRunning);
  await assertNothingHalfDone();
});

test('cp, stop, wait, logs and events of a container that does not end', async () => {
  const script = 'trap "" TERM; while :; do sleep 0.1; done';
  const id = await foster.create({ root: 'busybox', name: 'stubborn', command: ['sh', '-c', script] });
  await foster.start(id);
  const helpers = () => descendants().filter(({ pid }) => commandLine(pid).startsWith('foster-copy\x00'));
  // many files: copying them takes long enough to be seen at it
  const tree = home.path('tree');
  for (let folder = 0; folder < 50; folder++) {
    mkdirSync(join(tree, `${folder}`), { recursive: true });
    for (let file = 0; file < 500; file++) writeFileSync(join(tree, `${folder}/${file}`), '');
  }
  const isCopying = () => helpers().length > 0;
  const isGone = () => helpers().length === 0;
  await abort((signal) => foster.copyTo('stubborn', tree, '/tree', { signal }), isCopying);
  await waitUntil('the helper is gone', isGone);
  await interrupt(['cp', tree, 'stubborn:/more'], 'SIGTERM', isCopying);
  await waitUntil('the helper is gone', isGone);
  const fill = 'mkdir /full; for i in $(seq 25000); do : > /full/$i; done';
  await foster.exec('stubborn', { command: ['sh', '-c', fill] });
  await abort((signal) => foster.copyFrom('stubborn', '/full', home.path('full'), { signal }), isCopying);
  await waitUntil('the helper is gone', isGone);

  const isMarked = () => existsSync(home.path(`data/foster/containers/${id}/stopped`));
  await abort((signal) => foster.stop('stubborn', { timeout: 1000, signal }), isMarked);
  assert.equal((await foster.inspect('stubborn')).status, 'running');
  for (const [args, descriptor] of [
    [['stop', '-t', '1000', 'stubborn'], 'pidfd'],
    [['wait', 'stubborn'], 'pidfd'],
    [['logs', '-f', 'stubborn'], 'inotify'],
    [['events'], 'inotify'],
  ] as const)
    await interrupt([...args], 'SIGINT', () => isWaiting(args[0], descriptor));
  assert.equal((await foster.inspect('stubborn')).status, 'running');
  await foster.remove('stubborn', { force: true });
  await home.assertNothingLeft();
});

/** Whether a command has come to where it waits for what the descriptor tells about. */
function isWaiting(command: string, descriptor: string): boolean {
  return descendants().some(
    ({ pid }) =>
      commandLine(pid).includes(`\x00${command}\x00`) &&
      descriptorsOf(pid).some((target) => target.includes(descriptor)),
  );
}
