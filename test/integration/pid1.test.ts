import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Home } from './support/foster.js';
import { probe } from './support/probe.js';
import { descendants, readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** PID 1: what it adopts and reaps, when it exits, and what it costs. */
const home = new Home();
const mounted = probe(home);

afterEach(() => home.assertNothingLeft());

function runProbe(args: string[], flags: string[] = []): string {
  const result = home.run(['--rm', ...mounted, ...flags, 'busybox', '/probe', ...args]);
  assert.equal(result.stderr, '');
  assert.equal(result.status, 0);
  return result.stdout;
}

interface Orphans {
  ms: number;
  peak: number;
  samples: number;
  left: number;
}

function makeOrphans(count: number, flags: string[] = []): Orphans {
  return JSON.parse(runProbe(['orphans', String(count)], flags)) as Orphans;
}

test('the command is PID 2, and its parent is PID 1', () => {
  assert.equal(home.shell('echo $$ $PPID; cat /proc/1/comm').stdout, '2 1\nfoster-init\n');
});

test('with --no-init the command is PID 1', () => {
  assert.equal(
    home.shell('echo $$ $PPID; read name </proc/1/comm; echo $name', ['--no-init']).stdout,
    '1 0\nsh\n',
  );
});

test('of 20,000 orphans created as fast as possible no zombie is left, and there are few at any time', (t) => {
  const { ms, peak, samples, left } = makeOrphans(20_000);
  t.diagnostic(`${ms} ms, ${peak} zombies at the most in ${samples} samples`);
  assert.equal(left, 0);
  assert.ok(samples > 100, `only ${samples} samples`);
  assert.ok(peak < 10_000, `${peak} zombies at once`); // a reaper that waits for a quiet moment would have nearly all
});

test('without the reaper zombies stay', () => {
  const { peak, left } = makeOrphans(200, ['--no-init']);
  assert.deepEqual([left, peak], [200, 200]);
});

test('a process whose parent is killed is adopted, and reaped when it dies', () => {
  assert.equal(runProbe(['generations', '60000']), 'parent 1, buried\n');
  assert.equal(runProbe(['generations', '500'], ['--no-init']), 'parent 1, not buried\n');
});

test('a daemon outlives its parent, and PID 1 becomes its parent', () => {
  const script = `(setsid sh -c 'echo $$ >/tmp/pid; sleep 1000' &)
    until [ -s /tmp/pid ]; do sleep 0.05; done
    until [ "$(cut -d ' ' -f 4 /proc/$(cat /tmp/pid)/stat)" = 1 ]; do sleep 0.05; done; echo adopted`;
  assert.equal(home.shell(script, ['--stop-timeout', '1']).stdout, 'adopted\n');
});

test('when the command ends, the other processes get SIGTERM', () => {
  const script = `(trap 'sleep 0.3; echo left in peace; exit' TERM; touch /tmp/up; while :; do sleep 0.05; done) &
    until [ -e /tmp/up ]; do sleep 0.05; done
    exit 3`;
  const { status, stdout } = home.shell(script, ['--stop-timeout', '300']);
  assert.deepEqual({ status, stdout }, { status: 3, stdout: 'left in peace\n' });
});

test('those that ignore it are killed after the stop timeout, and not before', () => {
  const script = `(trap '' TERM; touch /tmp/up; sleep 1000; sleep 1000) &
    until [ -e /tmp/up ]; do sleep 0.05; done
    exit 4`;
  const start = Date.now();
  assert.equal(home.shell(script, ['--stop-timeout', '1']).status, 4);
  const took = Date.now() - start;
  assert.ok(took >= 1000, `it took ${took} ms`);
});

test('stopped processes are killed when the command ends, too', () => {
  // One that does not get the TERM is killed after the stop timeout, which is longer than a command may take here.
  assert.equal(home.shell('sleep 1000 & kill -STOP $!; exit 5', ['--stop-timeout', '300']).status, 5);
});

test('processes that fork while they are killed do not escape', () => {
  for (const flags of [
    ['--stop-timeout', '1'],
    ['--stop-timeout', '0'],
    ['--stop-timeout', '0', '--pid', 'host'],
  ]) {
    const result = home.run(['--rm', ...mounted, ...flags, 'busybox', '/probe', 'runaway', '20']);
    assert.equal(result.status, 7);
  }
});

test('without a PID namespace of its own, nothing survives either', () => {
  const flags = ['--pid', 'host', '--stop-timeout', '1'];
  const { status } = home.shell('(setsid sleep 1000 &) ; (trap "" TERM; sleep 1000) & exit 6', flags);
  assert.equal(status, 6);
});

test('the command cannot reach PID 1', () => {
  const nothing = [
    'ptrace: EPERM',
    'mem: EACCES',
    'environ: EACCES',
    'maps: EACCES',
    'fd: EACCES',
    'exe: EACCES',
    'cwd: EACCES',
    'root: EACCES',
    'process_vm_readv: EPERM',
    'pidfd_getfd: EPERM',
  ];
  assert.deepEqual(runProbe(['reach'], ['--security-opt', 'seccomp=unconfined']).trim().split('\n'), nothing);
  assert.deepEqual(
    runProbe(['reach'], ['--security-opt', 'seccomp=unconfined', '-u', '1000']).trim().split('\n'),
    nothing,
  );
});

test('the command inherits no descriptor beyond the three, nor a directory of the host', () => {
  for (const flags of [[], ['--no-init'], ['-i'], ['-t'], ['-u', '1000'], ['--pid', 'host']]) {
    assert.equal(runProbe(['descriptors'], flags).trim(), '0 1 2', flags.join(' '));
    assert.equal(home.shell('readlink /proc/self/cwd; pwd', flags).stdout.replaceAll('\r', ''), '/\n/\n');
  }
});

test('--init-verbose reports adopted and reaped processes', async () => {
  const awaits = (name: string) => `until [ -e /shared/${name} ]; do sleep 0.05; done`;
  const orphan = (script: string) => `(sh -c '${script}' & echo $! >/tmp/pid); cat /tmp/pid`;
  const script = `${orphan(awaits('first'))}; ${orphan(`${awaits('second')}; exit 7`)}; ${orphan('exec sleep 1000')}
    ${awaits('third')}; kill -KILL $(cat /tmp/pid); ${awaits('end')}`;
  const flags = ['--rm', '--init-verbose', '-v', `${home.shared}:/shared`];
  const started = Date.now();
  const running = home.start([...flags, 'busybox', 'sh', '-c', script]);
  const pids = await waitUntil('all three are there', () => {
    const lines = running.stdout.split('\n');
    return lines.length === 4 && lines;
  });
  const [first, second, third] = pids;
  const says = async (pid: string | undefined, what: string) => {
    // busybox executes its own programs as /proc/self/exe, and names them a moment later
    const line = new RegExp(`^foster-init: ${what.replace('PID', `${pid} \\((?:sh|sleep|exe)\\)`)}$`, 'm');
    return await waitUntil(`it says ${line}`, () => line.exec(running.stderr));
  };
  const goes = (name: string) => writeFileSync(join(home.shared, name), '');
  for (const pid of [first, second, third]) await says(pid, 'adopted PID');
  const adopted = Date.now();
  await sleep(300); // what it tells is at least that
  const ended = Date.now();
  goes('first');
  const [, took] = await says(first, 'reaped PID after (\\d+\\.\\d{3}) s as an orphan, exit code 0');
  const ms = Number(took) * 1000;
  assert.ok(ms >= ended - adopted - 1 && ms <= Date.now() - started, `an orphan for ${took} s`);
  goes('second');
  await says(second, 'reaped PID after .* s as an orphan, exit code 7');
  goes('third');
  await says(third, 'reaped PID after .* s as an orphan, killed by signal 9');
  goes('end');
  assert.equal((await running.ended).status, 0);
});

test('--init-verbose reports thousands of short-lived orphans, and PID 1 keeps up', () => {
  const { status, stdout, stderr } = home.run([
    ...['--rm', '--init-verbose', ...mounted, 'busybox', '/probe', 'orphans', '3000'],
  ]);
  assert.equal(status, 0);
  assert.equal((JSON.parse(stdout) as Orphans).left, 0);
  const reaped = stderr.match(
    /^foster-init: reaped \d+ \(probe\) after \d+\.\d{3} s as an orphan, exit code 0$/gm,
  );
  assert.ok((reaped?.length ?? 0) > 100, `${reaped?.length} lines`);
});

test('--init-verbose reports every orphan, also those that end while PID 1 looks for others', () => {
  // PID 1 ends with the command, and would not see what has not ended by then.
  const gone = 'while set -- /proc/[0-9]*; [ $# -gt 2 ]; do :; done';
  const script = `i=0; while [ $i -lt 500 ]; do (true &); i=$((i+1)); done; ${gone}`;
  const { status, stderr } = home.run(['--rm', '--init-verbose', 'busybox', 'sh', '-c', script]);
  assert.equal(status, 0);
  for (const what of ['adopted', 'reaped'])
    assert.equal(stderr.match(new RegExp(`^foster-init: ${what} `, 'gm'))?.length, 500, what);
});

/** CPU time that foster's own processes of a container use in a second, in ticks of 10 ms. */
async function ticksOfASecond(monitor: number): Promise<number> {
  const ours = () => [
    ...[readProcess(monitor) ?? []].flat(),
    ...descendants(monitor).filter(({ name }) => name.startsWith('foster-')),
  ];
  const ticks = () => ours().reduce((sum, each) => sum + each.ticks, 0);
  assert.equal(ours().length, 3, 'the monitor, PID 1 and the janitor');
  const before = ticks();
  await sleep(1000);
  return ticks() - before;
}

interface Scene {
  while: string;
  flags?: string[];
  command: string[];
  /** CPU time that is all right, in ticks of 10 ms. */
  most: number;
}

const shell = (script: string) => ['sh', '-c', script];

const scenes: Scene[] = [
  { while: 'nothing goes on', command: shell('echo up; sleep 1000'), most: 0 },
  { while: 'the command is stopped', command: shell('echo up; kill -STOP $$'), most: 0 },
  {
    while: 'orphans are stopped',
    command: shell(
      `(sh -c 'kill -STOP $$' & echo $! >/tmp/pid)
      until grep -q '^State:.T' /proc/$(cat /tmp/pid)/status; do sleep 0.05; done; echo up; sleep 1000`,
    ),
    most: 0,
  },
  { while: 'an orphan is traced', command: ['/probe', 'traced'], most: 0 },
  { while: 'a terminal is idle', flags: ['-t'], command: shell('echo up; sleep 1000'), most: 0 },
  {
    while: 'nobody has the terminal open any more',
    flags: ['-t'],
    command: shell('echo up; exec 0<&- 1>&- 2>&-; trap "" HUP; exec sleep 1000'),
    most: 0,
  },
  { while: 'a thousand orphans come and go', command: ['/probe', 'restless'], most: 20 },
];

for (const { while: what, flags = [], command, most } of scenes) {
  test(`foster's processes use next to no CPU while ${what}`, async () => {
    const running = home.start(['--rm', ...mounted, ...flags, 'busybox', ...command]);
    await running.says('up');
    // What there is to be done at the start may still be going on; who polls, or spins, has no such second.
    await waitUntil(
      `in a second they use no more than ${(most + 1) * 10} ms`,
      async () => (await ticksOfASecond(running.pid)) <= most + 1,
    );
    running.signal('SIGKILL');
    await running.ended;
  });
}
