import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Home } from './support/foster.js';
import {
  descendants,
  readProcess,
  waitForNoProcess,
  waitForProcess,
  waitUntilBlocked,
} from './support/processes.js';
import { fosterAtTerminal } from './support/terminal.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

/** foster at a terminal: a real one, with an interactive shell that foster is a job of. */
const home = new Home();
const shared = ['-v', `${home.shared}:/shared`];
let person: Tmux;

beforeEach(() => {
  person = new Tmux(home);
});

afterEach(async () => {
  person.leaves();
  await home.assertNothingLeft();
});

for (const flags of ['-i', '', '-t', '-it', '-it --init-signal-group']) {
  test(`Ctrl-C ends the command: run ${flags}`, async () => {
    person.types(`foster run --rm ${flags} busybox sh -c 'echo u''p; exec sleep 1000'; echo "code $?"`);
    await person.sees(/^up$/m);
    await person.runs('sleep');
    person.presses('C-c');
    await person.sees(/code 130$/m);
  });

  test(`Ctrl-\\ quits the command: run ${flags}`, async () => {
    person.types(
      `foster run --rm ${flags} busybox sh -c 'ulimit -c 0; echo u''p; exec sleep 1000'; echo "code $?"`,
    );
    await person.sees(/^up$/m);
    await person.runs('sleep');
    person.presses('C-\\');
    await person.sees(/code 131$/m);
  });
}

for (const flags of ['-i', '-it']) {
  test(`Ctrl-Z stops the job, fg goes on with it: run ${flags}`, async () => {
    person.types(`foster run --rm ${flags} busybox sh -c 'echo u''p; exec cat'`);
    await person.sees(/^up$/m);
    person.types('before');
    await person.sees(/^before\nbefore$/m);
    for (let round = 0; round < 3; round++) {
      person.presses('C-z');
      await person.sees(/Stopped .*foster run/);
      person.types('jobs; stty -a | grep -o " icanon"; clear');
      await person.seesPrompt();
      person.types('echo mine');
      await person.sees(/^mine$/m);
      person.types('clear; fg');
      await person.sees(/^foster run /m);
      person.types(`again ${round}`);
      await person.sees(new RegExp(`again ${round}\nagain ${round}$`, 'm'));
    }
    person.presses('C-d');
    await person.seesPrompt();
  });
}

test('bg continues a stopped job in the background', async () => {
  const script = 'echo u""p; until [ -e /shared/go ]; do sleep 0.1; done; echo o""ver';
  person.types(`foster run --rm ${shared.join(' ')} busybox sh -c '${script}'`);
  await person.sees(/^up$/m);
  person.presses('C-z');
  await person.sees(/Stopped .*foster run/);
  const states = () =>
    descendants(person.pid).flatMap(({ name, state }) => (/^(sh|sleep)$/.test(name) ? state : []));
  await waitUntil('all of it is stopped', () => states().every((state) => state === 'T'));
  writeFileSync(join(home.shared, 'go'), '');
  assert.ok(states().length > 0);
  assert.doesNotMatch(person.screen(), /over$/m);
  person.types('bg');
  await person.sees(/over$/m);
  person.types('wait; jobs; echo "none left"');
  await person.sees(/^none left$/m);
});

test('Ctrl-C and Ctrl-Z reach all processes of a job', async () => {
  for (const flags of ['-i', '-it']) {
    const script = `trap "echo by''e; exit 9" INT; echo u''p; sleep 1000; echo not like this`;
    person.types(`foster run --rm ${flags} busybox sh -c '${script}'; echo "code $?"`);
    await person.sees(/^up$/m);
    const sleeper = await person.runs('sleep');
    person.presses('C-z');
    await person.sees(/Stopped .*foster run/);
    await waitUntil('all of it is stopped', () => readProcess(sleeper.pid)?.state === 'T');
    person.types('clear; fg');
    await waitUntil('all of it is continued', () => readProcess(sleeper.pid)?.state === 'S');
    person.presses('C-c');
    await person.sees(/bye$/m);
    await person.seesPrompt();
    person.clears();
  }
});

test('a job with a terminal waits in the background for the foreground', async () => {
  person.types(`foster run --rm -it busybox sh -c 'while read line; do echo "<$line>"; done' &`);
  await person.sees(/Stopped|\[1\]/);
  person.types('echo mine');
  await person.sees(/^mine$/m);
  await waitUntil('the job waits', () =>
    descendants().some(({ name, state }) => name.startsWith('foster-') && state === 'T'),
  );
  person.types('clear; fg');
  await person.sees(/^foster run /m);
  person.types('yours');
  await person.sees(/^<yours>$/m);
  person.presses('C-d');
  await person.seesPrompt();
});

test('a shell in the container has job control', async () => {
  person.types('foster run --rm -it busybox sh');
  assert.doesNotMatch(await person.sees('/ #'), /job control|can't access/);
  person.types('sleep 1001');
  const { pid } = await waitForProcess('sleep');
  person.presses('C-z');
  await person.sees(/Stopped .*sleep 1001/);
  person.types('clear; jobs');
  await person.sees(/^\[1\]\+ +Stopped +sleep 1001$/m);
  person.types('fg');
  await waitUntil('it goes on', () => readProcess(pid)?.state === 'S');
  person.presses('C-c');
  person.types('echo "code $?"; jobs; sh -i');
  await person.sees(/code 130$/m);
  person.types('tty; exit');
  assert.doesNotMatch(await person.sees(/^\/dev\//m), /job control|can't access/);
  person.types('exit 5');
  await person.seesPrompt();
  person.types('echo "code $?"');
  await person.sees(/^code 5$/m);
});

test('with --no-init too', async () => {
  person.types('foster run --rm -it --no-init busybox sh');
  assert.doesNotMatch(await person.sees('/ #'), /job control|can't access/);
  person.types('sleep 1001');
  const { pid } = await waitForProcess('sleep');
  person.presses('C-z');
  await person.sees(/Stopped .*sleep 1001/);
  person.types('fg');
  await waitUntil('it goes on', () => readProcess(pid)?.state === 'S');
  person.presses('C-c');
  person.types('exit 6');
  await person.seesPrompt();
});

test('as another user too', async () => {
  person.types('foster run --rm -it -u 1000:1000 busybox sh');
  assert.doesNotMatch(await person.sees('/ $'), /job control|can't access/);
  person.types('echo hello >/dev/tty; echo hello >/proc/self/fd/1');
  await person.sees(/^hello\nhello$/m);
  person.types('exit');
  await person.seesPrompt();
});

test('the size of the window is passed on, and so is a change', async () => {
  person.types(
    'foster run --rm -it busybox sh -c \'trap "stty size" WINCH; stty size; while :; do sleep 0.1; done\'',
  );
  await person.sees(/^30 100$/m);
  person.resizes(77, 21);
  await person.sees(/^21 77$/m);
  person.resizes(120, 40);
  await person.sees(/^40 120$/m);
  person.presses('C-z');
  await person.sees(/Stopped/);
  person.resizes(90, 33);
  person.types('fg');
  await person.sees(/^33 90$/m);
  person.presses('C-c');
  await person.seesPrompt();
});

/**
 * Runs `foster run -it` below a shell that does not mend the terminal itself, and has it compared.
 * @param wait what the shell does first
 */
async function isRestoredAfter(
  command: string,
  whileItRuns: () => Promise<void> = async () => {},
  wait = ':',
): Promise<void> {
  const check = `echo "it $([ "$before" = "$(stty -g)" ] && echo same || stty -a)"`;
  person.types(`bash -c 'before=$(stty -g); ${command}; ${wait}; ${check}'; echo "ov"er`);
  await whileItRuns();
  assert.match(await person.sees(/^over$/m), /it same$/m);
}

test('the terminal is restored when the command has ended', async () => {
  await isRestoredAfter('foster run --rm -it busybox sh -c "stty raw -echo; exit 3"');
});

test('... when the command was killed', async () => {
  await isRestoredAfter('foster run --rm -it busybox sh -c "stty raw -echo; kill -KILL \\$\\$"');
});

test('... when the command could not be executed', async () => {
  await isRestoredAfter('foster run --rm -it busybox no-such-command');
});

test('... when the monitor was ended or killed', async () => {
  for (const signal of ['TERM', 'HUP', 'KILL'] as const) {
    person.clears();
    const kill = async () => {
      await person.sees(/^up/m);
      await person.runs('sleep');
      const monitor = descendants().find(({ name, pid }) => {
        return name.startsWith('foster-') && descendants(pid).some((each) => each.name === 'sleep');
      });
      process.kill(monitor?.pid ?? 0, `SIG${signal}`);
    };
    // Of one that was killed it is the janitor's work, for which nobody waits.
    const wait = signal === 'KILL' ? 'until [ "$before" = "$(stty -g)" ]; do sleep 0.1; done' : ':';
    await isRestoredAfter('foster run --rm -it busybox sh -c "echo u\\$@p; exec sleep 1000"', kill, wait);
  }
});

test('... when PID 1 was killed', async () => {
  await isRestoredAfter('foster run --rm -it busybox sh -c "echo u\\$@p; exec sleep 1000"', async () => {
    await person.sees(/^up/m);
    const sleeper = await person.runs('sleep');
    process.kill(sleeper.parent, 'SIGKILL');
  });
});

test('when the terminal disappears, the container gets SIGHUP and ends', async () => {
  person.types('foster run --rm -it busybox sh');
  await person.sees('/ #');
  person.types('sleep 1000');
  await waitForProcess('sleep');
  person.leaves();
  await home.assertNoProcess();
});

test('vi works: text is typed, changed, saved', async () => {
  person.types(`foster run --rm -it ${shared.join(' ')} busybox vi /shared/letter`);
  await person.sees(/^~$/m);
  // A key that follows Escape at once belongs to it: a key with Alt. The last line tells the mode: I, or - for commands.
  const escapes = async () => {
    await person.sees(/^I .*letter.*$(?![\s\S])/m);
    person.presses('Escape');
    await person.sees(/^- .*letter.*$(?![\s\S])/m);
  };
  person.presses('i');
  person.types('Dear PID 2,');
  person.types('you are not alone.');
  await escapes();
  person.presses('Up', 'Up', 'A', ' dear PID 3,');
  await escapes();
  person.types(':wq');
  await person.seesPrompt();
  const text = readFileSync(join(home.shared, 'letter'), 'utf8');
  assert.equal(text, 'Dear PID 2, dear PID 3,\nyou are not alone.\n\n');
});

test('top works: it refreshes by itself, and quits', async () => {
  person.types('foster run --rm -it busybox top -d 1');
  const first = await person.sees(/PID +PPID[\s\S]*foster-init/);
  await waitUntil('the screen changes', () => person.screen() !== first);
  person.presses('q');
  await person.seesPrompt();
});

test('output through a terminal is complete, however fast the command ends after it', () => {
  for (let round = 0; round < 5; round++) {
    const { status, stdout } = home.run(['--rm', '-t', 'busybox', 'seq', '1', '50000']);
    assert.equal(status, 0);
    const expected = Array.from({ length: 50_000 }, (_, index) => `${index + 1}\r\n`).join('');
    assert.ok(stdout === expected, `${stdout.length} bytes instead of ${expected.length}`);
  }
});

test('input through a terminal is complete, however slowly it is read', () => {
  const input = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join('');
  // the sleep lets it wait in front of a reader, which a slow machine does as well
  const script = 'stty -echo; sleep 0.5; cat >/shared/input';
  const { status } = fosterAtTerminal(
    home,
    ['run', '--rm', '-it', ...shared, 'busybox', 'sh', '-c', script],
    input,
  );
  assert.equal(status, 0);
  assert.ok(readFileSync(join(home.shared, 'input'), 'utf8') === input);
});

test('a program that writes while it still gets input does not stall', () => {
  const input = `${'x'.repeat(99)}\n`.repeat(20_000);
  const { status, stdout } = fosterAtTerminal(home, ['run', '--rm', '-it', 'busybox', 'tr', 'x', 'y'], input);
  assert.equal(status, 0);
  // Of what is typed ahead the kernel may leave out the echo.
  assert.equal(stdout.match(/y/g)?.length, 99 * 20_000);
});

test('foster, stopped and then killed, leaves the terminal to the shell', async () => {
  person.types("foster run --rm -it busybox sh -c 'echo u''p; exec sleep 1000'");
  await person.sees(/^up$/m);
  await person.runs('sleep');
  person.presses('C-z');
  await person.sees(/Stopped/);
  person.types('kill -KILL %1; clear');
  await waitForNoProcess('sleep');
  await waitForNoProcess('foster-janitor'); // which would have changed the terminal by then
  person.presses('x', 'C-u'); // keys of line editing, for which the shell has the terminal raw
  person.types('echo fi""ne');
  await person.sees(/^fine$/m);
  assert.doesNotMatch(person.screen(), /\^U/);
});

test('signals are forwarded while the output of a terminal is not read', async () => {
  const running = home.start(['--rm', '-t', 'busybox', 'yes']);
  await running.says('y');
  running.child.stdout.pause();
  await waitUntilBlocked((await waitForProcess('yes')).pid); // the pipe is full
  running.signal('SIGTERM');
  await waitUntil('the command is gone', () => !descendants().some(({ name }) => name === 'yes'));
  running.child.stdout.resume();
  assert.equal((await running.ended).status, 143);
});

test('a pipeline stops although its reader has stopped reading', async () => {
  person.types('foster run --rm -t busybox yes | (sleep 1000; cat >/dev/null)');
  await waitUntilBlocked((await waitForProcess('yes')).pid); // the pipe is full
  person.presses('C-z');
  await person.sees(/Stopped .*foster run/);
  person.types('kill -KILL %1; clear; wait; echo fi""ne');
  await person.sees(/^fine$/m);
});
