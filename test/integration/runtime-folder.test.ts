import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants, readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** A container is seen, and kept from harm, by commands with whatever XDG_RUNTIME_DIR: those of cron and after su, too. */
const home = new Home();
const containers = new Containers(home);
const RUNTIME = join(home.folder, 'run');

afterEach(async () => {
  home.env.XDG_RUNTIME_DIR = RUNTIME;
  mkdirSync(RUNTIME, { recursive: true, mode: 0o700 });
  containers.removeAll();
  await home.assertNothingLeft();
});

const LIVES =
  'trap "exit 7" TERM; touch /mine; echo up; while read -r line; do echo "got $line"; done; sleep 600 & wait';

/** What happens to the runtime folder once the container runs. */
const CHANGES: Record<string, () => void> = {
  'another XDG_RUNTIME_DIR': () => {
    home.env.XDG_RUNTIME_DIR = home.shared;
  },
  'no XDG_RUNTIME_DIR': () => {
    delete home.env.XDG_RUNTIME_DIR;
  },
  'an XDG_RUNTIME_DIR that is no path': () => {
    home.env.XDG_RUNTIME_DIR = 'run';
  },
  "somebody else's XDG_RUNTIME_DIR": () => {
    home.env.XDG_RUNTIME_DIR = '/root';
  },
  'the end of the session, which removes it': () => rmSync(RUNTIME, { recursive: true }),
};

for (const [what, change] of Object.entries(CHANGES)) {
  test(`a container in the background, then ${what}`, async () => {
    const id = containers.detach('one', LIVES, ['-i']);
    await containers.logs('one', 'up');
    const pid = containers.pid('one');
    change();

    assert.match(containers.ok('ps'), / Up .* one$/m);
    assert.equal(containers.ok('exec', 'one', 'ls', '/mine'), '/mine\n');
    assert.equal(containers.ok('start', 'one'), 'one\n');
    assert.equal(containers.pid('one'), pid, 'start has left it as it is');
    containers.ok('prune', '-f');
    const refused = home.foster(['rm', 'one']);
    assert.match(refused.stderr, /^foster: cannot remove container one: it is running/);
    assert.ok(existsSync(join(containers.folder(id), 'upper/mine')));

    const attached = containers.begin(['attach', 'one']);
    attached.child.stdin.write('hello\n');
    await attached.says('got hello');
    assert.match(containers.log('one'), /got hello/);
    assert.equal(containers.ok('stop', '-t', '300', 'one'), 'one\n');
    assert.equal((await attached.ended).status, 7);
    assert.equal(containers.inspect('one', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 7');

    const again = containers.begin(['start', '-ai', 'one']);
    await again.says('up');
    again.child.stdin.write('again\n');
    await again.says('got again');
    assert.match(containers.ok('ps'), / Up .* one$/m);
    containers.ok('rm', '-f', 'one');
    assert.equal((await again.ended).status, 137);
    assert.deepEqual(home.leftFolders(), []);
  });
}

test('a container in the foreground, then no XDG_RUNTIME_DIR', async () => {
  const running = home.start(['--rm', '--name', 'one', 'busybox', 'sh', '-c', 'echo up; exec sleep 600']);
  await running.says('up');
  delete home.env.XDG_RUNTIME_DIR;
  containers.ok('prune', '-f');
  assert.equal(containers.status('one'), 'running');
  containers.ok('kill', 'one');
  assert.equal((await running.ended).status, 137);
  assert.deepEqual(home.leftFolders(), []);
});

test('nothing is put into XDG_RUNTIME_DIR', () => {
  containers.detach('one', LIVES);
  assert.deepEqual(readdirSync(RUNTIME), []);
});

test('a container whose lock is lost is still alive, and is not started or removed', async () => {
  const id = containers.detach('one', 'echo up; exec sleep 600');
  await containers.logs('one', 'up');
  const pid = containers.pid('one');
  rmSync(join(home.folder, 'data/foster/locks', id));
  assert.equal(containers.status('one'), 'running');
  containers.ok('start', 'one');
  assert.equal(containers.pid('one'), pid);
  containers.ok('prune', '-f');
  assert.equal(home.foster(['rm', 'one']).status, 1);
  assert.equal(containers.status('one'), 'running');
  containers.ok('rm', '-f', 'one');
  assert.ok(!existsSync(`/proc/${pid}`));
});

test('nor is one that is waiting to be restarted', async () => {
  const id = containers.detach('one', 'exit 3', ['--restart', 'always']);
  await containers.until('it waits for some time', 'one', ({ restarts }) => restarts > 4);
  await containers.waitFor('one', 'restarting');
  rmSync(join(home.folder, 'data/foster/locks', id));
  assert.match(containers.status('one'), /^(restarting|running)$/);
  containers.ok('start', 'one');
  containers.ok('prune', '-f');
  assert.equal(descendants().filter(({ name }) => name === 'foster-monitor').length, 1);
  containers.ok('rm', '-f', 'one');
});

test('a lost lock does not lose what is written to a container', async () => {
  containers.detach('one', 'echo up; exec sleep 600');
  await containers.logs('one', 'up');
  rmSync(join(home.folder, 'data/foster/locks'), { recursive: true });
  containers.ok('exec', 'one', 'touch', '/later');
  assert.match(containers.ok('diff', 'one'), /^A \/later$/m);
  assert.equal(containers.ok('stop', '-t', '0', 'one'), 'one\n');
  await containers.waitFor('one', 'exited');
  containers.ok('start', 'one');
  assert.match(containers.ok('exec', 'one', 'ls', '/'), /^later$/m);
});

test('without a socket a container still runs, and attach reports what is missing', async () => {
  const id = home
    .foster(['create', '--name', 'one', 'busybox', 'sh', '-c', 'echo up; exec sleep 600'])
    .stdout.trim();
  const inTheWay = join(containers.folder(id), 'attach'); // stands for a file system that holds no sockets
  mkdirSync(inTheWay);
  containers.ok('start', 'one');
  await containers.logs('one', 'up');
  const attached = home.foster(['attach', 'one']);
  assert.equal(attached.status, 1);
  assert.match(attached.stderr, /^foster: cannot attach to the container: [^\n]*\n$/);
  await waitUntil('its monitor is idle', async () => {
    const monitor = containers.monitor('one');
    const ticks = () => readProcess(monitor)?.ticks ?? 0;
    const before = ticks();
    await sleep(1000);
    return ticks() === before;
  });
  rmdirSync(inTheWay);
  assert.match(
    home.foster(['attach', 'one']).stderr,
    /has no socket in its folder; it has one only where the file system of the data folder can hold sockets/,
  );
});

test('a data folder that others can write to is refused', () => {
  const folder = join(home.folder, 'data/foster');
  containers.ok('ps');
  mkdirSync(folder, { recursive: true });
  for (const mode of [0o770, 0o707, 0o777]) {
    chmodSync(folder, mode);
    for (const args of [['ps'], ['run', '--rm', 'busybox', 'true'], ['prune', '-f'], ['images']]) {
      const { status, stderr } = home.foster(args);
      assert.equal(status, 125);
      assert.match(stderr, /^foster: cannot use .*\/data\/foster: other users can write to it; .*chmod go-w/);
    }
  }
  chmodSync(folder, 0o700);
  containers.ok('ps');
});

test('a relative HOME is ignored', () => {
  const before = readdirSync(home.shared);
  const env = { HOME: 'here', XDG_CACHE_HOME: 'cache', XDG_DATA_HOME: join(home.folder, 'data') };
  const run = home.foster(['run', '--rm', 'busybox', 'echo', 'up'], { cwd: home.shared, env });
  assert.deepEqual([run.status, run.stdout], [0, 'up\n'], run.stderr);
  home.foster(['ps'], { cwd: home.shared, env: { HOME: 'here', XDG_DATA_HOME: 'data' } });
  home.foster(['ps'], { cwd: home.shared, env: { HOME: '', XDG_DATA_HOME: '' } });
  assert.deepEqual(readdirSync(home.shared), before);
});
