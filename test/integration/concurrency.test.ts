import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrashHome } from './support/crash.js';
import type { Result } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Several commands on one container at once, and many containers at once. */
const home = new CrashHome();
home.must(['run', '--rm', 'busybox', 'true']); // builds the root filesystem

const SLEEP = ['busybox', 'sleep', '1000'];
const CREATED = ['create', '--name', 'one', ...SLEEP];
const RUNNING = ['run', '-d', '--name', 'one', ...SLEEP];
const ENDED = ['run', '--name', 'one', 'busybox', 'true'];
const PARALLEL = 50;
const ROUNDS = 3;

async function together(commands: string[][]): Promise<Result[]> {
  const results = await Promise.all(commands.map((args) => home.begin(args)));
  for (const [index, result] of results.entries()) {
    const what = commands.map((args) => args.join(' ')).join(' + ');
    home.sane(result, `${commands[index]?.join(' ')} of ${what}`);
    assert.ok([0, 1, 125, 137].includes(result.status ?? -1), `${what}: ${result.status}`);
  }
  return results;
}

function statuses(results: Result[]): (number | null)[] {
  return results.map(({ status }) => status);
}

/** `all`: both succeed; `one`: at least one does; a list of states: what `ps -a` may say in the end. */
interface Pair {
  before: string[];
  commands: [string[], string[]];
  succeed: 'all' | 'one';
  states: (string | undefined)[];
}

const PAIRS: Pair[] = [
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['start', 'one'],
    ],
    succeed: 'all',
    states: ['running'],
  },
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['rm', 'one'],
    ],
    succeed: 'one',
    states: ['running', undefined],
  },
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['rename', 'one', 'two'],
    ],
    succeed: 'one',
    states: ['running', 'created'],
  },
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['update', '--restart', 'always', 'one'],
    ],
    succeed: 'all',
    states: ['running'],
  },
  {
    before: CREATED,
    commands: [
      ['start', 'one'],
      ['prune', '-f'],
    ],
    succeed: 'one',
    states: ['running', undefined],
  },
  {
    before: ENDED,
    commands: [
      ['rm', 'one'],
      ['rm', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: ENDED,
    commands: [
      ['rm', '-f', 'one'],
      ['rename', 'one', 'two'],
    ],
    succeed: 'one',
    states: [undefined, 'exited'],
  },
  {
    before: ENDED,
    commands: [
      ['rm', 'one'],
      ['update', '--stop-timeout', '1', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: ENDED,
    commands: [
      ['rm', 'one'],
      ['prune', '-f'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['stop', 'one'],
      ['stop', 'one'],
    ],
    succeed: 'all',
    states: ['exited'],
  },
  {
    before: RUNNING,
    commands: [
      ['stop', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['stop', 'one'],
      ['kill', 'one'],
    ],
    succeed: 'one',
    states: ['exited'],
  },
  {
    before: RUNNING,
    commands: [
      ['stop', 'one'],
      ['start', 'one'],
    ],
    succeed: 'all',
    states: ['exited', 'running'],
  },
  {
    before: RUNNING,
    commands: [
      ['restart', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['exec', 'one', 'sleep', '0.1'],
      ['stop', 'one'],
    ],
    succeed: 'one',
    states: ['exited'],
  },
  {
    before: RUNNING,
    commands: [
      ['exec', '-d', 'one', 'sleep', '9'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['pause', 'one'],
      ['stop', 'one'],
    ],
    succeed: 'one',
    states: ['exited'],
  },
  {
    before: RUNNING,
    commands: [
      ['pause', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['rename', 'one', 'two'],
      ['rename', 'one', 'three'],
    ],
    succeed: 'one',
    states: ['running'],
  },
  {
    before: RUNNING,
    commands: [
      ['cp', '/bin/busybox', 'one:/copy'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['cp', 'one:/bin/busybox', '-'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['logs', '-f', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['wait', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['top', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['stats', '--no-stream', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['inspect', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['attach', '--no-stdin', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['ps', '-a'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: RUNNING,
    commands: [
      ['unpause', 'one'],
      ['rm', '-f', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: ENDED,
    commands: [
      ['cp', '/bin/busybox', 'one:/copy'],
      ['rm', 'one'],
    ],
    succeed: 'one',
    states: [undefined],
  },
  {
    before: ENDED,
    commands: [
      ['cp', '/bin/busybox', 'one:/copy'],
      ['start', 'one'],
    ],
    succeed: 'one',
    states: ['exited', 'running'],
  },
];

for (const { before, commands, succeed, states } of PAIRS) {
  test(`at once: ${commands.map((args) => args.join(' ')).join(' + ')}`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      home.must(before);
      const results = await together(round % 2 === 0 ? commands : [commands[1], commands[0]]);
      const good = results.filter(({ status }) => status === 0).length;
      assert.ok(good >= (succeed === 'all' ? 2 : 1), results.map(({ stderr }) => stderr).join());
      const listed = await home.assertTruth();
      assert.ok(listed.length <= 1);
      assert.ok(
        states.includes(listed[0]?.state),
        `it is ${listed[0]?.state}: ${results.map(({ stderr }) => stderr)}`,
      );
      for (const { id, name } of listed) {
        assert.equal(home.must(['inspect', '-f', '{{.Id}}', name]).trim(), id);
        home.must(['rm', '-f', name]);
      }
      await home.assertNothingLeft();
    }
  });
}

test('of two containers with the same name one gets it, and nothing is left of the other', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const results = await together([RUNNING, RUNNING, CREATED, CREATED]);
    assert.deepEqual(statuses(results).sort(), [0, 125, 125, 125]);
    for (const { status, stderr } of results)
      if (status !== 0) assert.match(stderr, /the name 'one' is in use/);
    assert.equal((await home.listed()).length, 1);
    home.must(['rm', '-f', 'one']);
    await home.assertNothingLeft();
  }
});

test('also for a name left behind by a crash', async () => {
  const { signal } = home.foster(CREATED, { env: { FOSTER_FAULT: '7' } });
  assert.equal(signal, 'SIGKILL');
  const results = await together(new Array(6).fill(CREATED));
  assert.deepEqual(statuses(results).sort(), [0, 125, 125, 125, 125, 125]);
  const id = results.find(({ status }) => status === 0)?.stdout.trim();
  assert.equal(home.must(['inspect', '-f', '{{.Id}}', 'one']).trim(), id);
  home.must(['rm', 'one']);
  await home.assertCleans();
});

test('prune does not touch what another command is creating', async () => {
  let isOver = false;
  const pruning = (async () => {
    while (!isOver) home.sane(await home.begin(['prune', '-f']), 'prune');
  })();
  const names = Array.from({ length: 16 }, (_, index) => `c${index}`);
  for (let at = 0; at < names.length; at += 4) {
    const some = names.slice(at, at + 4);
    const results = await together(some.map((name) => ['run', '-d', '--name', name, ...SLEEP]));
    assert.deepEqual(statuses(results), [0, 0, 0, 0], results.map(({ stderr }) => stderr).join());
  }
  isOver = true;
  await pruning;
  const listed = await home.assertTruth();
  assert.deepEqual(listed.map(({ name }) => name).sort(), names.sort());
  assert.ok(listed.every(({ state }) => state === 'running'));
  home.must(['rm', '-f', ...names]);
  await home.assertCleans();
});

test(`${PARALLEL} containers at once: run -d, stop, start, rm`, async () => {
  const names = Array.from({ length: PARALLEL }, (_, index) => `c${index}`);
  const each = (verb: (name: string) => string[]) => together(names.map(verb));
  const isGood = (results: Result[]) =>
    assert.ok(
      results.every(({ status }) => status === 0),
      results.map(({ stderr }) => stderr).join(''),
    );
  isGood(await each((name) => ['run', '-d', '--name', name, ...SLEEP]));
  const running = await home.assertTruth();
  assert.equal(running.filter(({ state }) => state === 'running').length, PARALLEL);
  isGood(await each((name) => ['stop', name]));
  assert.equal((await home.assertTruth()).filter(({ state }) => state === 'exited').length, PARALLEL);
  home.must(['start', ...names]);
  isGood(await each((name) => ['rm', '-f', name]));
  await home.assertNothingLeft();
});

test(`${PARALLEL} containers at once: run --rm`, async () => {
  const results = await together(new Array(PARALLEL).fill(['run', '--rm', 'busybox', 'echo', 'here']));
  assert.deepEqual(
    results.map(({ status, stdout, stderr }) => `${status} ${stdout}${stderr}`),
    new Array(PARALLEL).fill('0 here\n'),
  );
  await waitUntil('all are gone', async () => (await home.listed()).length === 0);
  await home.assertNothingLeft();
});
