import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { errorMonitor, once } from 'node:events';
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { Foster, FosterError } from './support/library.js';
import { type Process, readProcess, reap } from './support/processes.js';
import { DEADLINE, waitUntil } from './support/wait.js';

const home = new Home();
const foster = new Foster({ env: home.env });

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

test('streams of the caller that close or stall hold nothing up', { timeout: DEADLINE }, async () => {
  const name = 'talker';
  await running(name);
  const command = ['sh', '-c', 'head -c 300000 /dev/zero; echo done >&2'];
  const [closed, closing, stalled] = [new PassThrough(), new PassThrough(), new PassThrough()];
  closing.once('readable', () => closing.destroy());
  closed.destroy();
  await once(closed, 'close');
  const yes = { command: ['yes'], stdout: stalled, stderr: stalled, timeout: 500 };
  const [unread, left, ...late] = await Promise.all([
    foster.exec(name, { command, stdout: closed }),
    foster.exec(name, { command, stdout: closing }),
    foster.exec(name, yes),
    foster.exec(name, { ...yes, tty: true }),
    foster.run({ root: 'busybox', remove: true, ...yes }),
    foster.attach(name, { stdout: stalled, timeout: 500 }),
  ]);
  for (const { exitCode, stderr } of [unread, left]) assert.deepEqual([exitCode, stderr], [0, 'done\n']);
  assert.deepEqual(
    late.map(({ timedOut }) => timedOut),
    [true, true, true, true],
  );
  for (const event of ['close', 'drain', errorMonitor]) assert.equal(stalled.listenerCount(event), 0);
  await foster.remove(name, { force: true });
});

test('a stream for standard input that fails ends the program', { timeout: DEADLINE }, async () => {
  const name = 'listener';
  await running(name);
  const missing = () => createReadStream('/missing');
  const cat = { root: 'busybox', command: ['cat'], remove: true };
  const noFile = { message: /^cannot pass on standard input: its stream has failed: ENOENT/ };
  await Promise.all([
    assert.rejects(foster.run({ ...cat, stdin: missing() }), noFile),
    assert.rejects(foster.exec(name, { command: ['cat'], stdin: missing() }), noFile),
  ]);
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  stdin.write('one');
  stdout.once('data', () => stdin.destroy());
  await assert.rejects(foster.exec(name, { command: ['cat'], stdin, stdout }), {
    message: /Premature close/,
  });
  assert.equal(stdin.listenerCount('error'), 0);
  await foster.remove(name, { force: true });
  await home.assertNothingLeft();
});

test('options mean the same as on the command line', async () => {
  await foster.create({ root: 'busybox', name: 'again' });
  const { stdout } = await foster.run({
    root: 'busybox',
    name: 'again',
    replace: true,
    umask: '0027',
    shmSize: 1_048_576,
    dnsSearch: ['a.example', 'b.example'],
    command: [
      '-c',
      'umask; df -k /dev/shm | grep -o " 1024 " | head -1; grep search /etc/resolv.conf; id -un; pwd; hostname; echo $A; touch /x 2>&1; cat /shared/file; echo t > /tmp/t; cat /tmp/t',
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
  assert.match(
    stdout,
    /^0027\n 1024 \nsearch a\.example b\.example\nnobody\n\/bin\nbox\na b\ntouch: \/x: Read-only file system\n(cat: .*\n)?t\n$/,
  );
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
    ['conflict', () => foster.unpause('taken'), /is not paused/],
    ['conflict', () => foster.rename('taken', 'taken'), /has the name 'taken' already/],
    ['invalid', () => foster.rename('taken', 'a b'), /a b/],
    ['invalid', () => foster.stop('taken', { stopSignal: 'NONE' }), /NONE/],
    ['invalid', () => foster.images.pull('A b'), /not a valid image name/],
    ['invalid', () => foster.events({ filters: ['no=filter'] }).next(), /--filter 'no=filter'/],
    ['not-found', () => foster.images.load({ input: './nothing' }), /cannot load .\/nothing/],
    ['not-found', () => foster.images.save(['nothing'], { output: './out' }), /no such image/],
    ['invalid', () => foster.create({ root: 'busybox', name: 'a b' }), /--name 'a b'/],
    ['invalid', () => foster.create({ root: '-' }), /root -/],
    ['unsupported', () => foster.create({ root: 'busybox', securityOpt: ['apparmor=x'] }), /apparmor=x/],
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
  const missing = await foster.exec('life', { command: ['nothing'] });
  assert.equal(missing.exitCode, 127);
  assert.match(missing.stderr, /^foster: cannot run "nothing": it is not in any directory of PATH/);
  const long = await foster.exec('life', { command: ['head', '-c', '3000000', '/dev/zero'] });
  assert.equal(long.stdout.length, 3_000_000);
  const slow = new PassThrough({ highWaterMark: 1 });
  const [, read] = await Promise.all([
    foster
      .exec('life', { command: ['head', '-c', '300000', '/dev/zero'], stdout: slow })
      .then(() => slow.end()),
    text(slow),
  ]);
  assert.equal(read.length, 300_000);
  // what stays in the background may keep the output open
  const left = await foster.exec('life', { command: ['sh', '-c', 'sleep 1000 & echo started'] });
  assert.equal(left.stdout, 'started\n');
  const late = await foster.exec('life', { command: ['sleep', '1000'], timeout: 10 });
  assert.deepEqual([late.timedOut, late.exitCode], [true, 137]);
  const terminal = await foster.exec('life', { command: ['tty'], tty: true });
  assert.equal(terminal.stdout, '/dev/pts/0\r\n');
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
    ['create', 'start', ...Array(7).fill('exec'), 'die', 'stop', 'start', 'kill', 'die'],
  );
  await foster.remove('life');
  await home.assertNothingLeft();
});

test('a running container: attach, restart, rename, pause, top, stats', async () => {
  const script = 'echo ready; read line; echo "read $line"; exit 6';
  const id = await foster.create({
    root: 'busybox',
    name: 'old',
    interactive: true,
    command: ['sh', '-c', script],
  });
  await assert.rejects(foster.attach('old'), { kind: 'conflict', message: /not running/ });
  await foster.start(id);
  await foster.rename('old', 'new');
  assert.equal((await foster.inspect('new')).id, id);
  await foster.pause('new');
  assert.equal((await foster.inspect('new')).status, 'paused');
  await assert.rejects(foster.attach('new'), { kind: 'conflict', message: /paused/ });
  await foster.unpause('new');
  await foster.restart('new', { timeout: 0 });
  const { processes, titles } = await foster.top('new', { columns: ['nspid', 'comm'] });
  assert.equal(titles.length, 2);
  assert.deepEqual(
    processes.map(([pid]) => pid),
    ['1', '2'],
  );
  await assert.rejects(foster.top('new', { columns: ['nothing'] }), FosterError);
  for await (const [stats] of foster.stats({ containers: ['new'], interval: 10 })) {
    assert.equal(stats?.id, id);
    assert.ok((stats?.usage?.memory ?? 0) > 0 && (stats?.usage?.tasks ?? 0) >= 2);
    break;
  }
  const abort = new AbortController();
  const out = new PassThrough();
  const detached = foster.attach('new', { stdout: out, signal: abort.signal });
  abort.abort();
  await assert.rejects(detached, { kind: 'interrupted' });
  assert.equal((await foster.inspect('new')).status, 'running');
  const { exitCode, stdout } = await foster.attach('new', { stdin: 'a line\n' });
  assert.deepEqual([exitCode, stdout], [6, 'read a line\n']);
  const filters = ['event=rename', 'container=new'];
  const found: string[] = [];
  for await (const { attributes } of foster.events({ since: new Date(0), until: new Date(), filters }))
    found.push(attributes.oldName ?? '');
  assert.deepEqual(found, ['old']);
  assert.deepEqual(await foster.prune(), [id]);
  await home.assertNothingLeft();
});

test('a terminal is that of the program which uses the library', async () => {
  const library = join(dirname(FOSTER), 'library.cjs');
  const script = `const { Foster } = require(${JSON.stringify(library)});
    new Foster().run({ root: 'busybox', command: ['sh', '-c', 'stty size; tty; read x; echo "got $x"; exit 4'],
      tty: true, inherit: true, remove: true }).then(({ exitCode }) => process.exit(exitCode));`;
  const command = ['stty rows 31 cols 77', `${process.execPath} -e "$0"`].join('; ');
  const { status, stdout } = spawnSync('script', ['-qefc', `sh -c '${command}' "$PROGRAM"`, '/dev/null'], {
    env: { ...home.env, PROGRAM: script },
    input: 'typed\n',
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  // what was typed is echoed somewhere between
  for (const line of ['31 77', '/dev/pts/0', 'got typed']) assert.ok(stdout.includes(`${line}\r\n`), stdout);
  assert.equal(status, 4);
  await home.assertNothingLeft();
});

test('a bundle, a health check and mounts', async () => {
  const folder = join(home.folder, 'bundle');
  mkdirSync(join(folder, 'rootfs'), { recursive: true });
  const inside = ['--rm', '-v', `${join(folder, 'rootfs')}:/to`, 'busybox', 'cp', '-a', '/bin', '/to'];
  assert.equal(home.run(inside).status, 0);
  assert.equal(home.foster(['spec', '-b', folder]).status, 0);
  const path = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  config.process = { ...config.process, terminal: false, args: ['sh', '-c', 'echo of a bundle'] };
  writeFileSync(path, JSON.stringify(config));
  assert.equal((await foster.run({ bundle: folder, remove: true })).stdout, 'of a bundle\n');
  for (const wrong of [{ env: { A: 'b' } }, { root: 'busybox' }, { volumes: ['/x'] }])
    await assert.rejects(foster.create({ bundle: folder, ...wrong }), { kind: 'invalid', message: /bundle/ });
  const id = await foster.create({
    root: 'busybox',
    command: ['sh', '-c', 'ls /there > /state; exec sleep 1000'],
    mounts: [`type=bind,source=${home.shared},destination=/there,readonly`],
    health: { command: 'test -e /state', interval: 20 },
    stopTimeout: 0,
  });
  await foster.start(id);
  await waitUntil('it is healthy', async () => (await foster.inspect(id)).health === 'healthy');
  await foster.remove(id, { force: true });
  await home.assertNothingLeft();
});

test('files go in and out', async () => {
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

test('images: build, run, save, load, tag, inspect, remove, prune', async () => {
  const context = join(home.folder, 'context');
  mkdirSync(context);
  const file =
    'FROM localhost/foster/busybox\nARG WHO\nRUN echo "step for $WHO"; echo $WHO > /who\nCMD ["cat", "/who"]\n';
  writeFileSync(join(context, 'Dockerfile'), file);
  const lines: string[] = [];
  const onProgress = (line: string) => void lines.push(line);
  const built = await foster.images.build({ context, tags: ['who'], buildArgs: { WHO: 'me' }, onProgress });
  assert.deepEqual(built.names, ['docker.io/library/who:latest']);
  await assert.rejects(foster.images.build({ context, limits: { memory: 1 } }), { kind: 'invalid' });
  assert.ok(lines.includes('step for me') && lines.includes('STEP 1/4: FROM localhost/foster/busybox'));
  assert.equal((await foster.run({ root: 'who', remove: true })).stdout, 'me\n');
  const archive = join(home.folder, 'who.tar');
  await foster.images.save(['who'], { output: archive });
  await foster.images.remove('who');
  const names = (await foster.images.list()).flatMap((image) => image.names);
  assert.ok(!names.includes('docker.io/library/who:latest'));
  const [loaded] = await foster.images.load({ input: archive });
  assert.equal(loaded?.id, built.id);
  await foster.images.tag('who', 'whom:2');
  assert.deepEqual((await foster.images.inspect('whom:2')).names.toSorted(), [
    'docker.io/library/who:latest',
    'docker.io/library/whom:2',
  ]);
  await assert.rejects(foster.images.tag('who', `whom@sha256:${'0'.repeat(64)}`), { kind: 'invalid' });
  await foster.images.remove('who');
  const pruned = await foster.images.prune({ all: true });
  assert.ok(pruned.removed.includes(built.id));
  assert.ok(pruned.size > 0);
  await assert.rejects(foster.images.inspect('whom:2'), { kind: 'not-found' });
});

test('volumes: create, use, inspect, export, import, remove, prune', async () => {
  const { name, mountpoint } = await foster.volumes.create('shop', { labels: { project: 'x' } });
  assert.equal(name, 'shop');
  await assert.rejects(foster.volumes.create('shop'), { kind: 'conflict' });
  await assert.rejects(foster.volumes.create('a/b'), { kind: 'invalid' });
  await assert.rejects(foster.volumes.inspect('nosuch'), { kind: 'not-found' });
  const write = ['sh', '-c', 'echo 3 > /data/stock'];
  await foster.run({ root: 'busybox', volumes: ['shop:/data'], command: write, remove: true });
  assert.equal(readFileSync(join(mountpoint, 'stock'), 'utf8'), '3\n');
  await foster.create({ root: 'busybox', name: 'keeper', volumes: ['shop:/data', '/anonymous'] });
  const { stdout } = await foster.run({
    root: 'busybox',
    volumesFrom: ['keeper:ro'],
    command: ['cat', '/data/stock'],
    remove: true,
  });
  assert.equal(stdout, '3\n');
  const { containers, labels, anonymous } = await foster.volumes.inspect('shop');
  assert.deepEqual([containers, labels, anonymous], [['keeper'], { project: 'x' }, false]);
  await assert.rejects(foster.volumes.remove('shop'), {
    kind: 'conflict',
    message: /in use by container keeper/,
  });
  const archive = join(home.folder, 'shop.tar');
  await foster.volumes.export('shop', archive);
  const copy = await foster.volumes.create();
  assert.ok(copy.anonymous && /^[0-9a-f]{64}$/.test(copy.name));
  await foster.volumes.import(copy.name, archive);
  assert.equal(readFileSync(join(copy.mountpoint, 'stock'), 'utf8'), '3\n');
  const ended = foster.volumes.export('shop', archive, { signal: AbortSignal.abort() });
  await assert.rejects(ended, { kind: 'interrupted' });
  assert.deepEqual((await foster.volumes.prune()).removed, [copy.name]);
  await foster.remove('keeper', { volumes: true });
  assert.deepEqual(
    (await foster.volumes.list()).map((one) => one.name),
    ['shop'],
  );
  await foster.volumes.remove('shop');
});

test('the process can do other things while it waits', async () => {
  const script = 'until [ -e /shared/go ]; do sleep 0.05; done';
  const command = ['sh', '-c', script];
  const volumes = [`${home.shared}:/shared`];
  setTimeout(() => writeFileSync(join(home.shared, 'go'), ''), 100);
  const { timedOut } = await foster.run({
    root: 'busybox',
    command,
    volumes,
    remove: true,
    timeout: DEADLINE,
  });
  assert.equal(timedOut, false);
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

test('a process of exec ends with the program that has started it, and the container goes on', async () => {
  const id = await running('lasting');
  const script = `const { Foster } = require(${JSON.stringify(join(dirname(FOSTER), 'library.cjs'))});
    new Foster().exec('lasting', { command: ['sleep', '986'], user: 'nobody' });`;
  const program = spawn(process.execPath, ['-e', script], { env: home.env, stdio: 'inherit' });
  const commands = async () => (await foster.top(id, { columns: ['args'] })).processes.flat();
  await waitUntil('it is at work', async () => (await commands()).includes('sleep 986'));
  program.kill('SIGKILL');
  await once(program, 'exit');
  await waitUntil('it is gone', async () => !(await commands()).includes('sleep 986'));
  // who adopts it reaps it, as the machine's init would
  for (const { pid } of zombies()) reap(pid);
  assert.equal((await foster.inspect(id)).status, 'running');
  await foster.remove(id, { force: true });
  await home.assertNothingLeft();
});

test('a process of exec in the background lives on when the program that has started it ends', async () => {
  const id = await running('busy');
  const script = `const { Foster } = require(${JSON.stringify(join(dirname(FOSTER), 'library.cjs'))});
    new Foster().exec('busy', { command: ['sh', '-c', 'echo unseen; sleep 985'], detach: true })
      .then((r) => console.log(JSON.stringify(r)));`;
  const result = spawnSync(process.execPath, ['-e', script], { env: home.env, encoding: 'utf8' });
  const expected = { exitCode: 0, stdout: '', stderr: '', timedOut: false, outputExceeded: false };
  assert.deepEqual(JSON.parse(result.stdout), expected, result.stderr);
  const { pid } = await foster.inspect(id);
  await waitUntil('it is a process of the container', async () => {
    const { processes } = await foster.top(id, { columns: ['ppid', 'args'] });
    return processes.some(([parent, args]) => parent === String(pid) && args === 'sleep 985');
  });
  const missing = await foster.exec(id, { command: ['/no/such'], detach: true });
  assert.equal(missing.exitCode, 127);
  assert.match(missing.stderr, /\/no\/such/);
  for (const more of [{ stdin: 'x' }, { tty: true }, { timeout: 1000 }])
    await assert.rejects(foster.exec(id, { command: ['true'], detach: true, ...more }), { kind: 'invalid' });
  await foster.remove(id, { force: true });
  await home.assertNothingLeft();
});

test('a data folder of its own, for whatever takes another process too', async () => {
  const dataRoot = join(home.folder, 'elsewhere');
  const other = new Foster({ env: home.env, dataRoot });
  const id = await other.create({ root: 'busybox', command: ['sleep', '1000'], stopTimeout: 0 });
  await other.start(id);
  assert.deepEqual(await foster.list(), []);
  assert.equal((await other.exec(id, { command: ['tty'], tty: true })).exitCode, 0);
  writeFileSync(join(home.folder, 'copied'), 'text');
  await other.copyTo(id, join(home.folder, 'copied'), '/copied');
  assert.equal((await other.exec(id, { command: ['cat', '/copied'] })).stdout, 'text');
  assert.deepEqual(readdirSync(join(dataRoot, 'containers')), [id]);
  await other.remove(id, { force: true });
  const last = await other.run({ root: 'busybox', command: ['true'], remove: true });
  assert.equal(last.exitCode, 0);
  assert.deepEqual(readdirSync(join(dataRoot, 'containers')), []);
});

test('calls leave no descriptor, no zombie and no signal handler behind', async () => {
  await running('busy');
  const once = async () => {
    await foster.run({ root: 'busybox', command: ['true'], remove: true });
    await foster.exec('busy', { command: ['cat'], stdin: 'text' });
    await foster.exec('busy', { command: ['nothing'] });
  };
  await once();
  const dead = zombies().length; // orphans of other tests, which a test adopts
  const descriptors = readdirSync('/proc/self/fd').length;
  await Promise.all([once(), once(), once()]);
  await assert.rejects(foster.run({ root: 'busybox', command: ['nothing'], remove: true }));
  // these leave the network holder behind, and the monitor of the pod's own container
  await foster.run({ root: 'busybox', command: ['true'], remove: true, network: 'bridge' });
  await foster.run({ root: 'busybox', command: ['true'], remove: true, pod: 'new:short' });
  await foster.pods.remove('short', { force: true, timeout: 0 });
  await waitUntil('all descriptors are closed', () => readdirSync('/proc/self/fd').length <= descriptors);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    assert.equal(process.listenerCount(signal), 0, signal);
  await waitUntil('all that have ended are reaped', () => zombies().length <= dead);
  await foster.remove('busy', { force: true });
  await home.assertNothingLeft();
});

test('a run or a start that fails in a network leaves no address taken, and keeps no network holder', async () => {
  const where = { root: 'busybox', network: 'bridge', command: ['true'] };
  await foster.create({ ...where, name: 'web' });
  await assert.rejects(foster.run({ ...where, name: 'web' }), { kind: 'conflict' });
  const mounts = ['type=volume,src=files,dst=/files,volume-subpath=missing'];
  await assert.rejects(foster.run({ ...where, mounts }), /missing/);
  await foster.create({ ...where, name: 'partial', mounts });
  await assert.rejects(foster.start('partial'), /missing/);
  const opened = execFileSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' });
  assert.ok(!opened.includes(home.folder), opened);
  assert.deepEqual(readdirSync(join(home.env.XDG_DATA_HOME ?? '', 'foster', 'networks', 'leases')), []);
  for (const name of ['web', 'partial']) await foster.remove(name);
  await home.assertNothingLeft();
});

/** The children of this process that have ended and were not waited for. */
function zombies(): Process[] {
  return readdirSync('/proc/self/task')
    .flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' '))
    .flatMap((pid) => readProcess(Number(pid)) ?? [])
    .filter(({ state }) => state === 'Z');
}

test('watch yields trees and events until it is left; doctor finds out about the machine', async () => {
  const name = 'watched';
  await running(name, 'sleep 1000');
  let looks = 0;
  const started: string[] = [];
  for await (const { snapshot, events } of foster.watch({ containers: [name], interval: 100 })) {
    assert.deepEqual(
      snapshot.containers.map((container) => [container.name, container.processes[0]?.pid]),
      [[name, 1]],
    );
    if (looks++ === 0) await foster.exec(name, { command: ['sleep', '7777'], detach: true });
    for (const event of events) if (event.type === 'start') started.push(event.process.name);
    if (started.length > 0) break;
  }
  assert.equal(started.length > 0, true);
  await foster.remove(name, { force: true });
  const reports = await foster.doctor({ names: ['node', 'disk'] });
  assert.deepEqual(
    reports.map((report) => report.name),
    ['node', 'disk'],
  );
  await assert.rejects(foster.doctor({ names: ['nothing'] }), { kind: 'not-found' });
});
