import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { readProcess, reap, waitUntilBlocked } from './support/processes.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** run -d, create, start and attach, without a terminal. */
const home = new Home();
const containers = new Containers(home);

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

test('run -d prints the id and leaves a running container', async () => {
  const id = containers.detach('one', 'echo out; echo err >&2; sleep 1000');
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(containers.status('one'), 'running');
  assert.equal(await containers.logs('one', 'out'), 'out\n');
  assert.equal(home.foster(['logs', id.slice(0, 12)]).stderr, 'err\n');
  // nothing but the monitor and the container, and no Node among them
  const names = [containers.monitor('one'), containers.pid('one')].map((pid) => readProcess(pid)?.name);
  assert.deepEqual(names, ['foster-monitor', 'foster-init']);
});

test('its standard input is empty, its output not a terminal', async () => {
  containers.detach(
    'two',
    'cat; for fd in 0 1 2; do test -t $fd && echo tty; done; readlink /proc/self/fd/0; echo done',
  );
  assert.equal(await containers.logs('two', 'done'), '/dev/null\ndone\n');
});

for (const [what, command, code] of [
  ['does not exist', 'nonsense', 127],
  ['does not exist at its path', '/bin/nonsense', 127],
  ['cannot be executed', '/etc/passwd', 126],
  ['is a directory', '/etc', 126],
] as const) {
  test(`run -d and start of a program that ${what}: ${code}`, async () => {
    const run = home.run(['-d', '--name', 'bad', '--restart', 'always', 'busybox', command]);
    assert.equal(run.status, code, run.stderr);
    assert.match(run.stderr, /^foster: cannot run /);
    assert.equal(run.stdout, '');
    assert.equal(
      containers.inspect('bad', '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}'),
      `exited ${code} 0`,
    );
    const start = home.foster(['start', 'bad']);
    assert.match(start.stderr, /cannot run /);
    assert.ok(start.status === code || start.status === 1, `${start.status}`);
    assert.equal(home.foster(['start', '-a', 'bad']).status, code);
    const removed = home.run(['-d', '--rm', 'busybox', command]);
    assert.equal(removed.status, code);
    containers.ok('rm', 'bad');
    assert.equal(containers.ok('ps', '-aq'), '');
  });
}

test('a failed step leaves nothing behind', () => {
  const cidfile = join(home.folder, 'cid-failed');
  const result = home.run(['-d', '--cidfile', cidfile, '--sysctl', 'net.core.nonsense=1', 'busybox', 'true']);
  assert.equal(result.status, 125);
  assert.equal(result.stderr.trim().split('\n').length, 1);
  assert.equal(containers.ok('ps', '-aq'), '');
  assert.ok(!existsSync(cidfile));
});

test('create, start -a and wait return the exit code', async () => {
  const id = containers
    .ok('create', '--name', 'job', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7')
    .trim();
  assert.equal(containers.status('job'), 'created');
  for (let round = 0; round < 3; round++) {
    const { status, stdout, stderr } = home.foster(['start', '-a', 'job']);
    assert.deepEqual({ status, stdout, stderr }, { status: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal(containers.ok('wait', id), '7\n');
  }
  const killed = containers.ok('create', 'busybox', 'sh', '-c', 'kill -9 $$').trim();
  assert.equal(home.foster(['start', '-a', killed]).status, 137);
  assert.equal(containers.ok('wait', killed), '137\n');
});

test('attach returns the exit code, and signals reach the container', async () => {
  containers.detach('trapping', 'trap "echo got it; exit 9" USR1; echo ready; while :; do sleep 0.1; done');
  await containers.logs('trapping', 'ready');
  const client = containers.begin(['attach', 'trapping']);
  await waitUntil('it is attached', () => readProcess(client.pid)?.name === 'foster-attach');
  client.signal('SIGUSR1');
  const { status, stdout } = await client.ended;
  assert.deepEqual({ status, stdout }, { status: 9, stdout: 'got it\n' });
});

test('with --sig-proxy=false a signal ends attach, not the container', async () => {
  containers.detach('apart', 'sleep 1000');
  const client = containers.begin(['attach', '--sig-proxy=false', 'apart']);
  await waitUntil('it is attached', () => readProcess(client.pid)?.name === 'foster-attach');
  client.signal('SIGTERM');
  assert.equal((await client.ended).status, 143);
  assert.equal(containers.status('apart'), 'running');
});

test('a missing container cannot be attached to or started', () => {
  containers.ok('create', '--name', 'made', 'busybox', 'true');
  const { status, stderr } = home.foster(['attach', 'made']);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^foster: cannot attach to container made: it is not running; first: foster start made\n$/,
  );
  assert.equal(home.foster(['attach', 'nobody']).status, 1);
  assert.equal(home.foster(['start', 'nobody']).status, 1);
});

test('standard input and its end reach a container with -i, byte for byte', async () => {
  const data = randomBytes(8 * 1024 * 1024);
  containers.ok('create', '-i', '--name', 'echoing', 'busybox', 'cat');
  const child = spawn(FOSTER, ['start', '-ai', 'echoing'], {
    env: home.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(data);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0);
  assert.equal(sha256(Buffer.concat(parts)), sha256(data));

  containers.detach('waiting', 'cat; echo the end', ['-i']);
  const { status, stdout } = await containers.run(['attach', 'waiting'], Buffer.from('hello\n'));
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'hello\nthe end\n' });
});

test('a signal gets through while the container does not read its input', async () => {
  containers.detach('deaf', 'trap "exit 3" USR1; echo ready; while :; do sleep 0.1; done', ['-i']);
  await containers.logs('deaf', 'ready');
  const client = containers.begin(['attach', 'deaf']);
  client.child.stdin.write(Buffer.alloc(4 * 1024 * 1024, 'x'));
  await waitUntil('it is attached', () => readProcess(client.pid)?.name === 'foster-attach');
  await waitUntilBlocked(client.pid); // there is more than the pipes take
  client.signal('SIGUSR1');
  assert.equal((await client.ended).status, 3);
});

test('start -a loses nothing if its reader is slow or stopped for a while', async () => {
  containers.ok('create', '--name', 'much', 'busybox', 'sh', '-c', 'seq 1 400000; exit 5');
  const script = `set -o pipefail; "${FOSTER}" start -a much | (sleep 2.5; sha256sum)`;
  const { status, stdout } = spawnSync('bash', ['-c', script], { env: home.env, encoding: 'utf8' });
  const expected = sha256(Array.from({ length: 400000 }, (_, index) => `${index + 1}\n`).join(''));
  assert.equal(stdout.split(' ')[0], expected);
  assert.equal(status, 5);
});

test('a reader that leaves does no harm to the container', async () => {
  containers.detach('talking', 'while :; do echo line; sleep 0.02; done');
  const script = `"${FOSTER}" attach talking | head -n 1`;
  assert.equal(
    spawnSync('bash', ['-c', script], { env: home.env, encoding: 'utf8', timeout: DEADLINE }).stdout,
    'line\n',
  );
  const before = containers.log('talking').length;
  await waitUntil('it goes on', () => containers.log('talking').length > before);
  assert.equal(containers.status('talking'), 'running');
});

test('a stopped or killed client does not hold up anything', async () => {
  containers.detach('loud', 'read x; seq 1 300000; echo finished; exec sleep 1000', ['-i']);
  const stopped = containers.begin(['attach', 'loud']);
  const killed = containers.begin(['attach', 'loud']);
  const good = containers.begin(['attach', 'loud']);
  for (const { pid } of [stopped, killed, good]) {
    await waitUntil('it is attached', () => readProcess(pid)?.name === 'foster-attach');
  }
  stopped.signal('SIGSTOP');
  killed.signal('SIGKILL');
  good.child.stdin.write('go\n');
  // The stopped one is waited for once, for a second. Were it each time, the hundreds of pieces would take minutes.
  await good.says('finished');
  const lines = Array.from({ length: 300000 }, (_, index) => `${index + 1}\n`).join('');
  assert.equal(sha256(good.stdout), sha256(`${lines}finished\n`));
  stopped.signal('SIGCONT');
  const { status, stderr } = await stopped.ended;
  assert.equal(status, 125);
  assert.match(stderr, /^foster: no longer attached/);
  assert.equal(containers.status('loud'), 'running');
});

test('two commands at once may start a container: it starts once', async () => {
  containers.ok('create', '--name', 'racing', 'busybox', 'sleep', '1000');
  const results = await Promise.all([1, 2, 3, 4].map(() => containers.run(['start', 'racing'])));
  assert.ok(results.some(({ status }) => status === 0));
  for (const { status, stderr } of results)
    assert.ok(status === 0 || /another command works on it/.test(stderr), stderr);
  assert.equal(
    containers.events(containers.inspect('racing', '{{.Id}}')).filter((line) => line === 'start').length,
    1,
  );
});

test('--rm removes everything after the end, --cidfile has the id', async () => {
  const cidfile = join(home.folder, 'cid');
  const id = containers.detach('gone', 'sleep 0.3; touch /file', ['--rm', '--cidfile', cidfile]);
  assert.equal(readFileSync(cidfile, 'utf8'), id);
  await waitUntil('it is gone', () => home.leftFolders().length === 0);
  assert.equal(home.foster(['inspect', 'gone']).status, 1);
});

test('names are unique, and free again', () => {
  containers.detach('unique', 'sleep 1000');
  const second = home.run(['-d', '--name', 'unique', 'busybox', 'true']);
  assert.equal(second.status, 125);
  assert.match(second.stderr, /the name 'unique' is in use/);
  containers.ok('rm', '-f', 'unique');
  containers.detach('unique', 'sleep 1000');
});

test('--pid container:NAME, in the background', async () => {
  containers.detach('host', 'exec sleep 987');
  containers.detach(
    'guest',
    'ps -o args; trap "exit 4" TERM; (sleep 1001 &); echo ready; while :; do sleep 0.1; done',
    ['--pid', 'container:host'],
  );
  assert.match(await containers.logs('guest', 'ready'), /^sleep 987$/m);
  assert.match(home.foster(['exec', 'guest', 'true']).stderr, /which must not look into it; use a pod/);
  containers.ok('stop', 'guest');
  assert.equal(containers.inspect('guest', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 4');
  assert.doesNotMatch(containers.ok('exec', 'host', 'ps', '-o', 'args'), /1001/);
  containers.ok('start', 'guest');
  const guest = containers.pid('guest');
  process.kill(containers.monitor('guest'), 'SIGKILL');
  await waitUntil('its first process is ours to bury, and buried', () => reap(guest));
  assert.doesNotMatch(containers.ok('exec', 'host', 'ps', '-o', 'args'), /1001|sh -c/);
  assert.equal(containers.status('host'), 'running');
});

for (const flags of [
  ['-u', '1000'],
  ['--no-init'],
  ['--userns', 'keep-id'],
  ['-u', '1000', '--no-init', '-i'],
  ['--read-only'],
  ['--pid', 'host'],
]) {
  test(`run -d ${flags.join(' ')}: log, exec, stop, start, exit code`, async () => {
    containers.detach('kind', 'trap "exit 6" TERM; echo "id $(id -u)"; while :; do sleep 0.1; done', flags);
    const log = await containers.logs('kind', /id \d+/);
    if (flags.includes('1000')) assert.match(log, /id 1000/);
    assert.equal(containers.ok('exec', 'kind', 'echo', 'joined'), 'joined\n');
    containers.ok('stop', 'kind');
    assert.equal(containers.inspect('kind', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 6');
    containers.ok('start', 'kind');
    assert.equal(containers.status('kind'), 'running');
    await containers.logs('kind', /id \d+\nid \d+/);
    process.kill(containers.monitor('kind'), 'SIGKILL');
    await containers.waitFor('kind', 'dead');
  });
}

test('it survives the end of the shell that started it, and of its session', async () => {
  const inner = 'trap "echo hangup" HUP; trap "echo asked" USR1; echo ready; while :; do sleep 0.1; done';
  const script = `"${FOSTER}" run -d --name orphan busybox sh -c '${inner}'; kill -HUP 0; kill -KILL $$`;
  const shell = spawn('setsid', ['bash', '-c', script], { env: home.env, stdio: 'ignore' });
  await new Promise((resolve) => shell.on('close', resolve));
  await containers.logs('orphan', 'ready');
  // A SIGHUP would have come to the monitor before this signal, and would be passed on before it.
  process.kill(containers.monitor('orphan'), 'SIGUSR1');
  assert.equal(await containers.logs('orphan', 'asked'), 'ready\nasked\n');
});

test('only what was requested is passed on from the caller', async () => {
  // a directory of the host, open as descriptor 7, its working directory, and a signal that is ignored
  const script = `trap '' USR2; cd /usr; exec 7</ 8>/dev/null; "${FOSTER}" run -d --name clean busybox sh -c 'ls -l /proc/self/fd; pwd; grep SigIgn /proc/self/status; echo done; sleep 1000'`;
  execFileSync('bash', ['-c', script], { env: home.env });
  const log = await containers.logs('clean', 'done');
  const numbers = [...log.matchAll(/ (\d+) -> /g)].map((match) => Number(match[1]));
  assert.deepEqual(
    numbers.filter((fd) => fd !== 3), // which is ls's own
    [0, 1, 2],
  );
  assert.match(log, /^\/$/m);
  assert.match(log, /SigIgn:\s+0+$/m);
  assert.equal(
    execFileSync('readlink', [`/proc/${containers.monitor('clean')}/cwd`], { encoding: 'utf8' }),
    '/\n',
  );
});

test('restart stops it and starts it again', async () => {
  writeFileSync(join(home.shared, 'starts'), '');
  containers.detach('again', 'echo x >> /shared/starts; trap "exit 0" TERM; while :; do sleep 0.1; done', [
    '-v',
    `${home.shared}:/shared`,
  ]);
  const starts = () => readFileSync(join(home.shared, 'starts'), 'utf8').length / 2;
  await waitUntil('it has started', () => starts() === 1);
  const before = containers.pid('again');
  assert.equal(containers.ok('restart', 'again'), 'again\n');
  assert.notEqual(containers.pid('again'), before);
  await waitUntil('it has started twice', () => starts() === 2);
  containers.ok('stop', 'again');
  containers.ok('restart', 'again'); // one that does not run is started
  await waitUntil('it has started thrice', () => starts() === 3);
});
