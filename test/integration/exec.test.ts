import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants, readProcess, reap, waitForNoProcess } from './support/processes.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

/** One more process in a running container. */
const home = new Home();
const containers = new Containers(home);

/** Each test has its own container, so that it does not see leftovers of others. */
before(() => {
  containers.detach('web', 'sleep 1000', ['-e', 'OWN=value', '-w', '/usr/bin', '--hostname', 'webhost']);
  containers.detach('bare', 'sleep 1000', ['--no-init']);
});

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const exec = (...args: string[]) => home.foster(['exec', ...args]);

/** Parts of /proc/PID/status to compare: user, groups, capabilities, filters. */
const STATUS = /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Sig(Blk|Ign)):.*$/gm;

for (const name of ['web', 'bare']) {
  test(`all namespaces, capabilities and filters are the container's: ${name}`, () => {
    const script = 'for one in /proc/self/ns/*; do readlink $one; done; cat /proc/self/status';
    const main = containers.pid(name);
    const [user = main] = descendants(main).map(({ pid }) => pid);
    const inside = exec(name, 'sh', '-c', script).stdout;
    const kinds = readdirSync(`/proc/${user}/ns`).filter((kind) => !kind.endsWith('_for_children'));
    for (const kind of kinds) {
      const link = readlinkSync(`/proc/${user}/ns/${kind}`);
      assert.ok(inside.includes(link), `${kind} is not ${link} in ${inside}`);
    }
    const wanted = containers.ok('exec', name, 'cat', `/proc/${name === 'web' ? 2 : 1}/status`).match(STATUS);
    assert.deepEqual(inside.match(STATUS), wanted);
    assert.match(inside, /^Seccomp:\s+2$/m);
    assert.match(inside, /^NoNewPrivs:\s+1$/m);
  });
}

test('the primary group is among the supplementary groups: CVE-2022-36109', () => {
  const groups = ['sh', '-c', 'grep ^Groups: /proc/self/status'];
  assert.match(exec('web', ...groups).stdout, /^Groups:\t0 ?$/m);
  assert.match(exec('-u', '5:7', 'web', ...groups).stdout, /^Groups:\t7 ?$/m);
  assert.match(home.run(['--rm', '-u', '5:7', 'busybox', ...groups]).stdout, /^Groups:\t7 ?$/m);
});

test('another user has the groups of --group-add and the umask of the container', () => {
  containers.detach('grouped', 'sleep 1000', [
    '--group-add',
    '44',
    '--group-add',
    'daemon',
    '--umask',
    '0077',
  ]);
  const inside = (...user: string[]) => {
    const [groups = '', mask] = exec(...user, 'grouped', 'sh', '-c', 'id -G; umask').stdout.split('\n');
    return { groups: new Set(groups.split(' ').map(Number)), mask };
  };
  assert.deepEqual(inside(), { groups: new Set([0, 1, 44]), mask: '0077' });
  for (const [user, own] of [
    ['1000', 0],
    ['5:7', 7],
    ['daemon', 1],
  ] as const)
    assert.deepEqual(inside('-u', user), { groups: new Set([own, 1, 44]), mask: '0077' }, user);
});

test('directory, environment, host name and files are the container’s; limits too', () => {
  const script = 'pwd; echo $OWN $HOME $PATH; hostname; ls /; ulimit -n';
  const inside = exec('web', 'sh', '-c', script);
  assert.match(inside.stdout, /^\/usr\/bin\nvalue \/root \/usr\/local\/sbin.*\nwebhost\nbin\n/);
  containers.ok('exec', 'web', 'sh', '-c', 'echo kept > /kept');
  assert.equal(containers.ok('exec', 'web', 'cat', '/kept'), 'kept\n');
});

test('-w, -e, --env-file and -u', () => {
  const file = join(home.folder, 'variables');
  writeFileSync(file, '# comment\nFROM_FILE=yes\nOWN=file\n');
  const script = 'pwd; echo $A $FROM_FILE $OWN; id -u; id -g; grep CapEff /proc/self/status; echo $HOME';
  const args = [
    '-w',
    '/tmp',
    '-e',
    'A=b c',
    '--env-file',
    file,
    '-u',
    '1000:1001',
    'web',
    'sh',
    '-c',
    script,
  ];
  assert.equal(exec(...args).stdout, '/tmp\nb c yes file\n1000\n1001\nCapEff:\t0000000000000000\n/\n');
  assert.equal(exec('-u', 'root', 'web', 'id', '-u').stdout, '0\n');
  for (const wrong of [
    ['-u', 'nobody-there'],
    ['-w', 'relative'],
    ['--env-file', '/nonexistent'],
    ['-e', '=x'],
  ]) {
    const { status, stderr } = exec(...wrong, 'web', 'true');
    assert.equal(status, 125, `${wrong}: ${stderr}`);
    assert.match(stderr, /^foster: [^\n]+\n$/);
  }
  const missing = exec('-w', '/nonexistent', 'web', 'true');
  assert.match(missing.stderr, /^foster: .*\/nonexistent.*\n$/);
  assert.ok([125, 126, 127].includes(missing.status ?? 0));
});

test('exit codes are those of run', () => {
  for (const [script, code] of [
    ['exit 0', 0],
    ['exit 255', 255],
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143],
  ] as const) {
    assert.equal(exec('web', 'sh', '-c', script).status, code);
  }
  for (const [program, code] of [
    ['nonsense', 127],
    ['/etc/passwd', 126],
    ['/etc', 126],
  ] as const) {
    for (const flags of [[], ['-d'], ['-t']]) {
      const { status, stderr } = exec(...flags, 'web', program);
      assert.equal(status, code);
      assert.match(stderr, /^foster: cannot run [^\n]*\r?\n$/);
    }
  }
});

test('input, output and errors pass through unchanged', async () => {
  const result = exec('web', 'sh', '-c', 'echo out; echo err >&2; cat');
  assert.deepEqual([result.stdout, result.stderr], ['out\n', 'err\n']); // without -i there is no input
  const data = Buffer.alloc(3_000_000, 'some\0bytes\xff');
  const through = await containers.run(['exec', '-i', 'web', 'cat'], data);
  assert.equal(through.stdout, data.toString('latin1'));
});

test('a stopped container cannot be entered', async () => {
  containers.detach('held', 'sleep 1000');
  containers.ok('pause', 'held');
  assert.match(
    exec('held', 'true').stderr,
    /^foster: cannot execute in container held: it is paused; first: foster unpause held\n$/,
  );
  containers.ok('unpause', 'held');
  containers.ok('kill', 'held');
  const stopped = exec('held', 'true');
  assert.equal(stopped.status, 1);
  assert.match(stopped.stderr, /it is not running; first: foster start held\n$/);
  assert.equal(exec('nobody', 'true').status, 1);
  containers.detach('again', 'exit 1', ['--restart', 'always']);
  await waitUntil('exec says so of one that waits', () =>
    /about to be started again/.test(exec('again', 'true').stderr),
  );
  containers.ok('rm', '-f', 'again', 'held');
});

test('-d leaves it in the container, and it ends with that', async () => {
  containers.detach('host', 'sleep 1000');
  assert.deepEqual(exec('-d', 'host', 'sh', '-c', 'echo noise; sleep 3001').stdout, '');
  const line = () =>
    containers
      .ok('exec', 'host', 'ps', '-o', 'ppid,args')
      .split('\n')
      .find((one) => /sleep 3001$/.test(one));
  assert.match(await waitUntil('it runs', line), /^ *1 /);
  containers.ok('kill', 'host');
  await containers.waitFor('host', 'exited');
  containers.ok('rm', 'host');
});

test('--privileged', () => {
  const script = 'grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status';
  const { stdout } = exec('--privileged', 'web', 'sh', '-c', script);
  assert.match(stdout, /CapEff:\t000001ffffffffff/);
  assert.match(stdout, /Seccomp:\t0/);
  assert.match(stdout, /NoNewPrivs:\t0/);
});

for (const name of ['web', 'bare']) {
  test(`orphans of an exec'd process become PID 1's: ${name}`, async () => {
    exec(name, 'sh', '-c', 'exec >/dev/null 2>&1; (sleep 3005 &); (sleep 3006 &)');
    const list = () => containers.ok('exec', name, 'ps', '-o', 'pid,ppid,stat,args');
    const orphans = await waitUntil('both are there', () => {
      const found = [...list().matchAll(/^ *(\d+) +(\d+) \S+ +sleep 300[56]$/gm)];
      return found.length === 2 && found;
    });
    for (const [line, , parent] of orphans) assert.equal(parent, '1', line);
    const pids = orphans.map(([, pid = '']) => pid);
    containers.ok('exec', name, 'kill', ...pids);
    const isThere = (line: string) => pids.includes(line.trim().split(' ')[0] ?? '');
    if (name === 'web') await waitUntil('both are buried', () => !list().split('\n').some(isThere));
  });
}

test('killing the command kills its process, unless it is detached', async () => {
  const has = (args: string) => containers.ok('exec', 'web', 'ps', '-o', 'args').includes(args);
  for (const [time, flags] of [
    ['3002', []],
    ['3003', ['-u', '1000']],
  ] as const) {
    const running = containers.begin(['exec', ...flags, 'web', 'sh', '-c', `echo up; exec sleep ${time}`]);
    await running.says('up');
    const find = () => running.processes().find(({ name }) => name === 'sleep')?.pid ?? 0;
    await waitUntil('the shell has become sleep', () => find() !== 0);
    const pid = find();
    running.signal('SIGKILL');
    await waitUntil('it is dead and buried', () => reap(pid));
    assert.ok(!has(`sleep ${time}`));
  }
  exec('-d', 'web', 'sleep', '3004');
  await waitUntil('it runs', () => has('sleep 3004'));
});

test('signals reach the process', async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 40] as const) {
    const number =
      typeof signal === 'number' ? signal : { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGUSR1: 10 }[signal];
    const running = containers.begin([
      'exec',
      'web',
      'sh',
      '-c',
      `trap "echo got; exit 5" ${number}; echo up; while :; do sleep 0.05; done`,
    ]);
    await running.says('up');
    running.signal(signal);
    const { status, stdout } = await running.ended;
    assert.deepEqual([status, stdout], [5, 'up\ngot\n'], `signal ${signal}`);
  }
});

test('20 at once', async () => {
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      containers.run(['exec', '-i', 'web', 'sh', '-c', `cat; exit ${index}`], Buffer.from(`in ${index}`)),
    ),
  );
  assert.deepEqual(
    results.map(({ status, stdout }) => [status, stdout]),
    Array.from({ length: 20 }, (_, index) => [index, `in ${index}`]),
  );
});

test('while the container ends: an error or 137, but never a hang or a leftover process', async () => {
  for (let round = 0; round < 5; round++) {
    containers.detach('ending', 'sleep 1000', ['--rm']);
    const all = Promise.all(
      Array.from({ length: 4 }, () => containers.run(['exec', 'ending', 'sleep', '1000'])),
    );
    await sleep(40 * round); // at one moment or another of it
    containers.ok('kill', 'ending');
    for (const { status, stderr } of await all) {
      assert.ok([1, 125, 137].includes(status ?? 0), `${status} ${stderr}`);
      assert.ok(status === 137 || /^foster: [^\n]+\n$/.test(stderr), stderr);
    }
    await waitUntil('it is removed', () => home.foster(['inspect', 'ending']).status === 1);
  }
});

test('a terminal: its own, real, resized, with job control', async () => {
  const person = new Tmux(home);
  try {
    person.types('stty -a > before; foster exec -it web sh; echo "code $?"');
    await person.sees(/#$/);
    person.types('tty; stty size; test -t 0 && echo a terminal');
    await person.sees(/^\/dev\/pts\/\d+\n30 100\na terminal$/m);
    person.types('clear; until [ "$(stty size)" = "20 90" ]; do sleep 0.1; done; stty size');
    person.resizes(90, 20);
    await person.sees(/^20 90$/m);
    person.types('sleep 1000');
    const sleeper = await person.runs('sleep');
    person.presses('C-z');
    await person.sees(/Stopped/);
    person.types('clear; jobs; fg');
    await person.sees(/Stopped.*sleep 1000[\s\S]*^sleep 1000$/m);
    // the shell names the job before it gives the terminal to it
    await waitUntil('it goes on', () => readProcess(sleeper.pid)?.state === 'S');
    person.presses('C-c');
    await waitForNoProcess('sleep', person.pid);
    person.types('clear; exit 6');
    await person.sees(/^code 6$/m);
    person.types('stty -a > after; grep -v rows before > b; grep -v rows after > a; cmp a b && echo sa""me');
    await person.sees(/^same$/m);
    person.types('clear; foster exec -it web sleep 1000; echo "code $?"');
    await person.runs('sleep');
    person.presses('C-c');
    await person.sees(/code 130$/m);
  } finally {
    person.leaves();
  }
});

test('the monitor of exec is small, and Node is gone', async () => {
  const running = containers.begin(['exec', 'web', 'sh', '-c', 'echo up; exec sleep 1000']);
  await running.says('up');
  assert.equal(readProcess(running.pid)?.name, 'foster-monitor');
  running.signal('SIGTERM');
  assert.equal((await running.ended).status, 143);
});

/** Ends the process whose number in the container web is in /tmp/left, which else would end after the container. */
async function endLeft(): Promise<void> {
  const isThere = () => exec('web', 'sh', '-c', 'test -e /proc/$(cat /tmp/left)').status === 0;
  assert.ok(isThere());
  containers.ok('exec', 'web', 'sh', '-c', 'kill -9 $(cat /tmp/left)');
  await waitUntil('it has ended', () => !isThere());
}

test('ctrl-p ctrl-q leaves a process of exec -it running, whose terminal stays', async () => {
  const person = new Tmux(home);
  const script =
    'echo $$ > /tmp/left; echo begun; while ! test -e /tmp/go; do sleep 0.05; done; tty > /tmp/ended; sleep 4321';
  person.types(`foster exec -it web sh -c '${script}'; echo "code $?"`);
  await person.sees(/^begun$/m);
  person.presses('C-p');
  person.presses('C-q');
  await person.sees(/detached\ncode 0\ncaller\$$/);
  containers.ok('exec', 'web', 'touch', '/tmp/go');
  const tty = await waitUntil('it has gone on', () => exec('web', 'cat', '/tmp/ended').stdout.trim());
  assert.match(tty, /^\/dev\/pts\/\d+$/);
  await endLeft();
  person.leaves();
});

test('other detach keys, and none; without a terminal there are no such keys', async () => {
  const person = new Tmux(home);
  const script = 'echo $$ > /tmp/left; stty -echo; echo begun; exec cat';
  person.types(`foster exec -it --detach-keys ctrl-a,d web sh -c '${script}'; echo "code $?"`);
  await person.sees(/^begun$/m);
  person.presses('C-p', 'C-q', 'Enter');
  person.writes('typed');
  person.presses('Enter');
  await person.sees('typed');
  person.presses('C-a');
  person.writes('d');
  await person.sees(/detached\ncode 0/);
  await endLeft();
  person.clears();
  person.types(
    `foster exec -it --detach-keys '' web sh -c "stty raw; : >/tmp/raw; head -c 2 | od -An -tx1"; echo "code $?"`,
  );
  await waitUntil('keys come as they are', () => exec('web', 'test', '-e', '/tmp/raw').status === 0);
  person.presses('C-p', 'C-q');
  await person.sees(/10 11/);
  await person.sees(/code 0/);
  assert.equal(exec('-i', 'web', 'cat').status, 0);
  assert.match(exec('--detach-keys', 'ctrl-', 'web', 'true').stderr, /--detach-keys 'ctrl-': expected keys/);
  person.leaves();
});

test('a killed foster exec -it ends what it has started, and not the container', async () => {
  const person = new Tmux(home);
  person.types('foster exec -it web sleep 1234; echo "code $?"');
  const client = await person.runs('foster-attach');
  await waitUntil('it runs', () => /sleep 1234/.test(exec('web', 'ps', '-o', 'args').stdout));
  process.kill(client.pid, 'SIGKILL');
  await waitUntil('it has ended', () => !/sleep 1234/.test(exec('web', 'ps', '-o', 'args').stdout));
  await person.sees(/code 137/);
  assert.equal(containers.status('web'), 'running');
  person.leaves();
});
