import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parentOf } from './support/containers.js';
import { CrashHome, killAtEachStep, titleOf, type Walk } from './support/crash.js';
import { allProcesses } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** SIGKILL at every step of the commands that change pods, and to every process of one. */
const home = new CrashHome();
home.must(['run', '--rm', 'busybox', 'true']); // builds the root filesystem

const SLEEP = ['busybox', 'sleep', '1000'];
const CREATE = ['pod', 'create', '--name', 'pod', '--share', '+pid'];
const MEMBER = ['run', '-d', '--pod', 'pod', '--name', 'one', ...SLEEP];

const { pods } = home.library;

/** Starts a container of the pod in the background. */
async function startMember(name: string, remove = false): Promise<void> {
  const options = { root: 'busybox', command: ['sleep', '1000'], pod: 'pod', name, remove };
  await home.library.start(await home.library.create(options));
}

/** As CREATE and MEMBER. */
const IS_CREATED = {
  words: CREATE,
  byLibrary: () => pods.create('pod', { share: ['ipc', 'net', 'uts', 'pid'] }),
};
const HAS_MEMBER = { words: MEMBER, byLibrary: () => startMember('one') };

/** A pod whose containers have processes of their own: the front starts them, and the infra container before the first one. */
const IS_USUAL = { words: ['pod', 'create', '--name', 'pod'], byLibrary: () => pods.create('pod') };
const OF_USUAL = ['run', '-d', '--pod', 'pod', ...SLEEP];

const WALKS: Walk[] = [
  { before: [IS_USUAL], args: OF_USUAL, least: 16 },
  {
    before: [IS_USUAL, ['create', '--pod', 'pod', ...SLEEP], ['create', '--pod', 'pod', ...SLEEP]],
    args: ['pod', 'start', 'pod'],
    least: 13,
  },
  { before: [IS_USUAL], args: ['run', '--rm', '--pod', 'pod', 'busybox', 'true'], least: 18 },
  { before: [IS_USUAL, HAS_MEMBER], args: OF_USUAL, least: 12 },
  {
    before: [
      IS_USUAL,
      HAS_MEMBER,
      ['stop', '-t', '0', 'one'],
      ['start', 'one'],
      ['pod', 'stop', '-t', '0', 'pod'],
    ],
    args: ['start', 'one'],
    least: 8,
  },
  { args: CREATE, least: 10 },
  { before: [IS_CREATED], args: MEMBER, least: 14 },
  { before: [IS_CREATED, ['create', '--pod', 'pod', ...SLEEP]], args: ['pod', 'start', 'pod'], least: 8 },
  { before: [IS_CREATED, HAS_MEMBER], args: ['pod', 'stop', 'pod'], least: 6 },
  { before: [IS_CREATED, HAS_MEMBER], args: ['pod', 'rm', '-f', 'pod'], least: 12 },
];

const folder = join(home.folder, 'data/foster/pods');

/**
 * Checks that the lists are true, that all commands work whatever has happened before, and that nothing is left in the end.
 * @param ends whether a container of the pod ends by itself, when it was started: it may have done so at a look
 */
async function recover(what: string, ends = false): Promise<void> {
  try {
    await home.assertTruth();
    for (const { name } of await pods.list()) {
      await pods.start(name);
      const { state } = await pods.inspect(name);
      if (!ends || state !== 'Degraded') assert.equal(state, 'Running');
      await home.library.run({ root: 'busybox', command: ['true'], pod: name, remove: true });
      await home.assertTruth();
      await pods.remove(name, { force: true, timeout: 0 });
    }
    for (const { id } of await home.listed()) await home.library.remove(id, { force: true });
    await pods.create('pod'); // its name is free
    await pods.remove('pod');
    await pods.prune();
    await home.assertCleans();
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  } catch (error) {
    if (error instanceof Error) error.message = `${what}: ${error.message}`;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  return allProcesses().some((process) => process.pid === pid && process.state !== 'Z');
}

for (const walk of WALKS) {
  const ends = walk.args.at(-1) === 'true';
  test(titleOf(walk), () => killAtEachStep(home, walk, (what) => recover(what, ends)));
}

test('SIGKILL to each process of a pod', async () => {
  for (const share of ['+pid', 'net', 'none']) {
    for (const target of [
      'PID 1 of the pod',
      'its monitor',
      'PID 1 of a container',
      'the monitor of a container',
    ]) {
      home.must(['pod', 'create', '--name', 'pod', '--share', share]);
      await startMember('one');
      await startMember('two', true);
      const isOne = target.includes('container');
      const { infra = '' } = await pods.inspect('pod');
      const all = await home.listed();
      const victim = all.find(({ id, name }) => (isOne ? name === 'one' : id === infra));
      const { pid = 0 } = victim ?? {};
      process.kill(target.includes('monitor') ? parentOf(pid) : pid, 'SIGKILL');
      // what dies with it has died before the next command looks
      const dying = isOne ? [pid] : all.map((one) => one.pid);
      await waitUntil('the end of what was killed', () => !dying.some(isAlive));
      await recover(`${target}, with --share ${share}`);
    }
  }
});
