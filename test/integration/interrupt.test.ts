import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { descriptorsOf } from './support/containers.js';
import { FOSTER } from './support/foster.js';
import { BUSYBOX_LAYER, dockerArchive, ImagesHome } from './support/image-archive.js';
import { Foster, FosterError } from './support/library.js';
import { OciLayout } from './support/oci-layout.js';
import { commandLine, descendants } from './support/processes.js';
import { HostileRegistry } from './support/registry.js';
import { tar } from './support/tar.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** An abort in the library and a signal to the command end what goes on, and leave nothing of it behind. */

const home = new ImagesHome();
const foster = new Foster({ env: home.env });
const layout = new OciLayout();
const registry = new HostileRegistry(layout);
before(() => registry.start());
after(() => registry.stop());

/** How long calls took to fail after their abort. It is told, not checked: how fast the machine is, no test knows. */
const times: string[] = [];

/**
 * Aborts a call as soon as it is at work: it must fail as an interrupted one.
 * @param what the call, for the list of times
 * @param undo makes it possible to try again, where the call may be over before this process, on a busy machine, has looked
 */
async function abort(
  what: string,
  call: (signal: AbortSignal) => Promise<unknown>,
  isAtWork: () => unknown,
  { undo, tries = 5 }: { undo?: () => unknown; tries?: number } = {},
): Promise<void> {
  const controller = new AbortController();
  const outcome = call(controller.signal).then(
    () => 'ended',
    (error: unknown) => {
      assert.ok(error instanceof FosterError && error.kind === 'interrupted', String(error));
      assert.equal(error.exitCode, 130);
      assert.ok(controller.signal.aborted, 'before the abort');
    },
  );
  await Promise.race([waitUntil('the call is at work', isAtWork), outcome]);
  const began = performance.now();
  controller.abort();
  const hasEnded = (await outcome) === 'ended';
  if (!hasEnded) return void times.push(`${what}: ${Math.round(performance.now() - began)} ms`);
  assert.ok(undo !== undefined && tries > 1, 'the call has ended by itself');
  await undo();
  await abort(what, call, isAtWork, { undo, tries: tries - 1 });
}

/**
 * Sends a signal to a command as soon as it is at work: it must end by that, and say nothing.
 * @param undo makes it possible to try again, where the command may be over before this process, on a busy machine, has looked
 */
async function interrupt(
  args: string[],
  signal: 'SIGINT' | 'SIGTERM',
  isAtWork: () => unknown,
  { input, undo, tries = 5 }: { input?: Buffer; undo?: () => unknown; tries?: number } = {},
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
    end.then((how) => undo ?? assert.fail(`it has ended: ${how} ${said}`)),
  ]);
  child.kill(signal);
  const [code, killer] = await end;
  if (code === 0 && undo !== undefined && tries > 1) {
    await undo();
    return await interrupt(args, signal, isAtWork, { undo, tries: tries - 1 });
  }
  const number = signal === 'SIGINT' ? 130 : 143;
  assert.ok(killer === signal || code === number, `${killer} ${code}`);
  assert.equal(said, '');
}

function entries(folder: string): string[] {
  const path = home.path(folder);
  return existsSync(path) ? readdirSync(path) : [];
}

/** The helper programs of a name that run. */
function helpers(name: string): unknown[] {
  return descendants().filter(({ pid }) => commandLine(pid).startsWith(`${name}\x00`));
}

/** Nothing half done in the store, no lock in use, and no process. */
async function assertNothingHalfDone(): Promise<void> {
  assert.deepEqual(home.stored().leftovers, []);
  await home.assertNoProcess();
}

/**
 * An image of the registry, of whose layer 2,000,000 bytes come, and no more.
 * @returns its path in the registry, and whether the bytes have come
 */
function stalledImage(tag: string): { path: string; hasCome: () => boolean } {
  const content = Buffer.alloc(4 * 1024 * 1024, `layer ${tag} `);
  const image = layout.image({ layers: [{ members: [{ name: 'big', content }], compression: 'none' }] }, tag);
  const [layer] = image.layers;
  assert.ok(layer);
  const path = `/v2/app/blobs/${layer.digest}`;
  const bytes = layout.blobs.get(layer.digest) ?? Buffer.alloc(0);
  registry.overrides.set(path, ({ response }) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 2_000_000));
  });
  const part = home.path(`data/foster/images/blobs/sha256/${layer.digest.slice(7)}.part`);
  return { path, hasCome: () => existsSync(part) && readFileSync(part).length === 2_000_000 };
}

test('pull: what has come is kept for the next one, and its half unpacked tree is gone', async () => {
  const { path, hasCome } = stalledImage('1');
  await abort('pull', (signal) => foster.images.pull(`${registry.host}/app:1`, { signal }), hasCome);
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
    'push',
    (signal) => foster.images.push(`${registry.host}/other:1`, { signal }),
    () => registry.asked.includes('POST /v2/other/blobs/uploads/'),
  );
  registry.reset();
});

test('what pulls an image first: run, create, build, kube play', async () => {
  const image = (tag: string) => `${registry.host}/app:${tag}`;
  const context = home.path('pulling');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), `FROM ${image('build')}\n`);
  const pod = podFile(
    'pulling',
    `containers: [{name: main, image: "${image('play')}", command: [sleep, "1000"]}]`,
  );
  const calls: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    run: (signal) => foster.run({ root: image('run'), command: ['true'], name: 'pulling', signal }),
    create: (signal) => foster.create({ root: image('create'), name: 'pulling', signal }),
    build: (signal) => foster.images.build({ context, signal }),
    play: (signal) => foster.kube.play(pod, { signal }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await abort(`${name}, while it pulls`, call, stalledImage(name).hasCome);
    await assertNothingHalfDone();
    await home.assertNothingLeft();
    assert.deepEqual([await foster.list(), await foster.pods.list()], [[], []], name);
  }
  registry.reset();
});

/** A file of Kubernetes with one pod. */
function podFile(name: string, spec: string): string {
  const path = home.path(`${name}.yaml`);
  const fields = `terminationGracePeriodSeconds: 1000, ${spec}`;
  writeFileSync(path, `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {${fields}}\n`);
  return path;
}

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
  await abort('load from a pipe', (signal) => foster.images.load({ input: pipe, signal }), isPutAside);
  // what is read no more is closed
  writer.stdin.write(archive.subarray(half.length));
  assert.equal(await end, 'SIGPIPE');
  await assertNothingHalfDone();
  await interrupt(['load'], 'SIGTERM', isPutAside, { input: half });
  await assertNothingHalfDone();
});

test('load and volume import: from a named pipe that nobody writes to', async () => {
  const pipe = home.path('silent');
  execFileSync('mkfifo', [pipe]);
  const isOpen = (pid: number) => hasOpen(pid, pipe);
  const isRead = () => isOpen(process.pid);
  await abort('load from a silent pipe', (signal) => foster.images.load({ input: pipe, signal }), isRead);
  await waitUntil('it is closed', () => !isRead());
  const { name } = await foster.volumes.create('silent');
  const importing = (signal: AbortSignal) => foster.volumes.import(name, pipe, { signal });
  await abort('import from a silent pipe', importing, isRead);
  await waitUntil('it is closed', () => !isRead());
  const isWaiting = () => descendants().some(({ pid }) => isOpen(pid));
  await interrupt(['load', '-i', pipe], 'SIGTERM', isWaiting);
  await interrupt(['volume', 'import', name, pipe], 'SIGINT', isWaiting);
  await assertNothingHalfDone();
  // who writes at last is heard
  const loading = foster.images.load({ input: pipe });
  await waitUntil('it is open', isRead);
  const writer = spawn('sh', ['-c', 'exec cat > "$0"', pipe], { stdio: ['pipe', 'inherit', 'inherit'] });
  writer.stdin.end(archive);
  assert.deepEqual(
    (await loading).flatMap(({ names }) => names),
    ['docker.io/library/loaded:1'],
  );
  await foster.images.remove('loaded:1');
  await foster.volumes.remove(name);
});

test('load and save of an image that is large', async () => {
  const content = Buffer.alloc(300 * 1024 * 1024);
  const large = home.path('large.tar');
  writeFileSync(large, dockerArchive({ names: ['large:1'], layers: [[{ name: 'zeros', content }]] }));
  const remove = () => foster.images.remove('large:1');
  await abort('load', (signal) => foster.images.load({ input: large, signal }), isPutAside, { undo: remove });
  await assertNothingHalfDone();
  await interrupt(['load', '-i', large], 'SIGINT', isPutAside, { undo: remove });
  await assertNothingHalfDone();

  await foster.images.load({ input: large });
  mkdirSync(home.path('saved'));
  const isBegun = () => entries('saved').length > 0;
  for (const format of ['docker-archive', 'oci-archive', 'oci-dir'] as const) {
    const output = home.path('saved/large');
    const undo = () => rmSync(output, { recursive: true });
    await abort(
      `save as ${format}`,
      (signal) => foster.images.save(['large:1'], { output, format, signal }),
      isBegun,
      { undo },
    );
    assert.deepEqual(entries('saved'), [], format);
    await interrupt(['save', '--format', format, '-o', output, 'large:1'], 'SIGTERM', isBegun, { undo });
    assert.deepEqual(entries('saved'), [], format);
  }
  await assertNothingHalfDone();
});

test('the files of a volume: from a pipe whose writer does not go on, and into a file', async () => {
  const pipe = home.path('files');
  execFileSync('mkfifo', [pipe]);
  const writer = spawn('sh', ['-c', 'exec cat > "$0"', pipe], { stdio: ['pipe', 'inherit', 'inherit'] });
  const end = new Promise((resolve) => writer.on('close', (_code, signal) => resolve(signal)));
  writer.stdin.on('error', () => {}); // EPIPE
  const content = Buffer.alloc(100 * 1024 * 1024);
  const files = tar({ name: 'zeros', content });
  writer.stdin.write(files.subarray(0, 1_000_000));
  const { name, mountpoint } = await foster.volumes.create('files');
  const isWritten = () => helpers('foster-unpack').length > 0;
  await abort('import', (signal) => foster.volumes.import(name, pipe, { signal }), isWritten);
  writer.stdin.end(files.subarray(1_000_000));
  assert.equal(await end, 'SIGPIPE');
  await home.assertNoProcess();
  assert.deepEqual(readdirSync(mountpoint), []);

  const whole = home.path('whole.tar');
  writeFileSync(whole, files);
  await foster.volumes.import(name, whole);
  mkdirSync(home.path('exported'));
  const output = home.path('exported/files.tar');
  await abort(
    'export',
    (signal) => foster.volumes.export(name, output, { signal }),
    () => entries('exported').length > 0,
    { undo: () => rmSync(output) },
  );
  await home.assertNoProcess();
  assert.deepEqual(entries('exported'), []);
  await foster.volumes.remove(name);
});

test('build: in a RUN that goes on and on', async () => {
  const context = home.path('context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM localhost/foster/busybox\nRUN touch /half; trap "" TERM INT; sleep 998\n',
  );
  const isRunning = () => descendants().some(({ pid }) => commandLine(pid) === 'sleep\x00998\x00');
  await abort('build in a RUN', (signal) => foster.images.build({ context, signal }), isRunning);
  await assertNothingHalfDone();
  await interrupt(['build', '-q', context], 'SIGTERM', isRunning);
  await assertNothingHalfDone();
});

test('build: while it downloads a file, and while it copies', async () => {
  const context = home.path('files-of-a-build');
  mkdirSync(context);
  registry.overrides.set('/slow', ({ response }) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('the beginning');
  });
  const build = (recipe: string, what: string, isAtWork: () => unknown) => {
    writeFileSync(join(context, 'Dockerfile'), `FROM localhost/foster/busybox\n${recipe}\n`);
    return abort(what, (signal) => foster.images.build({ context, signal, cache: false }), isAtWork, {
      undo: () => foster.images.prune({ all: true }),
    });
  };
  await build(`ADD http://${registry.host}/slow /`, 'build, while it downloads', () =>
    registry.asked.includes('GET /slow'),
  );
  await assertNothingHalfDone();
  registry.reset();
  writeFileSync(join(context, 'zeros'), Buffer.alloc(100 * 1024 * 1024));
  await build('COPY zeros /', 'build, while it copies', () => helpers('foster-layer').length > 0);
  await assertNothingHalfDone();
  const halfBuilt = (await foster.images.list()).filter(({ names }) => names.length === 0);
  assert.deepEqual(halfBuilt, []);
});

test('an abort before a copy has begun, and in the middle of a long log', async () => {
  const name = 'wordy';
  const script = 'yes | head -c 8000000; sleep 1000';
  await foster.start(await foster.create({ root: 'busybox', name, command: ['sh', '-c', script] }));
  let size = 0;
  for await (const { data } of foster.logs(name, { follow: true })) {
    size += data.length;
    if (size === 8_000_000) break;
  }
  const early = new AbortController();
  const copy = foster.copyTo(name, '/etc/passwd', '/copy', { signal: early.signal });
  early.abort();
  await assert.rejects(copy, { kind: 'interrupted' });
  await waitUntil(
    'the helper has ended',
    () => !descendants().some(({ pid }) => commandLine(pid).includes('own-process-main')),
  );
  assert.equal((await foster.exec(name, { command: ['test', '-e', '/copy'] })).exitCode, 1);

  const abort = new AbortController();
  let read = 0;
  const { signal } = abort;
  const reading = async () => {
    for await (const { data } of foster.logs(name, { signal })) {
      if (read === 0) setImmediate(() => abort.abort());
      read += data.length;
    }
  };
  await assert.rejects(reading(), { kind: 'interrupted' });
  assert.ok(read < size, 'it was noticed before the end');
  await foster.remove(name, { force: true });
});

test('run, exec, attach, wait, logs, events, stats and watch', async () => {
  const endless = { root: 'busybox', command: ['sleep', '1000'], remove: true };
  const isRunning = async () => (await foster.list()).some(({ status }) => status === 'running');
  for (const tty of [false, true]) {
    await abort(
      `run${tty ? ' with a terminal' : ''}`,
      (signal) => foster.run({ ...endless, tty, signal }),
      isRunning,
    );
    await home.assertNothingLeft();
  }
  const aborted = AbortSignal.abort();
  await assert.rejects(foster.run({ ...endless, signal: aborted }), { kind: 'interrupted' });
  assert.deepEqual(home.leftFolders(), []);

  const ticks = ['sh', '-c', 'while :; do echo tick; sleep 0.1; done'];
  await foster.start(await foster.create({ root: 'busybox', name: 'long', command: ticks }));
  const weHaveOpen = (what: string) => () => hasOpen(process.pid, what);
  await abort('wait', (signal) => foster.wait('long', { signal }), weHaveOpen('data/foster/containers/'));
  const each = async (items: AsyncIterable<unknown>, seen: () => void = () => {}) => {
    for await (const _ of items) seen();
  };
  await abort('logs', (signal) => each(foster.logs('long', { follow: true, signal })), weHaveOpen('inotify'));
  await waitUntil('the log is closed', () => !weHaveOpen('inotify')());
  await abort('events', (signal) => each(foster.events({ signal })), weHaveOpen('inotify'));
  for (const name of ['stats', 'watch'] as const) {
    let looks = 0;
    const look = (signal: AbortSignal) => each(foster[name]({ signal }), () => looks++);
    await abort(name, look, () => looks > 0);
  }
  let told = '';
  const stdout = new Writable({
    write: (piece: Buffer, _encoding, done) => {
      told += piece;
      done();
    },
  });
  await abort(
    'attach',
    (signal) => foster.attach('long', { stdout, signal }),
    () => told.includes('tick'),
  );
  const processes = async () => (await foster.exec('long', { command: ['ps', '-o', 'args'] })).stdout;
  for (const tty of [false, true]) {
    const isAtWork = async () => (await processes()).includes('sleep 987');
    await abort(
      `exec${tty ? ' with a terminal' : ''}`,
      (signal) => foster.exec('long', { command: ['sleep', '987'], tty, signal }),
      isAtWork,
    );
    await waitUntil('the process is gone', async () => !(await isAtWork()));
  }
  assert.equal((await foster.inspect('long')).status, 'running');
  await foster.remove('long', { force: true });
  await home.assertNothingLeft();
});

test('kube play: in an init container, and when it waits for what is not ready; the end of a pod', async () => {
  const ends = 'command: [sh, -c, "trap : TERM; while :; do sleep 0.1; done"]';
  const isRunning = (name: string) => async () =>
    (await foster.list()).some((one) => one.name === name && one.status === 'running');
  const slow = podFile(
    'slow',
    `initContainers: [{name: first, image: busybox, ${ends}}], containers: [{name: main, image: busybox}]`,
  );
  await abort('kube play', (signal) => foster.kube.play(slow, { signal }), isRunning('slow-first'));
  await home.assertNothingLeft();
  assert.deepEqual([await foster.list(), await foster.pods.list()], [[], []]);

  const never = 'readinessProbe: {exec: {command: ["false"]}}';
  const pod = podFile('late', `containers: [{name: main, image: busybox, ${ends}, ${never}}]`);
  const states = async () => (await foster.pods.list()).map(({ name, state }) => `${name} ${state}`);
  // Interrupted before it waits, while it looks at what it has started, it takes that back: then it is given more time.
  for (let pause = 0; (await states()).length === 0; pause = 2 * pause + 50) {
    assert.ok(pause < DEADLINE, 'it stays, to be looked at');
    await abort(
      'kube play, until it is ready',
      (signal) => foster.kube.play(pod, { ready: true, signal }),
      async () => (await isRunning('late-main')()) && (await sleep(pause, true)),
    );
  }
  assert.deepEqual(await states(), ['late Running']);
  const { id } = (await foster.list()).find(({ name }) => name === 'late-main') ?? assert.fail();
  const isMarked = () => existsSync(home.path(`data/foster/containers/${id}/stopped`));
  await abort('pod stop', (signal) => foster.pods.stop('late', { timeout: 1000, signal }), isMarked);
  await foster.pods.remove('late', { force: true, timeout: 0 });
  await home.assertNothingLeft();
});

test('cp, stop, restart, wait, logs and events of a container that does not end', async () => {
  const script = 'trap "" TERM; while :; do sleep 0.1; done';
  const id = await foster.create({ root: 'busybox', name: 'stubborn', command: ['sh', '-c', script] });
  await foster.start(id);
  // many files: copying them takes long enough to be seen at it
  const tree = home.path('tree');
  for (let folder = 0; folder < 50; folder++) {
    mkdirSync(join(tree, `${folder}`), { recursive: true });
    for (let file = 0; file < 500; file++) writeFileSync(join(tree, `${folder}/${file}`), '');
  }
  const isCopying = () => helpers('foster-copy').length > 0;
  const isGone = () => !isCopying();
  const undo = () => {}; // it may be copied again
  await abort('copyTo', (signal) => foster.copyTo('stubborn', tree, '/tree', { signal }), isCopying, {
    undo,
  });
  await waitUntil('the helper is gone', isGone);
  await interrupt(['cp', tree, 'stubborn:/more'], 'SIGTERM', isCopying);
  await waitUntil('the helper is gone', isGone);
  const fill = 'mkdir /full; for i in $(seq 25000); do : > /full/$i; done';
  await foster.exec('stubborn', { command: ['sh', '-c', fill] });
  await abort(
    'copyFrom',
    (signal) => foster.copyFrom('stubborn', '/full', home.path('full'), { signal }),
    isCopying,
    { undo },
  );
  await waitUntil('the helper is gone', isGone);

  const isMarked = () => existsSync(home.path(`data/foster/containers/${id}/stopped`));
  await abort('stop', (signal) => foster.stop('stubborn', { timeout: 1000, signal }), isMarked);
  assert.equal((await foster.inspect('stubborn')).status, 'running');
  rmSync(home.path(`data/foster/containers/${id}/stopped`));
  await abort('restart', (signal) => foster.restart('stubborn', { timeout: 1000, signal }), isMarked);
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
    ({ pid }) => commandLine(pid).includes(`\x00${command}\x00`) && hasOpen(pid, descriptor),
  );
}

/** Whether a process has something open; false if it has ended. */
function hasOpen(pid: number, what: string): boolean {
  try {
    return descriptorsOf(pid).some((target) => target.includes(what));
  } catch {
    return false;
  }
}

test('the time from each abort to the failure of the call', (t) => {
  for (const time of times) t.diagnostic(time);
});
