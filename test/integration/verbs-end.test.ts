import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home, type Running } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** stop, kill, wait and rm -f, of containers in the foreground: their monitor, lock and state are those of all. */
const home = new Home();

async function start(name: string, script: string, flags: string[] = []): Promise<Running> {
  const running = home.start(['--name', name, ...flags, 'busybox', 'sh', '-c', `${script}`]);
  await running.says('ready');
  return running;
}

function status(name: string): string {
  return home.foster(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name]).stdout.trim();
}

/** Ends when asked, with code 7. */
const POLITE = 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done';
/** Does not end when asked. */
const STUBBORN = 'trap "echo asked" TERM INT; echo ready; while :; do sleep 0.1; done';

test('stop lets the command exit by itself, and returns when its exit code is known', async () => {
  const running = await start('polite', POLITE);
  assert.deepEqual(home.foster(['stop', 'polite']), {
    status: 0,
    signal: null,
    stdout: 'polite\n',
    stderr: '',
  });
  assert.equal(status('polite'), 'exited 7');
  assert.equal((await running.ended).status, 7);
  assert.equal(home.foster(['stop', 'polite']).status, 0, 'stopping what has stopped is no failure');
});

test('stop kills a container that does not end in time, and only then, and warns', async () => {
  const running = await start('stubborn', STUBBORN);
  const began = performance.now();
  const { stdout, stderr } = home.foster(['stop', '-t', '1', 'stubborn']);
  assert.equal(stdout, 'stubborn\n');
  assert.equal(
    stderr,
    'foster: warning: container stubborn did not end within a second of SIGTERM: killed\n',
  );
  const took = performance.now() - began;
  assert.ok(took >= 1000, `it took ${took} ms`);
  assert.equal((await running.ended).status, 137);
  assert.match(running.stdout, /asked/);
  assert.equal(status('stubborn'), 'exited 137');
});

test('stop without time to end kills at once, whatever handles the signal, and does not warn', async () => {
  const script = 'trap "echo asked; exit 9" TERM; echo ready; while :; do sleep 0.05; done';
  const running = await start('handler', script);
  const { status, stdout, stderr } = home.foster(['stop', '-t', '0', 'handler']);
  assert.deepEqual([status, stdout, stderr], [0, 'handler\n', '']);
  const ended = await running.ended;
  assert.deepEqual([ended.status, ended.stdout], [137, 'ready\n']);
});

test('a container is stopping while stop waits for it, and no longer when that command is killed', async () => {
  const running = await start('waiting', STUBBORN);
  const stop = () => new Containers(home).begin(['stop', '-t', '300', 'waiting']);
  const first = stop();
  await waitUntil('it is stopping', () => status('waiting') === 'stopping 0');
  const list = (filter: string) =>
    home.foster(['ps', '--filter', filter, '--format', '{{.Names}} {{.State}} {{.Status}}']).stdout;
  assert.match(list('status=stopping'), /^waiting stopping Up .* \(Stopping\)\n$/);
  assert.equal(list('status=running'), '');
  assert.equal(home.foster(['exec', 'waiting', 'true']).status, 0, 'it runs all the same');
  first.signal('SIGKILL');
  await first.ended;
  assert.equal(status('waiting'), 'running 0');
  const second = stop();
  await waitUntil('it is stopping again', () => status('waiting') === 'stopping 0');
  assert.equal(home.foster(['kill', 'waiting']).status, 0);
  assert.deepEqual([(await second.ended).stderr, (await running.ended).status], ['', 137]);
  assert.equal(status('waiting'), 'exited 137');
});

test('stop sends the signal of --stop-signal, or its own', async () => {
  const script =
    'trap "exit 3" INT; trap "exit 4" USR1; trap "" TERM; echo ready; while :; do sleep 0.1; done';
  const first = await start('by-flag', script, ['--stop-signal', 'INT']);
  const second = await start('by-option', script);
  assert.equal(home.foster(['stop', 'by-flag']).status, 0);
  assert.equal(home.foster(['stop', '-s', 'USR1', 'by-option']).status, 0);
  assert.deepEqual([(await first.ended).status, (await second.ended).status], [3, 4]);
});

test('several are stopped at the same time, even if one does not exist', async () => {
  const names = ['slow1', 'slow2', 'slow3'];
  const all = await Promise.all(names.map((name) => start(name, STUBBORN)));
  const stopping = new Containers(home).begin(['stop', '-t', '300', 'slow1', 'nobody', 'slow2', 'slow3']);
  // All have been asked long before the first one is killed.
  for (const running of all) await running.says('asked');
  assert.equal(home.foster(['kill', ...names]).status, 0);
  const { status, stdout, stderr } = await stopping.ended;
  assert.equal(status, 1);
  assert.deepEqual(stdout.trim().split('\n').sort(), names);
  assert.equal(stderr, "foster: no such container: nobody; 'foster ps -a' lists them\n");
  for (const running of all) assert.equal((await running.ended).status, 137);
});

test('kill ends a container with all of its processes', async () => {
  const running = await start('family', '(sleep 300 &); setsid sleep 300 & echo ready; wait');
  const before = running.processes().length;
  assert.ok(before >= 4, `${before} processes`);
  assert.equal(home.foster(['kill', 'family']).stdout, 'family\n');
  assert.equal(running.processes().length, 0);
  assert.equal((await running.ended).status, 137);
  const again = home.foster(['kill', 'family']);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /^foster: container family is not running/);
});

test('kill sends any signal, real-time ones too', async () => {
  const script = 'trap "echo got HUP" HUP; trap "echo got RT" 37; echo ready; while :; do sleep 0.1; done';
  const running = await start('hears', script);
  assert.equal(home.foster(['kill', '-s', 'HUP', 'hears']).status, 0);
  await running.says('got HUP');
  assert.equal(home.foster(['kill', '--signal', 'SIGRTMIN+3', 'hears']).status, 0);
  await running.says('got RT');
  assert.equal(home.foster(['kill', '-s', 'NOSUCH', 'hears']).status, 125);
  assert.equal(home.foster(['kill', 'hears']).status, 0);
  await running.ended;
});

test('wait prints the exit codes in the order of its arguments', async () => {
  const first = await start('first', 'echo ready; sleep 1.5; exit 3');
  const second = await start('second', 'echo ready; sleep 0.2; exit 4');
  const result = home.foster(['wait', 'first', 'second']);
  assert.deepEqual(result, { status: 0, signal: null, stdout: '3\n4\n', stderr: '' });
  await Promise.all([first.ended, second.ended]);
  assert.equal(home.foster(['wait', 'second', 'first']).stdout, '4\n3\n', 'at once, when they have ended');
});

test('rm needs --force for running containers', async () => {
  const running = await start('runs', POLITE);
  const refused = home.foster(['rm', 'runs']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /cannot remove container runs: it is running/);
  assert.equal(home.foster(['rm', '-fv', 'runs']).stdout, 'runs\n');
  assert.equal((await running.ended).status, 137);
  assert.equal(home.foster(['inspect', 'runs']).status, 1);
  const gone = home.foster(['rm', '-f', 'runs']);
  assert.equal(gone.status, 0);
  assert.match(gone.stderr, /no such container/);
});

test("a container in the host's PID namespace is ended with all that it started, and nothing else", async () => {
  const running = await start('shared', '(sleep 300 &); echo ready; wait; sleep 300', ['--pid', 'host']);
  await waitUntil('its processes run', () => running.processes().length >= 3);
  assert.equal(home.foster(['kill', 'shared']).status, 0);
  assert.equal(running.processes().length, 0);
  assert.equal((await running.ended).status, 137);
});

test('nothing is left behind', async () => {
  const names = home.foster(['ps', '-aq']).stdout.trim().split('\n');
  assert.equal(home.foster(['rm', '-f', ...names]).status, 0);
  await home.assertNothingLeft();
});
