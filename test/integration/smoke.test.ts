import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { DEADLINE } from './support/wait.js';

/** What has to work for everybody: run as an unprivileged user and as root (scripts/test). */
const FOSTER = process.env.FOSTER ?? 'dist/foster';

interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

function run(args: string[], input = ''): Result {
  const { status, stdout, stderr } = spawnSync(FOSTER, ['run', '--rm', ...args], {
    input,
    encoding: 'utf8',
    timeout: DEADLINE,
  });
  return { status, stdout, stderr };
}

function shell(script: string): Result {
  return run(['busybox', 'sh', '-c', script]);
}

function says(stdout: string): Result {
  return { status: 0, stdout, stderr: '' };
}

test('the exit code is that of the command', () => {
  assert.deepEqual(run(['busybox', 'true']), says(''));
  assert.equal(shell('exit 42').status, 42);
  assert.equal(shell('kill -KILL $$').status, 137);
  assert.equal(run(['busybox', '/no/such/program']).status, 127);
});

test('standard input, output and error pass through', () => {
  const result = run(['-i', 'busybox', 'sh', '-c', 'cat; echo aside >&2'], 'a line\n');
  assert.deepEqual(result, { status: 0, stdout: 'a line\n', stderr: 'aside\n' });
});

test('the command is PID 2, its parent PID 1, and it sees no process of the host', () => {
  assert.deepEqual(shell('echo $$ $PPID; cd /proc; echo [0-9]*'), says('2 1\n1 2\n'));
});

test('without an init the command is PID 1', () => {
  assert.deepEqual(run(['--no-init', 'busybox', 'sh', '-c', 'echo $$']), says('1\n'));
});

test('the user is root in the container, which has its own hostname', () => {
  assert.deepEqual(
    run(['--hostname', 'nursery', 'busybox', 'sh', '-c', 'id -u; hostname']),
    says('0\nnursery\n'),
  );
});

test('orphans are reaped', () => {
  const all = 'set -- [0-9]*';
  const script = `for i in 1 2 3 4 5; do (true &); done; cd /proc; ${all}; until [ $# = 2 ]; do sleep 0.05; ${all}; done; echo $*`;
  assert.deepEqual(shell(script), says('1 2\n'));
});

test('files of one container are not in the next', () => {
  assert.deepEqual(run(['busybox', 'touch', '/left-behind']), says(''));
  assert.equal(run(['busybox', 'test', '-e', '/left-behind']).status, 1);
});
