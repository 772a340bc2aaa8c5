import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Home } from './support/foster.js';

const home = new Home();
const names = () => readdirSync(join(home.folder, 'data/foster/names')).sort();

function inspect(reference: string, format: string): string {
  return home.foster(['inspect', '-f', format, reference]).stdout.trim();
}

test('rename', () => {
  home.run(['--name', 'old', 'busybox', 'true']);
  home.run(['--name', 'other', 'busybox', 'true']);
  assert.deepEqual(home.foster(['rename', 'old', 'fresh']), {
    status: 0,
    signal: null,
    stdout: '',
    stderr: '',
  });
  assert.equal(inspect('fresh', '{{.Name}}'), '/fresh');
  assert.equal(home.foster(['inspect', 'old']).status, 1);
  const taken = home.foster(['rename', 'fresh', 'other']);
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /the name 'other' is in use by container/);
  assert.equal(home.foster(['rename', 'fresh', '../x']).status, 1);
  assert.equal(home.foster(['rename', 'fresh', 'fresh']).status, 1);
  assert.equal(home.foster(['rename', 'nobody', 'somebody']).status, 1);
  assert.deepEqual(names(), ['fresh', 'other']);
  // the old name is free
  assert.equal(home.run(['--name', 'old', 'busybox', 'true']).status, 0);
});

test('a container with --rm keeps its old name reserved until it ends', async () => {
  const running = home.start(['--rm', '--name', 'before', 'busybox', 'sh', '-c', 'echo ready; sleep 300']);
  await running.says('ready');
  assert.equal(home.foster(['rename', 'before', 'after']).status, 0);
  assert.equal(home.run(['--name', 'before', 'busybox', 'true']).status, 125);
  assert.equal(home.foster(['kill', 'after']).status, 0);
  await running.ended;
  assert.equal(home.run(['--name', 'before', 'busybox', 'true']).status, 0);
  assert.equal(home.run(['--name', 'after', 'busybox', 'true']).status, 0);
});

test('update', async () => {
  const running = home.start([
    '--name',
    'changing',
    'busybox',
    'sh',
    '-c',
    'trap "exit 5" INT; echo ready; while :; do sleep 0.1; done',
  ]);
  await running.says('ready');
  const flags = ['--restart', 'on-failure:3', '--stop-signal', 'INT', '--stop-timeout', '99'];
  assert.deepEqual(home.foster(['update', ...flags, 'changing']).stdout, 'changing\n');
  assert.equal(inspect('changing', '{{.Config.StopSignal}} {{.Config.StopTimeout}}'), 'SIGINT 99');
  const id = inspect('changing', '{{.Id}}');
  assert.equal(readFileSync(join(home.folder, 'data/foster/containers', id, 'restart'), 'utf8'), '1 3\n');
  assert.equal(home.foster(['stop', 'changing']).status, 0);
  assert.equal((await running.ended).status, 5);
  assert.equal(home.foster(['update', 'changing']).status, 125, 'nothing to change');
  assert.equal(home.foster(['update', '--restart', 'sometimes', 'changing']).status, 125);
});

test('a container with --rm cannot get a restart policy', async () => {
  const running = home.start(['--rm', '--name', 'passing', 'busybox', 'sh', '-c', 'echo ready; sleep 300']);
  await running.says('ready');
  const refused = home.foster(['update', '--restart', 'always', 'passing']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /removed when it ends/);
  assert.equal(home.foster(['kill', 'passing']).status, 0);
  await running.ended;
});

test('nothing is left behind', async () => {
  assert.equal(home.foster(['prune', '-f']).status, 0);
  await home.assertNothingLeft();
});
