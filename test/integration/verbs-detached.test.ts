import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** The verbs on containers in the background: restart policies, --rm, processes that exec brought in. */
const home = new Home();

function detach(name: string, script: string, flags: string[] = []): void {
  const result = home.run(['-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  assert.equal(result.status, 0, result.stderr);
}

function inspect(name: string, format: string): string {
  return home.foster(['inspect', '-f', format, name]).stdout.trim();
}

function status(name: string): string {
  return inspect(name, '{{.State.Status}}');
}

/** A foster command that goes on: its output when it has ended. */
function background(args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(FOSTER, args, { env: home.env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ status: code, stdout, stderr })));
}

test('stop ends a container that its policy would start again', () => {
  detach('again', 'trap "exit 7" TERM; while :; do sleep 0.1; done', ['--restart', 'always']);
  assert.equal(home.foster(['stop', 'again']).stdout, 'again\n');
  assert.equal(inspect('again', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 7');
});

test('stop ends one that waits to be started again, at once', async () => {
  detach('failing', 'exit 3', ['--restart', 'always']);
  await waitUntil(
    'the wait before a start has grown long',
    () => Number(inspect('failing', '{{.RestartCount}}')) >= 3,
  );
  await waitUntil('it waits', () => status('failing') === 'restarting');
  const began = performance.now();
  assert.equal(home.foster(['stop', 'failing']).status, 0);
  assert.ok(performance.now() - began < 700);
  assert.equal(inspect('failing', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
});

test('kill and rm -f do so too', async () => {
  for (const name of ['killed', 'removed']) detach(name, 'exit 3', ['--restart', 'always']);
  for (const name of ['killed', 'removed']) await waitUntil('it waits', () => status(name) === 'restarting');
  assert.equal(home.foster(['kill', 'killed']).status, 0);
  assert.equal(status('killed'), 'exited');
  assert.equal(home.foster(['rm', '-f', 'removed']).status, 0);
  assert.equal(home.foster(['inspect', 'removed']).status, 1);
});

test('wait waits through restarts', async () => {
  detach('thrice', 'echo x >> /count; [ $(wc -l < /count) -lt 3 ] && exit 1; exit 9', [
    '--restart',
    'on-failure:2',
  ]);
  assert.deepEqual(await background(['wait', 'thrice']), { status: 0, stdout: '9\n', stderr: '' });
});

test('wait learns the exit code of a container that is removed at its end', async () => {
  detach('passing', 'sleep 0.5; exit 6', ['--rm']);
  assert.deepEqual(await background(['wait', 'passing']), { status: 0, stdout: '6\n', stderr: '' });
  const running = home.start([
    '--rm',
    '--name',
    'front',
    'busybox',
    'sh',
    '-c',
    'echo ready; sleep 0.5; exit 8',
  ]);
  await running.says('ready');
  assert.deepEqual(await background(['wait', 'front']), { status: 0, stdout: '8\n', stderr: '' });
  await running.ended;
});

test('update takes a restart policy away while the container runs', async () => {
  detach('updated', 'sleep 0.7; exit 4', ['--restart', 'always']);
  assert.equal(home.foster(['update', '--restart', 'no', 'updated']).status, 0);
  assert.equal((await background(['wait', 'updated'])).stdout, '4\n');
  assert.equal(status('updated'), 'exited');
});

test('a pause does not outlive its container', async () => {
  detach('paused', 'sleep 300', ['--restart', 'always']);
  assert.equal(home.foster(['pause', 'paused']).status, 0);
  process.kill(Number(inspect('paused', '{{.State.Pid}}')), 'SIGKILL');
  await waitUntil('it was started again', () => status('paused') === 'running');
  assert.equal(home.foster(['rm', '-f', 'paused']).status, 0);
});

test('the tree shows what exec brought in, and orphans of it', async () => {
  detach('joined', 'sleep 300');
  const exec = background(['exec', 'joined', 'sh', '-c', '(sleep 301 &); sleep 302; :']);
  const tree = await waitUntil('the processes run', () => {
    const { stdout } = home.foster(['top', '--tree', 'joined'], { env: { LC_ALL: 'C.UTF-8' } });
    return stdout.includes('adopted') && stdout.includes('└─ sleep 302') && stdout;
  });
  assert.match(String(tree), /└─ sleep 301 {2}\(adopted by PID 1/);
  assert.match(
    String(tree),
    /S +sh -c \(sleep 301 &\); sleep 302; : {2}\(came by foster exec\)\n\d+ +\d+ +S +└─ sleep 302/,
  );
  assert.equal(home.foster(['pause', 'joined']).stderr, '');
  assert.doesNotMatch(home.foster(['top', 'joined', '-o', 'stat,cmd']).stdout, /^[SR] /m);
  assert.equal(home.foster(['unpause', 'joined']).status, 0);
  assert.equal(home.foster(['kill', 'joined']).status, 0);
  assert.equal((await exec).status, 137);
});

test('events tell what was done', () => {
  detach('told', 'trap "exit 7" TERM; while :; do sleep 0.1; done');
  for (const args of [['pause'], ['unpause'], ['update', '--stop-timeout', '9'], ['stop']]) {
    assert.equal(home.foster([...args, 'told']).status, 0);
  }
  assert.equal(home.foster(['rename', 'told', 'retold']).status, 0);
  const { stdout } = home.foster([
    'events',
    '--since',
    '1h',
    '--until',
    '0s',
    '--format',
    '{{.Action}} {{.Actor.Attributes.name}}',
  ]);
  const actions = stdout
    .split('\n')
    .filter((line) => line.endsWith('told'))
    .map((line) => line.split(' ')[0]);
  for (const action of ['pause', 'unpause', 'update', 'stop', 'rename'])
    assert.ok(actions.includes(action), `${action}: ${stdout}`);
});

test('prune removes what has ended, and leaves the rest alone', () => {
  detach('stays', 'sleep 300');
  detach('held', 'sleep 300');
  assert.equal(home.foster(['pause', 'held']).status, 0);
  assert.equal(home.foster(['prune', '-f']).status, 0);
  const names = home.foster(['ps', '-a', '--format', '{{.Names}}']).stdout.trim().split('\n');
  assert.deepEqual(names.sort(), ['held', 'stays']);
  assert.equal(home.foster(['rm', '-f', ...names]).status, 0);
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
