import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Home, type Running } from './support/foster.js';
import { type Process, readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

const home = new Home();

/** Prints a line about ten times a second. */
const TICKING = 'i=0; while :; do i=$((i+1)); echo tick$i; sleep 0.1; done';

async function start(name: string, script: string, flags: string[] = []): Promise<Running> {
  const running = home.start(['--name', name, ...flags, 'busybox', 'sh', '-c', script]);
  await running.says('tick3\n');
  return running;
}

function status(name: string): string {
  return home.foster(['inspect', '-f', '{{.State.Status}}', name]).stdout.trim();
}

/** Without the janitor, a helper of the monitor that some containers have. */
function containerOnly(running: Running): Process[] {
  return running.processes().filter(({ name }) => name !== 'foster-janitor');
}

async function goesOn(running: Running): Promise<void> {
  const before = running.stdout.length;
  await waitUntil('it goes on', () => running.stdout.length > before);
}

/** Waits until it prints nothing for a while, which it does ten times a second unless it is paused. */
async function becomesSilent(running: Running): Promise<void> {
  await waitUntil('it prints nothing for 400 ms', async () => {
    const before = running.stdout.length; // what was printed before may still be in the pipe
    await sleep(400);
    return running.stdout.length === before;
  });
}

for (const flags of [[], ['--no-init']]) {
  test(`pause and unpause ${flags}`, async () => {
    const name = `pausing${flags.length}`;
    const running = await start(name, `(while :; do sleep 0.05; done) & ${TICKING}`, flags);
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(home.foster(['pause', name]).stdout, `${name}\n`);
      assert.equal(status(name), 'paused');
      assert.deepEqual([...new Set(containerOnly(running).map(({ state }) => state))], ['T']);
      await becomesSilent(running);
      assert.deepEqual(home.foster(['unpause', name]).stdout, `${name}\n`);
      assert.equal(status(name), 'running');
      await goesOn(running);
      await waitUntil('the monitor goes on', () => readProcess(running.pid)?.state !== 'T');
    }
    assert.equal(home.foster(['kill', name]).status, 0);
    await running.ended;
  });
}

test('processes that were stopped before stay stopped', async () => {
  const running = await start('before', `sleep 300 & kill -STOP $!; ${TICKING}`);
  const stopped = () => running.processes().filter(({ state }) => state === 'T');
  await waitUntil('a process stops', () => stopped().length === 1);
  const [before] = stopped();
  assert.equal(home.foster(['pause', 'before']).status, 0);
  assert.ok(stopped().length >= 3);
  assert.equal(home.foster(['unpause', 'before']).status, 0);
  await goesOn(running);
  assert.deepEqual(
    stopped().map(({ pid }) => pid),
    [before?.pid],
  );
  assert.equal(home.foster(['kill', 'before']).status, 0);
  await running.ended;
});

test('a paused container can be stopped, killed and removed, not paused again', async () => {
  const polite = await start('polite', `trap "exit 7" TERM; ${TICKING}`);
  const killed = await start('killed', TICKING);
  const removed = await start('removed', TICKING);
  assert.equal(home.foster(['pause', 'polite', 'killed', 'removed']).status, 0);
  assert.match(home.foster(['ps']).stdout, /Up .* \(Paused\)/);
  const again = home.foster(['pause', 'polite']);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /container polite is paused already/);
  assert.equal(home.foster(['stop', 'polite']).status, 0);
  assert.equal((await polite.ended).status, 7);
  assert.equal(home.foster(['kill', 'killed']).status, 0);
  assert.equal((await killed.ended).status, 137);
  assert.equal(home.foster(['rm', '-f', 'removed']).status, 0);
  assert.equal((await removed.ended).status, 137);
});

test('pause and unpause need a running or paused container', async () => {
  const running = await start('runs', TICKING);
  const refused = home.foster(['unpause', 'runs']);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /container runs is not paused/);
  assert.equal(home.foster(['kill', 'runs']).status, 0);
  await running.ended;
  assert.match(home.foster(['pause', 'runs']).stderr, /container runs is not running/);
});

test('a container that keeps creating processes is paused completely', async () => {
  const running = await start(
    'busy',
    `(while :; do /bin/true; done) & (while :; do /bin/true; done) & ${TICKING}`,
  );
  assert.equal(home.foster(['pause', 'busy']).status, 0);
  const states = () => running.processes().map(({ pid, state }) => `${pid} ${state}`);
  const before = states();
  assert.ok(
    before.every((state) => state.endsWith('T')),
    before.join(),
  );
  await sleep(300); // stopped as they are they stay so, however slow the machine is
  assert.deepEqual(states(), before);
  assert.equal(home.foster(['rm', '-f', 'busy']).status, 0);
  await running.ended;
});

test('nothing is left behind', async () => {
  assert.equal(home.foster(['prune', '-f']).status, 0);
  await home.assertNothingLeft();
});
