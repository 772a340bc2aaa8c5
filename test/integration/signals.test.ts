import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Home, type Running } from './support/foster.js';
import { momentsDuringStart } from './support/moments.js';
import { probe } from './support/probe.js';
import { descendants, readProcess } from './support/processes.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** Signals to the foster command, exit codes, and what remains when it is killed. */
const home = new Home();
const mounted = probe(home);

afterEach(() => home.assertNothingLeft());

/** KILL and STOP cannot be caught; CHLD is about the monitor's own children. */
const NOT_FORWARDED = [9, 17, 19];
const FORWARDED = Array.from({ length: 64 }, (_, index) => index + 1).filter(
  (signal) => !NOT_FORWARDED.includes(signal),
);

/** A container that prints the signals it gets, until it has got so many. */
async function listener(count: number, flags: string[] = []): Promise<Running> {
  const running = home.start(['--rm', ...mounted, ...flags, 'busybox', '/probe', 'signals', String(count)]);
  await running.says('ready');
  return running;
}

function heard(stdout: string): number[] {
  return [...stdout.matchAll(/got (\d+)/g)].map((match) => Number(match[1]));
}

for (const flags of [[], ['--no-init'], ['-t'], ['-u', '1000'], ['--init-signal-group'], ['--pid', 'host']]) {
  test(`every signal arrives once ${flags.join(' ')}`, async () => {
    // With a terminal of its own the container hears of a new window size from that.
    const isTerminal = flags.includes('-t');
    const signals = isTerminal ? FORWARDED.filter((signal) => signal !== 28) : FORWARDED;
    const running = await listener(signals.length + 1, flags);
    // One after the other: SIGCONT would erase the stop signals that wait, and they it (signal(7)).
    for (const signal of signals) {
      running.signal(signal);
      await running.says(`got ${signal}\n`.replaceAll('\n', isTerminal ? '\r\n' : '\n'));
    }
    running.signal(1); // a second one of an earlier signal would have come before this
    const { status, stdout } = await running.ended;
    assert.deepEqual(heard(stdout), [...signals, 1]);
    assert.equal(status, 0);
  });
}

for (const signal of ['TSTP', 'TTIN', 'TTOU', 'CONT']) {
  test(`kill -s ${signal} reaches the command alone, not its process group`, async () => {
    const script = `trap 'echo got it; exit 9' ${signal}; echo up; while :; do sleep 0.05; done`;
    const running = home.start(['--rm', '--name', 'one', 'busybox', 'sh', '-c', script]);
    await running.says('up');
    assert.equal(home.foster(['kill', '-s', signal, 'one']).status, 0);
    const { status, stdout } = await running.ended; // a sleep that was stopped too would never end
    assert.match(stdout, /got it/);
    assert.equal(status, 9);
  });
}

test('signals go to the command, and with --init-signal-group to its process group', async () => {
  // USR2 ends both, the child first, and after what it has to say of a USR1 that came before.
  const child = 'trap "echo child got it" USR1; trap exit USR2; sleep 1000 & echo up; while :; do wait; done';
  const script = `trap "echo got it" USR1; trap 'kill -USR2 $child; wait $child; exit 8' USR2
    sh -c '${child}' & child=$!; while :; do wait; done`;
  for (const [flags, expected] of [
    [[], ['got it', 'up']],
    [['--init-signal-group'], ['child got it', 'got it', 'up']],
  ] as const) {
    const command = ['busybox', 'sh', '-c', script];
    const running = home.start(['--rm', '--stop-timeout', '0', ...flags, ...command]);
    await running.says('up');
    running.signal('SIGUSR1');
    await waitUntil('the command gets it', () => /^got it$/m.test(running.stdout));
    running.signal('SIGUSR2');
    const { status, stdout } = await running.ended;
    assert.deepEqual(stdout.trimEnd().split('\n').sort(), expected);
    assert.equal(status, 8);
  }
});

test('a signal during the set-up is not lost: it aborts the set-up cleanly, or reaches the command', async (t) => {
  const outcomes: Record<string, number> = {};
  const moments = await momentsDuringStart(home, 30);
  for (const [index, delay] of [...moments, undefined].entries()) {
    const signal = index % 2 === 0 ? 'SIGTERM' : 'SIGUSR2';
    const running = home.start(['--rm', ...mounted, 'busybox', '/probe', 'signals', '1']);
    if (delay === undefined) await running.says('ready');
    else await sleep(delay);
    running.signal(signal);
    const deadline = setTimeout(() => running.signal('SIGKILL'), DEADLINE);
    const { status, signal: death, stdout, stderr } = await running.ended;
    clearTimeout(deadline);
    const number = signal === 'SIGTERM' ? 15 : 12;
    const outcome =
      death === signal || status === 128 + number
        ? 'ended'
        : status === 0 && heard(stdout).join() === String(number)
          ? 'arrived'
          : `lost: status ${status}, signal ${death}, ${stdout}${stderr}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    await home.assertNothingLeft();
  }
  t.diagnostic(JSON.stringify(outcomes));
  assert.deepEqual(Object.keys(outcomes).sort(), ['arrived', 'ended']);
});

test('exit codes are exact', async () => {
  const codes = [0, 1, 2, 3, 42, 77, 99, 124, 125, 126, 127, 128, 129, 130, 137, 143, 200, 254, 255];
  for (const code of codes) assert.equal(home.shell(`exit ${code}`).status, code);
  assert.equal(home.shell('exit 200', ['--no-init']).status, 200);
});

test('death by signal N is exit code 128 + N', () => {
  const harmless = [17, 18, 19, 20, 21, 22, 23, 28]; // ignored, or they only stop: signal(7)
  for (let signal = 1; signal <= 64; signal++) {
    if (harmless.includes(signal)) continue;
    const { status } = home.run(['--rm', ...mounted, 'busybox', '/probe', 'die', String(signal)]);
    assert.equal(status, 128 + signal, `signal ${signal}`);
  }
});

test('a missing command is 127, one that cannot be executed 126', () => {
  for (const flags of [[], ['--no-init']]) {
    assert.equal(home.run(['--rm', ...flags, 'busybox', 'no-such-command']).status, 127);
    assert.equal(home.run(['--rm', ...flags, 'busybox', '/etc']).status, 126);
    assert.equal(home.run(['--rm', ...flags, 'busybox', '/etc/hosts']).status, 126);
  }
});

test('when the command stops, foster stops, and SIGCONT to foster continues both', async () => {
  for (const flags of [[], ['--no-init'], ['-t']]) {
    const script = 'echo up; kill -STOP $$; echo on again';
    const running = home.start(['--rm', ...flags, 'busybox', 'sh', '-c', script]);
    await running.says('up');
    // As PID 1 of a namespace nobody inside can stop the command.
    if (!flags.includes('--no-init')) {
      await waitUntil('foster is stopped', () => readProcess(running.pid)?.state === 'T');
      running.signal('SIGCONT');
    }
    assert.equal((await running.ended).status, 0);
    assert.match(running.stdout, /on again/);
  }
});

test('a command that closes its output and stops, both while foster does not look', async () => {
  const script = 'echo up; until [ -e /shared/go ]; do sleep 0.05; done; exec >&- 2>&-; kill -STOP $$';
  const running = home.start(['--rm', '-v', `${home.shared}:/shared`, 'busybox', 'sh', '-c', script]);
  const states = (name: string) => descendants(running.pid).filter((one) => one.name === name);
  await running.says('up');
  running.signal('SIGSTOP');
  writeFileSync(join(home.shared, 'go'), '');
  await waitUntil('the command is stopped', () => states('sh').some(({ state }) => state === 'T'));
  await waitUntil('PID 1 has told of it', () => states('foster-init').every(({ state }) => state === 'S'));
  running.signal('SIGCONT');
  await waitUntil('foster is stopped', () => readProcess(running.pid)?.state === 'T');
  running.signal('SIGCONT');
  const { status, stderr } = await running.ended;
  assert.deepEqual([status, stderr], [0, '']);
});

test('SIGTSTP to foster stops the command, then foster', async () => {
  const running = home.start(['--rm', 'busybox', 'sh', '-c', 'echo up; exec sleep 1000']);
  await running.says('up');
  const command = () => descendants(running.pid).find(({ name }) => name === 'sleep');
  await waitUntil('it is executed', command);
  for (let round = 0; round < 3; round++) {
    running.signal('SIGTSTP');
    await waitUntil('foster is stopped', () => readProcess(running.pid)?.state === 'T');
    assert.equal(command()?.state, 'T');
    running.signal('SIGCONT');
    await waitUntil(
      'both are continued',
      () => command()?.state === 'S' && readProcess(running.pid)?.state === 'S',
    );
  }
  running.signal('SIGTERM');
  assert.equal((await running.ended).status, 143);
});

for (const init of [[], ['--no-init']]) {
  for (const rm of [['--rm'], []]) {
    for (const more of [[], ['-t'], ['-u', '1000'], ['-t', '-u', '1000'], ['-i', '--pid', 'host']]) {
      const flags = [...init, ...rm, ...more];
      test(`the container dies with foster, killed by SIGKILL: ${flags.join(' ')}`, async () => {
        const isShared = more.includes('host');
        const others = isShared && init.length > 0 ? '' : 'sleep 1000 & (setsid sleep 1000 &) ;';
        const running = home.start([...flags, 'busybox', 'sh', '-c', `${others} echo up; sleep 1000`]);
        await running.says('up');
        const before = descendants(running.pid).length;
        assert.ok(before >= 2, `only ${before} processes`);
        running.signal('SIGKILL');
        await running.ended;
        await home.assertNoProcess();
        if (rm.length > 0) return;
        const { stdout } = home.foster(['ps', '-a', '--format', '{{.ID}} {{.Status}}']);
        assert.match(stdout, /^[0-9a-f]+ (Dead|Exited \(137\))/);
        assert.equal(home.foster(['rm', stdout.split(' ')[0] ?? '']).status, 0);
      });
    }
  }
}

test('a command that is PID 1 cannot outlive foster, even if it clears PR_SET_PDEATHSIG', async () => {
  for (const flags of [['--rm'], [], ['--rm', '-u', '1000'], ['-t', '-u', '1000']]) {
    const running = home.start([...flags, '--no-init', ...mounted, 'busybox', '/probe', 'untied']);
    await running.says('up');
    running.signal('SIGKILL');
    await running.ended;
    await home.assertNoProcess();
  }
  assert.equal(home.foster(['prune', '--force']).status, 0);
});

test('the container dies with foster, killed at any moment of the set-up', async () => {
  for (const delay of await momentsDuringStart(home, 30)) {
    const running = home.start(['--rm', 'busybox', 'sleep', '1000']);
    await sleep(delay);
    running.signal('SIGKILL');
    await running.ended;
    await home.assertNoProcess();
  }
  // What was killed before it had a janitor is for the next command to clear away.
  assert.equal(home.foster(['prune', '--force']).status, 0);
});
