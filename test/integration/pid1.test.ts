import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Home } from './support/foster.js';
import { probe } from './support/probe.js';
import { descendants, readProcess } from './support/processes.js';

/** PID 1: whom it adopts, what it buries, when it leaves, and what it costs meanwhile. */
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

test('of 20,000 orphans made as fast as possible no zombie is left, and few are there at any time', (t) => {
  const { ms, peak, samples, left } = makeOrphans(20_000);
  t.diagnostic(`${ms} ms, ${peak} zombies at the most in ${samples} samples`);
  assert.equal(left, 0);
  assert.ok(samples > 100, `only ${samples} samples`);
  assert.ok(peak < 500, `${peak} zombies at once`);
});

test('without the reaper zombies stay', () => {
  const { peak, left } = makeOrphans(200, ['--no-init']);
  assert.equal(left, 200);
  assert.ok(peak >= 150, `${peak} zombies at the most`);
});

test('one whose parent is killed is adopted, and buried when it dies', () => {
  assert.equal(runProbe(['generations']), 'parent 1, buried\n');
  assert.equal(runProbe(['generations'], ['--no-init']), 'parent 1, not buried\n');
});

test('a daemon outlives its parent, with PID 1 in its place', () => {
  const script = `(setsid sh -c 'echo $$ >/tmp/pid; sleep 1000' &)
    until [ -s /tmp/pid ]; do sleep 0.05; done
    sleep 0.2; cut -d ' ' -f 4 /proc/$(cat /tmp/pid)/stat`;
  assert.equal(home.shell(script, ['--stop-timeout', '1']).stdout, '1\n');
});

test('when the command ends, the rest is asked to leave', () => {
  const script = `(trap 'sleep 0.3; echo left in peace; exit' TERM; touch /tmp/up; while :; do sleep 0.05; done) &
    until [ -e /tmp/up ]; do sleep 0.05; done
    exit 3`;
  const { status, stdout } = home.shell(script);
  assert.deepEqual({ status, stdout }, { status: 3, stdout: 'left in peace\n' });
});

test('those who ignore that are killed after the stop timeout, and not before', () => {
  const script = `(trap '' TERM; touch /tmp/up; sleep 1000; sleep 1000) &
    until [ -e /tmp/up ]; do sleep 0.05; done
    exit 4`;
  const start = Date.now();
  assert.equal(home.shell(script, ['--stop-timeout', '1']).status, 4);
  const took = Date.now() - start;
  assert.ok(took >= 1000 && took < 5000, `it took ${took} ms`);
});

test('those who are stopped when the command ends are killed too', () => {
  const start = Date.now();
  assert.equal(home.shell('sleep 1000 & kill -STOP $!; exit 5').status, 5);
  assert.ok(Date.now() - start < 5000, 'a stopped process did not get the TERM');
});

test('those who fork while they are killed do not escape', () => {
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

test('--init-verbose says who is adopted, and who is buried when', async () => {
  const orphan = (script: string) => `(sh -c '${script}' & echo $! >/tmp/pid)`;
  const script = `${orphan('exec sleep 0.5')}; cat /tmp/pid; sleep 0.8
    ${orphan('sleep 0.2; exit 7')}; cat /tmp/pid; sleep 0.5
    ${orphan('exec sleep 1000')}; cat /tmp/pid; sleep 0.2; kill -KILL $(cat /tmp/pid); sleep 0.3`;
  const { status, stdout, stderr } = home.shell(script, ['--init-verbose']);
  assert.equal(status, 0);
  const [first, second, third] = stdout.trim().split('\n');
  const lines = stderr.trim().split('\n');
  const about = (pid: string | undefined) => lines.filter((line) => line.includes(` ${pid} (`)).join('\n');
  const seconds = '(\\d+\\.\\d{3}) s as an orphan';
  assert.match(
    about(first),
    new RegExp(
      `^foster-init: adopted ${first} \\(s.*\\)\nfoster-init: reaped ${first} \\(sleep\\) after ${seconds}, exit code 0$`,
    ),
  );
  const took = Number(new RegExp(seconds).exec(about(first))?.[1]);
  assert.ok(took > 0.3 && took < 1, `an orphan for ${took} s`);
  assert.match(about(second), /exit code 7$/);
  assert.match(about(third), /killed by signal 9$/);
});

test('--init-verbose tells of orphans that come and go by the thousand, and PID 1 keeps up', () => {
  const { status, stdout, stderr } = home.run([
    ...['--rm', '--init-verbose', ...mounted, 'busybox', '/probe', 'orphans', '3000'],
  ]);
  assert.equal(status, 0);
  assert.equal((JSON.parse(stdout) as Orphans).left, 0);
  const reaped = stderr.match(
    /^foster-init: reaped \d+ \(probe\) after 0\.\d{3} s as an orphan, exit code 0$/gm,
  );
  assert.ok((reaped?.length ?? 0) > 100, `${reaped?.length} lines`);
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
    command: shell('(sh -c "kill -STOP \\$\\$" &); sleep 0.2; echo up; sleep 1000'),
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
    await sleep(300);
    const ticks = await ticksOfASecond(running.pid);
    assert.ok(ticks <= most + 1, `${ticks * 10} ms`);
    running.signal('SIGKILL');
    await running.ended;
  });
}
