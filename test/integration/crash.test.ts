import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrashHome, killAtEachStep, randomNumbers, titleOf, type Walk } from './support/crash.js';
import { descendants, waitForNoProcess, waitForProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** SIGKILL at every step of every command that changes something, and at any moment to every process of a container. */
const home = new CrashHome();
home.must(['run', '--rm', 'busybox', 'true']); // builds the root filesystem

const SLEEP = ['busybox', 'sleep', '1000'];
/** Leaves files that belong to other users of the container. */
const OTHERS = ['busybox', 'sh', '-c', 'mkdir /d && touch /d/f && chmod 700 /d && chown -R 5:5 /d'];

const WITHOUT_FRONT = { FOSTER_NO_FRONT: '1' };

const WALKS: Walk[] = [
  { args: ['create', '--name', 'one', ...SLEEP], least: 10 },
  { args: ['run', '--name', 'one', ...OTHERS], least: 13, env: WITHOUT_FRONT },
  { args: ['run', '-d', '--name', 'one', ...SLEEP], least: 14, env: WITHOUT_FRONT },
  { args: ['run', '--name', 'one', ...OTHERS], least: 13 },
  { args: ['run', '--rm', '--name', 'one', ...OTHERS], least: 13 },
  { args: ['run', '-d', '--name', 'one', ...SLEEP], least: 12 },
  { args: ['run', '-d', '--rm', '--name', 'one', ...SLEEP], least: 12 },
  { before: [['create', '--name', 'one', ...SLEEP]], args: ['start', 'one'], least: 5 },
  {
    before: [
      ['create', '--name', 'one', 'busybox', 'sleep', '0.01'],
      ['start', '-a', 'one'],
      ['start', '-a', 'one'],
    ],
    args: ['start', 'one'],
    least: 4,
  },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['stop', 'one'], least: 4 },
  { before: [['run', '-d', '--rm', '--name', 'one', ...SLEEP]], args: ['stop', 'one'], least: 4 },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['kill', 'one'], least: 3 },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['kill', 'one'], least: 3, env: WITHOUT_FRONT },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['rename', 'one', 'two'], least: 5 },
  {
    before: [['create', '--name', 'one', ...SLEEP]],
    args: ['update', '--restart', 'always', '--stop-timeout', '3', 'one'],
    least: 5,
  },
  { before: [['run', '--name', 'one', ...OTHERS]], args: ['rm', 'one'], least: 6 },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['rm', '-f', 'one'], least: 8 },
  {
    before: [['run', '-d', '--name', 'one', ...SLEEP]],
    args: ['rm', '-f', 'one'],
    least: 8,
    env: WITHOUT_FRONT,
  },
  { before: [['run', '--name', 'one', ...OTHERS]], args: ['prune', '-f'], least: 6 },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['exec', 'one', 'true'], least: 3 },
  {
    before: [['run', '-d', '--name', 'one', ...SLEEP]],
    args: ['exec', '-d', 'one', 'sleep', '1000'],
    least: 2,
  },
  { before: [['run', '-d', '--name', 'one', ...SLEEP]], args: ['pause', 'one'], least: 3 },
  {
    before: [
      ['run', '-d', '--name', 'one', ...SLEEP],
      ['pause', 'one'],
    ],
    args: ['unpause', 'one'],
    least: 1,
  },
  {
    before: [['run', '-d', '--name', 'one', ...SLEEP]],
    args: ['restart', 'one'],
    least: 8,
    env: WITHOUT_FRONT,
  },
  {
    before: [
      ['run', '-d', '--name', 'one', ...SLEEP],
      ['restart', '-t', '0', 'one'],
      ['restart', '-t', '0', 'one'],
    ],
    args: ['restart', 'one'],
    least: 8,
  },
];

for (const walk of WALKS)
  test(titleOf(walk), () => killAtEachStep(home, walk, (what) => home.assertRecovers(what)));

for (const env of [{}, WITHOUT_FRONT]) {
  const made = ['run', '-d', '--rm', '--name', 'one', ...SLEEP];
  const again = ['restart', '-t', '0', 'one'];
  const walk: Walk = {
    before: Object.keys(env).length === 0 ? [made, again, again] : [made],
    args: ['restart', '-t', '0', 'one'],
    env,
    only: /^(marked as staying|asked to end|ended|stale files removed|ready|told to go)$/,
    least: 4,
  };
  test(`${titleOf(walk)}: it is still there`, () =>
    killAtEachStep(home, walk, async (what) => {
      assert.deepEqual(
        (await home.assertTruth()).map(({ name }) => name),
        ['one'],
        what,
      );
      await home.assertRecovers(what);
    }));
}

test('the name of a container whose creation or removal was killed is free', async () => {
  const create = ['create', '--name', 'one', ...SLEEP];
  for (const fault of [4, 6, 7]) {
    assert.equal(home.foster(create, { env: { FOSTER_FAULT: String(fault) } }).signal, 'SIGKILL');
    home.must(create);
    home.must(['rm', 'one']);
  }
  home.must(create);
  for (const fault of [1, 2, 3]) {
    assert.equal(home.foster(['rm', 'one'], { env: { FOSTER_FAULT: String(fault) } }).signal, 'SIGKILL');
    home.must(create);
  }
  home.must(['rm', 'one']);
  await home.assertCleans();
});

test('a rename that was killed can be done again', async () => {
  for (const fault of [1, 2, 3]) {
    home.must(['create', '--name', 'one', ...SLEEP]);
    assert.equal(
      home.foster(['rename', 'one', 'two'], { env: { FOSTER_FAULT: String(fault) } }).signal,
      'SIGKILL',
    );
    const [listed] = await home.listed();
    if (listed?.name === 'one') home.must(['rename', 'one', 'two']);
    assert.equal((await home.listed())[0]?.name, 'two');
    home.must(['rm', 'two']);
  }
  await home.assertCleans();
});

test('the exit code of a container is kept when its next start is killed', async () => {
  assert.equal(home.run(['--name', 'one', 'busybox', 'sh', '-c', 'exit 7']).status, 7);
  for (const fault of [1, 2, 3, 4]) {
    assert.equal(home.foster(['start', 'one'], { env: { FOSTER_FAULT: String(fault) } }).signal, 'SIGKILL');
    await home.assertTruth();
    assert.equal(home.must(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'one']), 'exited 7\n');
  }
  home.must(['rm', 'one']);
  await home.assertCleans();
});

const FORMS = [
  ['run', '-d', ...SLEEP],
  ['run', '-d', '--rm', ...SLEEP],
  ['run', '-d', '--restart', 'always', 'busybox', 'sh', '-c', 'sleep 0.05; exit 3'],
  ['run', '-d', '--no-init', ...SLEEP],
  ['run', ...SLEEP],
  ['run', '--rm', ...SLEEP],
  ['run', '--rm', ...OTHERS],
];
/** By process name; foster itself is `foster`, or `node`, until it becomes the monitor. */
const VICTIMS = ['foster-monitor', 'foster-monitor', 'foster-init', 'foster-janitor', 'foster', 'node'];

/** Whether there still was such a process to be killed. */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** FOSTER_TEST_SEED and FOSTER_TEST_ROUNDS allow longer searches. */
test('SIGKILL to the monitor, to PID 1, to the janitor and to foster at random moments', async () => {
  const SEED = Number(process.env.FOSTER_TEST_SEED ?? 20260);
  const ROUNDS = Number(process.env.FOSTER_TEST_ROUNDS ?? 36);
  const random = randomNumbers(SEED);
  const pick = <T>(choices: T[]): T => choices[Math.floor(random() * choices.length)] as T;
  let hits = 0;
  // More rounds if the machine is so slow that there were hardly any processes yet.
  const goesOn = (round: number) => round < ROUNDS || (hits <= ROUNDS / 4 && round < ROUNDS * 10);
  for (let round = 0; goesOn(round); round++) {
    const form = pick(FORMS);
    const victim = pick(VICTIMS);
    const delay = random() * 250;
    const running = home.begin(form);
    await sleep(delay);
    const victims = descendants().filter(({ name, pid }) => name === victim && pid !== process.pid);
    hits += victims.filter(({ pid }) => killed(pid)).length;
    const isDetached = form.includes('-d');
    if (isDetached) await running;
    else for (const name of ['foster', 'node']) await waitForNoProcess(name); // where nobody was hit, foster goes on until its container runs
    await home.assertRecovers(
      `round ${round} of seed ${SEED}: ${form.join(' ')}, ${victim} killed after ${delay} ms`,
    );
    await running;
  }
  assert.ok(hits > ROUNDS / 4, `only ${hits} processes were there to be killed`);
});

test('SIGKILL to the janitor while it removes the files', async () => {
  const many = 4000;
  const script = `i=0; while [ $i -lt ${many} ]; do : > /f$i; i=$((i+1)); done
    touch /shared/made; until [ -e /shared/go ]; do sleep 0.05; done`;
  const [made, go] = ['made', 'go'].map((name) => join(home.shared, name)) as [string, string];
  const containers = join(home.folder, 'data/foster/containers');
  /** How many files of the container's are there. */
  const files = () => {
    try {
      return readdirSync(containers).flatMap((id) => readdirSync(join(containers, id, 'upper'))).length;
    } catch {
      return 0; // all are gone
    }
  };
  let hits = 0;
  for (let round = 0; round < 4 || (hits === 0 && round < 40); round++) {
    const flags = round % 2 === 0 ? ['-d'] : [];
    flags.push('--rm', '--name', 'one', '-v', `${home.shared}:/shared`);
    const running = home.begin(['run', ...flags, 'busybox', 'sh', '-c', script]);
    await waitUntil('the files are there', () => existsSync(made));
    const janitor = await waitForProcess('foster-janitor');
    writeFileSync(go, '');
    while (files() >= many) await sleep(1);
    hits += killed(janitor.pid) && files() > 0 ? 1 : 0;
    await running;
    await home.assertRecovers('janitor killed');
    for (const path of [made, go]) rmSync(path);
  }
  assert.ok(hits > 0, 'each janitor was faster');
});

test('a killed monitor takes its container with it, and the next command reports it', async () => {
  home.must(['run', '-d', '--name', 'one', ...SLEEP]);
  const monitor = descendants().find(({ name }) => name === 'foster-monitor');
  assert.ok(monitor);
  process.kill(monitor.pid, 'SIGKILL');
  await waitUntil('the monitor is gone', () => descendants().every(({ pid }) => pid !== monitor.pid));
  const [listed] = await home.assertTruth();
  assert.equal(listed?.state, 'dead');
  assert.match(home.must(['ps', '-a']), /Dead/);
  assert.match(
    home.must(['inspect', '-f', '{{.State.Error}} {{.State.ExitCode}}', 'one']),
    /monitor was killed.* 137/,
  );
  home.must(['start', 'one']);
  assert.equal((await home.assertTruth())[0]?.state, 'running');
  home.must(['rm', '-f', 'one']);
  await home.assertCleans();
});
