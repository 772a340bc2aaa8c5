import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Containers, descriptorsOf } from './support/containers.js';
import { Home, type Running } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** The verbs on containers in the background: restart policies, --rm, processes that exec brought in. */
const home = new Home();
const containers = new Containers(home);

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

const SHARED = ['-v', `${home.shared}:/shared`];

/** The start of a script that waits for `goes(file)`. */
function awaits(file: string): string {
  return `until [ -e /shared/${file} ]; do sleep 0.05; done`;
}

function goes(file: string): void {
  writeFileSync(join(home.shared, file), '');
}

/** `foster wait` at work, once it watches the container. */
async function waiting(name: string): Promise<Running> {
  const folder = `/containers/${inspect(name, '{{.Id}}')}`;
  const running = containers.begin(['wait', name]);
  const watches = () => descriptorsOf(running.pid).some((one) => one.endsWith(folder));
  await waitUntil('it waits', watches);
  return running;
}

const ended = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

test('stop ends a container that its policy would restart', () => {
  detach('again', 'trap "exit 7" TERM; while :; do sleep 0.1; done', ['--restart', 'always']);
  assert.equal(home.foster(['stop', 'again']).stdout, 'again\n');
  assert.equal(inspect('again', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 7');
});

test('stop immediately ends a container that waits for its restart', async () => {
  detach('failing', 'exit 3', ['--restart', 'always']);
  await containers.until(
    'it waits for 6.4 seconds, twice as long as the last time',
    'failing',
    ({ status, restarts }) => status === 'restarting' && restarts === 6,
  );
  const end = Date.parse(inspect('failing', '{{.State.FinishedAt}}'));
  const begun = Date.now();
  assert.equal(home.foster(['stop', 'failing']).status, 0);
  assert.match(inspect('failing', '{{.State.Status}} {{.State.ExitCode}}'), /^exited (3|143)$/);
  // where the machine was so slow that the time was nearly over, it may have been started again before foster looked
  if (begun - end < 3000) assert.equal(inspect('failing', '{{.RestartCount}} {{.State.ExitCode}}'), '6 3');
});

test('so do kill and rm -f', async () => {
  for (const name of ['killed', 'removed']) detach(name, 'exit 3', ['--restart', 'always']);
  for (const name of ['killed', 'removed']) await containers.waitFor(name, 'restarting');
  assert.equal(home.foster(['kill', 'killed']).status, 0);
  assert.equal(status('killed'), 'exited');
  assert.equal(home.foster(['rm', '-f', 'removed']).status, 0);
  assert.equal(home.foster(['inspect', 'removed']).status, 1);
});

test('wait continues through restarts', async () => {
  detach('thrice', 'echo x >> /count; [ $(wc -l < /count) -lt 3 ] && exit 1; exit 9', [
    '--restart',
    'on-failure:2',
  ]);
  assert.deepEqual(await containers.run(['wait', 'thrice']), ended('9\n'));
});

test('wait gets the exit code of a container with --rm', async () => {
  detach('passing', `${awaits('passing')}; exit 6`, ['--rm', ...SHARED]);
  const first = await waiting('passing');
  goes('passing');
  assert.deepEqual(await first.ended, ended('6\n'));
  const script = `echo ready; ${awaits('front')}; exit 8`;
  const running = home.start(['--rm', '--name', 'front', ...SHARED, 'busybox', 'sh', '-c', script]);
  await running.says('ready');
  const second = await waiting('front');
  goes('front');
  assert.deepEqual(await second.ended, ended('8\n'));
  await running.ended;
});

test('update removes the restart policy of a running container', async () => {
  detach('updated', `${awaits('updated')}; exit 4`, ['--restart', 'always', ...SHARED]);
  assert.equal(home.foster(['update', '--restart', 'no', 'updated']).status, 0);
  goes('updated');
  assert.equal((await containers.run(['wait', 'updated'])).stdout, '4\n');
  assert.equal(status('updated'), 'exited');
});

test('a pause does not outlive its container', async () => {
  detach('paused', 'sleep 300', ['--restart', 'always']);
  assert.equal(home.foster(['pause', 'paused']).status, 0);
  process.kill(Number(inspect('paused', '{{.State.Pid}}')), 'SIGKILL');
  await containers.waitFor('paused', 'running');
  assert.equal(home.foster(['rm', '-f', 'paused']).status, 0);
});

test('the tree shows processes of exec, and their orphans', async () => {
  detach('joined', 'sleep 300');
  const exec = containers.run(['exec', 'joined', 'sh', '-c', '(sleep 301 &); sleep 302; :']);
  const tree = await waitUntil('the processes run', () => {
    const { stdout } = home.foster(['top', '--tree', 'joined'], { env: { LC_ALL: 'C.UTF-8' } });
    return /S +[├└]─ sleep 301 .*adopted/.test(stdout) && /S +└─ sleep 302$/m.test(stdout) && stdout;
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

test('events record what was done', () => {
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

test('prune removes only stopped containers', () => {
  detach('stays', 'sleep 300');
  detach('held', 'sleep 300');
  assert.equal(home.foster(['pause', 'held']).status, 0);
  assert.equal(home.foster(['prune', '-f']).status, 0);
  const names = home.foster(['ps', '-a', '--format', '{{.Names}}']).stdout.trim().split('\n');
  assert.deepEqual(names.sort(), ['held', 'stays']);
  assert.equal(home.foster(['rm', '-f', ...names]).status, 0);
});

test('nothing is left behind', async () => {
  await home.assertNothingLeft();
});
