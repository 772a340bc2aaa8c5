import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import type { Result } from './support/foster.js';
import { ALL, FrontHome, NO_NODE, normalized } from './support/front.js';

/** `foster start` without Node: src/init/front/start.c. */
const home = new FrontHome();
const containers = new Containers(home);

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

type Env = Record<string, string>;

const run = (args: string[]): Result => home.byAny(['run', ...args]);

run(['--rm', 'busybox', 'true']); // what is found out once for all, such as the storage driver

const folder = join(home.shared, 'folder');
mkdirSync(folder);
writeFileSync(join(folder, 'file'), 'text\n');

const start = (args: string[], env: Env = {}, input = ''): Result =>
  home.byAny(['start', ...args], { env, input });

const startByFront = (args: string[], input = ''): Result => home.byFront(['start', ...args], { input });

/** Flags of `create`, and of `start`. */
const STARTS: [create: string[], start: string[]][] = [
  [ALL, ['-a']],
  [['-i', ...ALL], ['-ai']],
  [['busybox', 'cat'], ['-ai']],
  [['-i', ...ALL], ['-i']],
  [['-e', 'A=b', '-u', '5', '--read-only', '-v', `${folder}:/x`, ...ALL], ['--attach']],
  [['-t', 'busybox', 'tty'], ['-a']],
  [['--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 3'], ['-a']],
];

const NO_FRONT = { FOSTER_NO_FRONT: '1' };

for (const [flags, words] of STARTS) {
  const title = flags.map((word) => (word.length > 40 ? '...' : word)).join(' ');
  test(`the same start by Node and without it: ${title}, start ${words.join(' ')}`, async () => {
    const args = [...words, 'st'];
    const results = [];
    try {
      const made = home.foster(['create', '--name', 'st', ...flags], { env: home.callers, cwd: home.shared });
      assert.equal(made.status, 0, made.stderr);
      for (const by of [
        () => start(args, NO_FRONT, 'input'), // the first mount of a layer has other options than the next ones
        () => start(args, NO_FRONT, 'input'),
        () => start(args, {}, 'input'),
        () => home.byFrontSoon(['start', ...args], { input: 'input' }),
      ]) {
        const { stdout, ...rest } = await by();
        await containers.waitFor('st', 'exited');
        const code = containers.inspect('st', '{{.State.ExitCode}} {{.RestartCount}}');
        results.push({
          ...rest,
          stdout: normalized(stdout),
          code,
          events: home.lastEvents().split('\n').slice(-2),
        });
      }
    } finally {
      home.foster(['rm', '-f', '-t', '0', 'st']);
    }
    assert.doesNotMatch(results[3]?.stderr ?? '', NO_NODE);
    assert.deepEqual(results[3], results[1]);
  });
}

test('a start in the background: its name, files of the last run, and what is left to Node', async () => {
  const made = home.foster(['create', '--name', 'st', 'busybox', 'sh', '-c', 'sleep 0.1'], {
    env: home.callers,
    cwd: home.shared,
  });
  const id = made.stdout.trim();
  assert.equal(start(['st']).stdout, 'st\n');
  await containers.waitFor('st', 'exited');
  const own = join(home.folder, 'data/foster/containers', id);
  for (const name of ['stopped', 'shutdown', 'oom']) writeFileSync(join(own, name), '');
  assert.equal((await home.byFrontSoon(['start', id.slice(0, 12)])).stdout, `${id.slice(0, 12)}\n`);
  for (const name of ['stopped', 'shutdown', 'oom']) assert.ok(!existsSync(join(own, name)), name);
  await containers.waitFor('st', 'exited');
  for (const args of [['st', 'st'], ['--sig-proxy=false', '-a', 'st'], ['-x', 'st'], ['--all'], []])
    assert.match(startByFront(args).stderr, NO_NODE, args.join(' '));
  containers.ok('rename', 'st', 'other');
  assert.match(startByFront(['other']).stderr, NO_NODE);
  assert.equal(start(['other']).stdout, 'other\n');
  await containers.waitFor('other', 'exited');
  assert.equal((await home.byFrontSoon(['start', 'other'])).stdout, 'other\n');
  await containers.waitFor('other', 'exited');
  containers.ok('update', '--restart', 'always', 'other');
  containers.ok('rm', '-f', '-t', '0', 'other');
});

test('a container that runs is not started twice', async () => {
  const args = ['-d', '--name', 'st', 'busybox', 'sleep', '1000'];
  assert.equal(run(args).status, 0);
  containers.ok('kill', 'st');
  await containers.waitFor('st', 'exited');
  start(['st']);
  assert.match(startByFront(['st']).stderr, NO_NODE);
  assert.equal(start(['st']).stdout, 'st\n');
  const pid = containers.inspect('st', '{{.State.Pid}}');
  rmSync(join(home.folder, 'data/foster/locks', containers.inspect('st', '{{.Id}}')));
  assert.match(startByFront(['st']).stderr, NO_NODE);
  assert.equal(containers.inspect('st', '{{.State.Pid}}'), pid);
  containers.ok('rm', '-f', '-t', '0', 'st');
});

test('the line of the caller in /etc/passwd is added once', async () => {
  const made = ['create', '--name', 'kept', '--userns', 'keep-id', 'busybox', 'cat', '/etc/passwd'];
  assert.equal(home.byAny(made).status, 0);
  const outputs = [];
  for (let time = 0; time < 4; time++) {
    outputs.push(start(['-a', 'kept']).stdout);
    await containers.waitFor('kept', 'exited');
  }
  assert.equal(new Set(outputs).size, 1, outputs.join('---\n'));
  assert.equal((await home.byFrontSoon(['start', '-a', 'kept'])).stdout, outputs[0]);
  containers.ok('rm', 'kept');
});
