import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LAB_NAMES } from '../../src/lab/catalogue.js';
import { Home, type Result } from './support/foster.js';
import { allProcesses, type Process } from './support/processes.js';
import { Tmux } from './support/tmux.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** Labs, as a learner does them, and as they are played. */
const home = new Home();
const labs = join(home.folder, 'data/foster/labs');

/** `foster lab ...`. */
function lab(...args: string[]): Result {
  return home.foster(['lab', ...args], { deadline: 2 * DEADLINE });
}

function assertNothingOfLabs(): void {
  assert.equal(home.foster(['ps', '-aq']).stdout, '');
  assert.deepEqual(existsSync(labs) ? readdirSync(labs) : [], []);
}

/** Those that need root here (lab.root.test.ts), or another storage driver than the one to be tested. */
const LACKING = [
  'cgroups',
  ...(/^(overlay)?$/.test(process.env.FOSTER_STORAGE_DRIVER ?? '') ? [] : ['overlay']),
];

for (const [index, name] of LAB_NAMES.filter((one) => !LACKING.includes(one)).entries()) {
  const language = index % 2 === 0 ? 'en' : 'zh';
  test(`lab ${name} can be played: each check fails before its step, and is met after it`, async () => {
    const { stdout, stderr, status } = lab('run', name, '--auto', '--lang', language);
    assert.deepEqual([stderr, status], ['', 0], stdout);
    assert.doesNotMatch(stdout, /made again|重新创建/);
    assertNothingOfLabs();
    await home.assertNothingLeft();
  });
}

test('a lab that needs what the machine lacks says so, in the language of the learner', () => {
  const { stdout } = home.foster(['info', '--format', '{{.limits.controllers}}']);
  assert.equal(stdout, 'none\n', 'an ordinary user has no cgroup here');
  const english = lab('start', 'cgroups');
  assert.match(
    english.stderr,
    /^foster: cannot do lab cgroups on this machine: no cgroup .*scripts\/vm shell/,
  );
  assert.equal(english.status, 1);
  const chinese = home.foster(['lab', 'run', 'cgroups', '--auto'], { env: { LC_ALL: 'zh_CN.UTF-8' } });
  assert.match(chinese.stderr, /^foster: 无法在这台机器上做实验 cgroups：.*虚拟机/);
  assertNothingOfLabs();
});

test('a lab, from its first step to the last', async (t) => {
  await t.test(
    'a learner predicts, runs, checks; another lab at the same time does not disturb it',
    async () => {
      const story = lab('start', 'zombies', '--lang', 'zh');
      assert.match(story.stdout, /第 1 步（共 4 步）[\s\S]*foster lab predict a\|b\|c/);
      assert.match(lab('predict', 'd').stderr, /cannot record 'd': expected a, b, c/);
      assert.equal(lab('predict', 'a').stdout, 'Recorded: a. Now find out.\n');
      const early = lab('check');
      assert.equal(early.status, 1);
      assert.match(early.stdout, /no: zombies whose parent is PID 1: there is no container lab-zombies/);
      assert.equal(lab('start', 'orphans').status, 0);
      const script = 'for i in 1 2 3; do (sleep 0.1 &); done; exec sleep 1000';
      const flags = ['-d', '--name', 'lab-zombies', '--no-init', '--ulimit', 'nproc=40'];
      assert.equal(home.run([...flags, 'busybox', 'sh', '-c', script]).status, 0);
      const init = Number(home.foster(['inspect', '-f', '{{.State.Pid}}', 'lab-zombies']).stdout);
      const isZombie = ({ parent, state }: Process) => parent === init && state === 'Z';
      await waitUntil('its orphans have ended', () => allProcesses().filter(isZombie).length >= 3);
      const { stdout, status } = lab('check', 'zombies');
      assert.match(
        stdout,
        /ok: zombies whose parent is PID 1: 3 .*[\s\S]*You predicted a\. What happened is b/,
      );
      assert.match(stdout, /Step 2 of 4/);
      assert.equal(status, 0);
      const states = lab('list', '--format', '{{.Name}} {{.State}}').stdout;
      assert.match(states, /^zombies step 2 of 4\norphans step 1 of 4\nsignals new\n/);
      assert.match(lab('start', 'zombies').stdout, /This lab was begun before[\s\S]*Step 2 of 4/);
      assert.equal(lab('reset', 'orphans').status, 0);
    },
  );

  await t.test('a container that was killed meanwhile is made again', () => {
    home.foster(['kill', 'lab-zombies']);
    const { stdout, status } = lab('check');
    assert.match(stdout, /container lab-zombies does not run: it\s+has ended with exit code 137/);
    assert.match(stdout, /container of an earlier step is gone/);
    assert.equal(status, 1);
    const solved = lab('solve');
    assert.match(
      solved.stdout,
      /^made again, as in step 1:[\s\S]*can't fork[\s\S]*ok: zombies[\s\S]*Step 3 of 4/,
    );
    assert.equal(solved.status, 0);
  });

  await t.test(
    'what was learned is kept; nothing is left after reset, and nobody else loses a container',
    async () => {
      assert.equal(lab('solve', '--lang', 'zh').status, 0);
      const last = lab('solve').stdout;
      assert.match(last, /You predicted 0 of 4 steps correctly/);
      assert.match(last, /The next one: foster lab start orphans/);
      assert.match(lab('solve').stderr, /lab zombies is done; to do it again: foster lab reset zombies/);
      assert.equal(lab('reset').stdout, 'Nothing of lab zombies is left.\n');
      assertNothingOfLabs();
      home.run(['-d', '--name', 'lab-zombies', 'busybox', 'sleep', '1000']);
      const { stderr, status } = lab('start', 'zombies');
      assert.match(stderr, /cannot begin lab zombies: there is a container lab-zombies already/);
      assert.equal(status, 1);
      home.foster(['rm', '-f', 'lab-zombies']);
      await home.assertNothingLeft();
    },
  );
});

test('what makes no sense is refused in a sentence', () => {
  assert.match(lab('start', 'zombie').stderr, /there is no lab zombie; did you mean zombies\?/);
  assert.match(lab('check').stderr, /no lab was begun; foster lab list lists them/);
  assert.match(lab('hint', 'pods').stderr, /lab pods was not begun; foster lab start pods/);
  assert.match(lab('list', '--lang', 'fr').stderr, /--lang 'fr': expected en or zh/);
  assert.match(lab('run', 'pods').stderr, /give it --auto; to do it yourself: foster lab start pods/);
  assert.equal(lab('start', 'pods').status, 0);
  writeFileSync(join(labs, 'pods.json'), '{"version":1,"lab":"pods","step":99,"predictions":[]}');
  assert.match(lab('check').stderr, /pods\.json is damaged, or of another version; start all over/);
  assert.match(lab('list').stderr, /pods\.json is damaged/);
  assert.equal(lab('reset', 'pods').status, 0);
  assertNothingOfLabs();
});

test('the name of a process cannot control the terminal', () => {
  assert.equal(lab('start', 'orphans').status, 0);
  writeFileSync(join(labs, 'orphans.json'), '{"version":1,"lab":"orphans","step":2,"predictions":[]}');
  const script = String.raw`printf '\033[2J<b>\n' >/proc/self/comm; sleep 3001 & wait`;
  const flags = ['-d', '--name', 'lab-orphans-host', '--pid', 'host'];
  assert.equal(home.run([...flags, 'busybox', 'sh', '-c', script]).status, 0);
  const { stdout, status } = lab('check');
  assert.match(stdout, /no: parent of `sleep 3001`: \\u001b\[2J<b>\s+\(wanted: foster-init\)/);
  assert.equal(status, 1);
  assert.equal(lab('reset').status, 0);
  assertNothingOfLabs();
});

test('at a narrow terminal: predictions are asked, commands are run, Ctrl-C ends only them', async () => {
  const person = new Tmux(home, { columns: 20, rows: 100 });
  try {
    person.types('foster lab list');
    // no line is broken by the terminal
    await person.sees(/^zombies \(new\)\n {2}Zombies: the dead\n {2}that take up room\n/m);
    person.clears();
    person.types('foster lab start orphans');
    await person.sees(/Enter to\nskip, q to leave: ?$/);
    person.types('b');
    await person.sees(/lab> ?$/);
    person.types('foster run -d --name lab-orphans busybox sleep 1000');
    await person.sees(/[0-9a-f]{4}\nlab> ?$/);
    person.types('sleep 1000');
    await person.runs('sleep');
    person.presses('C-c');
    await person.sees(/sleep 1000\n(\^C\n?)?lab> ?$/);
    person.types('hint');
    await person.sees('-- Hint');
    person.types("foster exec lab-orphans sh -c 'sleep 1001 & exit 0'");
    await person.sees(/0'\nlab> ?$/);
    person.presses('Enter');
    await person.sees(/You predicted b[\s\S]*Enter to\nskip/);
    person.presses('C-c');
    await person.sees(/goes on[\s\S]*caller\$$/);
    assert.equal(lab('reset', 'orphans').status, 0);
    assertNothingOfLabs();
  } finally {
    person.leaves();
  }
  await home.assertNothingLeft();
});

test('Ctrl-C in every step: at the question, at the prompt, and while the solution runs', async () => {
  const person = new Tmux(home, { columns: 100, rows: 100 });
  const begins = async (step: number) => {
    person.types('clear; foster lab start zombies');
    await person.sees(new RegExp(`Step ${step} of 4[\\s\\S]*Enter to skip`));
  };
  const leaves = async () => {
    person.presses('C-c');
    await person.sees(/goes on[\s\S]*caller\$$/);
  };
  try {
    for (let step = 1; step <= 4; step++) {
      await begins(step);
      if (step % 2 === 0) {
        person.presses('Enter');
        await person.sees(/lab> ?$/);
      }
      await leaves();
      person.types('clear; foster lab solve');
      await person.sees('$ foster');
      person.presses('C-c');
      await person.seesPrompt();
      // whether it was in time or not
      const states = lab('list', '--format', '{{.Name}} {{.State}}').stdout;
      if (states.includes(`zombies step ${step} of 4\n`)) assert.equal(lab('solve').status, 0);
    }
    assert.match(lab('list', '--format', '{{.Name}} {{.State}}').stdout, /^zombies done\n/);
  } finally {
    person.leaves();
  }
  assert.equal(lab('reset', 'zombies').status, 0);
  assertNothingOfLabs();
  await home.assertNothingLeft();
});

test('a lab that is interrupted while it is played leaves nothing', async () => {
  const person = new Tmux(home);
  try {
    person.types('foster lab run signals --auto');
    await person.sees('foster stop -t 1 lab-signals');
    person.presses('C-c');
    await person.seesPrompt();
    assertNothingOfLabs();
  } finally {
    person.leaves();
  }
  await home.assertNothingLeft();
  rmSync(labs, { recursive: true, force: true });
});
