import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FOSTER, Home } from './support/foster.js';
import { Foster, FosterError } from './support/library.js';
import { waitUntil } from './support/wait.js';

const home = new Home();
const foster = new Foster({ env: home.env });

/** Ends a call as soon as it is at work, and fails unless the call then fails as it should, soon. */
async function assertInterrupts(
  call: (signal: AbortSignal) => Promise<unknown>,
  isAtWork: () => unknown = () => sleep(50).then(() => true),
): Promise<void> {
  const abort = new AbortController();
  let at = 0;
  const outcome = call(abort.signal).then(
    () => assert.fail('it ended by itself'),
    (error: unknown) => {
      assert.ok(error instanceof FosterError, String(error));
      assert.equal(error.kind, 'interrupted');
      assert.equal(error.exitCode, 130);
      // 0.1 s on a machine that has nothing else to do; what they wait for would take 1000 s
      assert.ok(performance.now() - at < 10_000, 'soon');
    },
  );
  await Promise.race([waitUntil('the call is at work', isAtWork), outcome]);
  at = performance.now();
  abort.abort();
  await outcome;
}

async function running(name: string, script = 'while :; do echo tick; sleep 0.1; done'): Promise<string> {
  const id = await foster.create({ root: 'busybox', name, command: ['sh', '-c', script], stopTimeout: 0 });
  await foster.start(id);
  return id;
}

test('the first program', async () => {
  const r = await foster.run({
    root: 'busybox',
    command: ['sh', '-c', 'echo hi; exit 3'],
    remove: true,
  });
  assert.equal(r.exitCode, 3);
  assert.equal(r.stdout, 'hi\n');
  assert.deepEqual(await foster.list(), []);
});

test('importing it loads nothing and starts nothing', () => {
  const script = `const { Foster } = require(process.argv[1]); new Foster();
    const loaded = Object.keys(require.cache).filter((path) => path !== process.argv[1]);
    console.log(loaded.length, process.getActiveResourcesInfo().length, process.listenerCount('SIGINT'));`;
  const library = join(dirname(FOSTER), 'library.cjs');
  assert.equal(execFileSync(process.execPath, ['-e', script, library], { encoding: 'utf8' }), '0 0 0\n');
});

test('streams: input as text and as a stream, output to streams', async () => {
  const wc = { root: 'busybox', command: ['wc', '-c'], remove: true };
  assert.equal((await foster.run({ ...wc, stdin: 'hello' })).stdout, '5\n');
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const counted = foster.run({ ...wc, stdin, stdout });
  stdin.write('one ');
  stdin.end('two');
  const { stdout: kept, exitCode } = await counted;
  stdout.end();
  assert.equal(await text(stdout), '7\n');
  assert.deepEqual([kept, exitCode], ['', 0]);
  const script = 'head -c 3000000 /dev/zero | tr "\\0" x; echo error >&2';
  const long = await foster.run({ root: 'busybox', command: ['sh', '-c', script], remove: true });
  assert.equal(long.stdout, 'x'.repeat(3_000_000));
  assert.equal(long.stderr, 'error\n');
});

test('limits of time and size', async () => {
  const late = await foster.run({ root: 'busybox', command: ['sleep', '1000'], remove: true, timeout: 200 });
  assert.deepEqual([late.timedOut, late.exitCode], [true, 137]);
  const loud = await foster.run({ root: 'busybox', command: ['yes'], remove: true, maxOutput: 10_000 });
  assert.deepEqual([loud.outputExceeded, loud.exitCode, loud.stdout.length], [true, 137, 10_000]);
  await home.assertNothingLeft();
});

test('options mean the same as on the command line', async () => {
  const { stdout } = await foster.run({
    root: 'busybox',
    command: [
      '-c',
      'id -un; pwd; hostname; echo $A; touch /x 2>&1; cat /shared/file; echo t > /tmp/t; cat /tmp/t',
    ],
    entrypoint: ['sh'],
    env: { A: 'a b' },
    user: 'nobody',
    workdir: '/bin',
    hostname: 'box',
    readOnly: true,
    volumes: [`${home.shared}:/shared:ro`],
    tmpfs: ['/tmp'],
    remove: true,
  });
  writeFileSync(join(home.shared, 'file'), '');
  assert.match(stdout, /^nobody\n\/bin\nbox\na b\ntouch: \/x: Read-only file system\n(cat: .*\n)?t\n$/);
});

test('errors have a kind, and the same sentence as the command', async () => {
  await running('taken');
  const failures: [string, () => Promise<unknown>, RegExp][] = [
    ['not-found', () => foster.inspect('nothing'), /no such container: nothing/],
    ['not-found', () => foster.exec('nothing', { command: ['true'] }), /no such container/],
    ['not-found', () => foster.images.remove('nothing'), /no such image/],
    ['not-found', () => foster.run({ root: './nothing' }), /cannot use .\/nothing as the root filesystem/],
    ['conflict', () => foster.create({ root: 'busybox', name: 'taken' }), /name 'taken' is in use/],
    ['conflict', () => foster.remove('taken'), /it is running/],
    ['invalid', () => foster.create({ root: 'busybox', name: 'a b' }), /--name 'a b'/],
    ['invalid', () => foster.create({ root: '-' }), /root -/],
  ];
  for (const [kind, call, message] of failures) {
    await assert.rejects(call, (error: unknown) => {
      assert.ok(error instanceof FosterError);
      assert.match(error.sentence, message);
      assert.equal(error.kind, kind, error.sentence);
      return true;
    });
  }
  const missing = foster.run({ root: 'busybox', command: ['no-such-program'], remove: true });
  await assert.rejects(missing, { exitCode: 127, name: 'FosterError' });
  await foster.remove('taken', { force: true });
  await home.assertNothingLeft();
});

test('the life of a container: create, start, exec, logs, stop, start, wait, remove', async () => {
  const id = await foster.create({
    root: 'busybox',
    name: 'life',
    labels: { a: 'b' },
    command: ['sh', '-c', 'echo out; echo err >&2; trap "exit 5" TERM; while :; do sleep 0.1; done'],
  });
  assert.equal((await foster.inspect('life')).status, 'created');
  await foster.start('life');
  const { status, pid, labels } = await foster.inspect(id.slice(0, 12));
  assert.deepEqual([status, labels], ['running', { a: 'b' }]);
  assert.ok(pid > 0);
  const seen: string[] = [];
  for await (const { stream, data, time } of foster.logs('life', { follow: true })) {
    assert.ok(Math.abs(Date.now() - time.getTime()) < 600_000);
    seen.push(`${stream} ${data}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen.sort(), ['stderr err\n', 'stdout out\n']);
  const exec = await foster.exec('life', {
    command: ['sh', '-c', 'cat; echo $X >&2; exit 4'],
    stdin: 'in',
    env: { X: 'y' },
  });
  assert.deepEqual([exec.exitCode, exec.stdout, exec.stderr], [4, 'in', 'y\n']);
  await foster.stop('life');
  assert.equal(await foster.wait('life'), 5);
  assert.equal((await foster.inspect('life')).exitCode, 5);
  await foster.start('life');
  await foster.kill('life');
  assert.equal(await foster.wait('life'), 137);
  const actions: string[] = [];
  const past = { since: new Date(Date.now() - 600_000), until: new Date() };
  for await (const event of foster.events(past)) if (event.id === id) actions.push(event.action);
  assert.deepEqual(
    actions.filter((action) => !['adopt', 'reap'].includes(action)),
    ['create', 'start', 'exec', 'die', 'stop', 'start', 'kill', 'die'],
  );
  await foster.remove('life');
  await home.assertNothingLeft();
});

test('copying files in and out', async () => {
  await running('files');
  const folder = join(home.folder, 'tree');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'content');
  await foster.copyTo('files', `${folder}/.`, '/copy');
  await foster.copyFrom('files', '/copy/file', join(folder, 'back'));
  assert.equal(readFileSync(join(folder, 'back'), 'utf8'), 'content');
  await assert.rejects(foster.copyFrom('files', '/nothing', folder), FosterError);
  await foster.remove('files', { force: true });
});

test('images: build, run, save, load, remove', async () => {
  const context = join(home.folder, 'context');
  mkdirSync(context);
  const file =
    'FROM localhost/foster/busybox\nARG WHO\nRUN echo "step for $WHO"; echo $WHO > /who\nCMD ["cat", "/who"]\n';
  writeFileSync(join(context, 'Dockerfile'), file);
  const lines: string[] = [];
  const onProgress = (line: string) => void lines.push(line);
  const built = await foster.images.build({ context, tags: ['who'], buildArgs: { WHO: 'me' }, onProgress });
  assert.deepEqual(built.names, ['docker.io/library/who:latest']);
  assert.ok(lines.includes('step for me') && lines.includes('STEP 1/4: FROM localhost/foster/busybox'));
  assert.equal((await foster.run({ root: 'who', remove: true })).stdout, 'me\n');
  const archive = join(home.folder, 'who.tar');
  await foster.images.save(['who'], { output: archive });
  await foster.images.remove('who');
  const names = (await foster.images.list()).flatMap((image) => image.names);
  assert.ok(!names.includes('docker.io/library/who:latest'));
  const [loaded] = await foster.images.load({ input: archive });
  assert.equal(loaded?.id, built.id);
  await foster.images.remove('who');
});

test('each call ends at its signal, and leaves nothing behind', async () => {
  const endless = { root: 'busybox', command: ['sleep', '1000'], remove: true };
  const isRunning = async () => (await foster.list()).some(({ status }) => status === 'running');
  await assertInterrupts((signal) => foster.run({ ...endless, signal }), isRunning);
  await home.assertNothingLeft();
  const aborted = AbortSignal.abort();
  await assert.rejects(foster.run({ ...endless, signal: aborted }), { kind: 'interrupted' });
  assert.deepEqual(home.leftFolders(), []);

  await running('long');
  await assertInterrupts((signal) => foster.wait('long', { signal }));
  await assertInterrupts(async (signal) => {
    for await (const _ of foster.logs('long', { follow: true, signal }));
  });
  await assertInterrupts(async (signal) => {
    for await (const _ of foster.events({ signal }));
  });
  const processes = async () => (await foster.exec('long', { command: ['ps', '-o', 'args'] })).stdout;
  await assertInterrupts(
    (signal) => foster.exec('long', { command: ['sleep', '987'], signal }),
    async () => (await processes()).includes('sleep 987'),
  );
  await waitUntil('the process is gone', async () => !(await processes()).includes('sleep 987'));
  const big = join(home.folder, 'big');
  execFileSync('truncate', ['-s', '200G', big]);
  await assertInterrupts((signal) => foster.copyTo('long', big, '/dev/shm/big', { signal }));
  await foster.remove('long', { force: true });

  const context = join(home.folder, 'endless');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM localhost/foster/busybox\nRUN echo here; sleep 1000\n');
  let isHere = false;
  const onProgress = (line: string) => {
    isHere ||= line === 'here';
  };
  await assertInterrupts(
    (signal) => foster.images.build({ context, signal, onProgress }),
    () => isHere,
  );
  const roots = join(home.folder, 'data/foster/roots');
  assert.deepEqual(
    readdirSync(roots).filter((name) => name.startsWith('tmp-')),
    [],
  );
  await home.assertNothingLeft();
});

test('so does a pull, and waiting for a container that does not end', async () => {
  let isAsked = false;
  const registry = createServer(({ url }, response) => {
    if (url === '/v2/') response.end();
    else isAsked = true; // and never answered
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const { port } = registry.address() as AddressInfo;
  await assertInterrupts(
    (signal) => foster.images.pull(`127.0.0.1:${port}/app`, { signal }),
    () => isAsked,
  );
  registry.closeAllConnections();
  registry.close();

  await running('stubborn', 'trap "" TERM; while :; do sleep 0.1; done');
  await assertInterrupts((signal) => foster.stop('stubborn', { timeout: 1000, signal }));
  assert.equal((await foster.inspect('stubborn')).status, 'running');
  await foster.remove('stubborn', { force: true });
  await home.assertNothingLeft();
});

test('the process can do other things while it waits', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  await foster.run({ root: 'busybox', command: ['sleep', '1'], remove: true });
  clearInterval(timer);
  assert.ok(ticks > 10, `${ticks} ticks in a second`);
});

test('each caller has its own containers', async () => {
  const others = new Home();
  const other = new Foster({ env: others.env });
  const [mine, theirs] = await Promise.all([
    foster.create({ root: 'busybox', name: 'same' }),
    other.create({ root: 'busybox', name: 'same' }),
  ]);
  assert.equal((await foster.inspect('same')).id, mine);
  assert.equal((await other.inspect('same')).id, theirs);
  await Promise.all([foster.remove('same'), other.remove('same')]);
});

test('calls leave no descriptor, no zombie and no signal handler behind', async () => {
  const once = () => foster.run({ root: 'busybox', command: ['true'], remove: true });
  await once();
  const descriptors = readdirSync('/proc/self/fd').length;
  await Promise.all([once(), once(), once()]);
  await assert.rejects(foster.run({ root: 'busybox', command: ['nothing'], remove: true }));
  await waitUntil('all descriptors are closed', () => readdirSync('/proc/self/fd').length <= descriptors);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    assert.equal(process.listenerCount(signal), 0, signal);
  await home.assertNothingLeft();
});
