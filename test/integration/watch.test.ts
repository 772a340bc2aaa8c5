/** foster watch in a terminal: what it shows as it happens, what keys do, and that the terminal is left as it was. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { Tmux } from './support/tmux.js';
import { DEADLINE } from './support/wait.js';

const home = new Home();
const containers = new Containers(home);
/** One whose data becomes unreadable. */
const broken = new Home();
home.env.LC_ALL = 'C.UTF-8';

/** What the shells in the containers wait for: a line to such a file. */
const fifo = (name: string) => join(home.shared, name);

/** A zombie whose parent never waits; and a shell that leaves its child when it reads a line. */
const FAMILY =
  'sh -c "true & exec sleep 3303" & sh -c "sleep 3301 & read -r line </shared/leave" & echo ready; exec sleep 3304';

let person: Tmux;
const opened: Tmux[] = [];

before(async () => {
  execFileSync('mkfifo', [fifo('leave')]);
  containers.detach('family', FAMILY, ['-v', `${home.shared}:/shared`]);
  await containers.logs('family', 'ready');
});

afterEach(() => {
  for (const each of opened.splice(0)) each.leaves();
});
after(() => containers.removeAll());

async function watching(): Promise<Tmux> {
  person = new Tmux(home, { columns: 80, rows: 24 });
  opened.push(person);
  await person.seesPrompt();
  await watchesAgain();
  return person;
}

async function watchesAgain(): Promise<void> {
  person.types('clear; echo before; foster watch --interval 0.2');
  await person.sees(/foster watch {2}.*family/s);
}

/** The screen is what it was, and so are the settings of the terminal. */
async function assertRestored(code: number): Promise<void> {
  const screen = await person.seesPrompt();
  assert.match(screen, /^before$/m);
  assert.doesNotMatch(screen, /HOST PID/);
  person.types(`echo code $?; stty -a | grep -c -w -e -icanon -e -echo -e -isig`);
  await person.sees(new RegExp(`^code ${code}\\n0$`, 'm'));
}

test('the tree, a zombie, an adoption as it happens, and who left the orphan; q restores the terminal', async () => {
  await watching();
  const tree = await person.sees(/zombie/);
  assert.match(tree, /^foster watch {2}1 container {2}\d+ processes {2}1 zombie {2,}\d\d:\d\d:\d\d$/m);
  assert.match(tree, /^ +PID HOST PID S {2}CPU% +MEM {2}COMMAND$/m);
  assert.match(tree, /^ +1 +\d+ S .*foster-init$/m);
  assert.match(tree, /^ +2 +\d+ S .*└─ sleep 3304$/m);
  assert.match(tree, /^ +\d+ +\d+ Z .*\[sh\] {2}\(zombie\)$/m);
  assert.match(tree, /^ +\d+ +\d+ S .* {8}└─ sleep 3301$/m);
  assert.match(tree, /^pid:\d{10} mnt:\d{10} net:\d{10} user:\d{10} cgroup /m);
  writeFileSync(fifo('leave'), 'now\n');
  const adopted = await person.sees(/└─ sleep 3301 {2}\(adopted, left by \d+ sh\)/);
  await person.sees(/family {2}adopt \d+ sleep by 1 foster-init: left by \d+ sh/);
  const [, left] = /left by (\d+) sh/.exec(adopted) ?? [];
  await person.sees(new RegExp(`family {2}zombie ${left} sh: 2 sleep has not waited for it`));
  person.presses('q');
  await assertRestored(0);
});

test('signals: a menu, and the process is gone', async () => {
  containers.ok('exec', '-d', 'family', 'sleep', '7777');
  await watching();
  await person.sees(/sleep 7777/);
  person.writes('/7777');
  await person.sees(/only '7777'/);
  person.presses('Enter', 'j');
  person.writes('s');
  await person.sees(/^signal: 1 TERM 2 KILL .*9 USR2$/m);
  person.writes('2');
  await person.sees(/^SIGKILL sent to \d+ sleep$/m);
  await person.sees(/(exit|reap) \d+ sleep/);
  person.presses('Escape');
  await person.sees(/sleep 3304/);
  person.writes('/nowhere');
  await person.sees('nothing matches');
  person.presses('C-c');
  await assertRestored(0);
});

test('texts on top of the tree, a shell, pause, and narrow terminals', async () => {
  await watching();
  person.writes('l');
  await person.sees(/^logs of family\nready$/m);
  person.writes('q');
  await person.sees('HOST PID');
  person.writes('ji');
  await person.sees(/^details of 1 foster-init\n.*^pids +\d+ outside, 1 inside$.*^ {2}pid:\d+$/ms);
  person.writes('qx');
  await person.sees(/^explain of family\n(?!foster:)\S/m);
  person.writes('q?');
  await person.sees(/^s +send it a signal/m);
  person.writes('qe');
  await person.sees(/\/ #$/m);
  person.types('echo $((6 * 7)); exit');
  await person.sees(/HOST PID/);
  person.writes('p');
  await person.sees('PAUSED');
  person.writes('p');
  for (const columns of [20, 40]) {
    person.resizes(columns, 10);
    await person.sees(columns === 20 ? /^ +PID S {2}COMMAND$/m : /^ +PID S {2}CPU% {2}COMMAND$/m);
    assert.ok(
      person
        .screen()
        .split('\n')
        .every((each) => each.length <= columns),
    );
  }
  person.resizes(80, 24);
  await person.sees('HOST PID');
  person.presses('C-z');
  await person.sees(/Stopped/);
  person.types('fg');
  await person.sees(/HOST PID/);
  person.presses('q');
  await person.seesPrompt();
});

test('signals of others restore the terminal, too', async () => {
  await watching();
  for (const [signal, code] of [
    ['TERM', 143],
    ['INT', 130],
    ['HUP', 129],
  ] as const) {
    if (signal !== 'TERM') await watchesAgain();
    const { pid } = await person.runs('node');
    spawnSync('kill', ['-s', signal, String(pid)]);
    await assertRestored(code);
  }
});

test('a failure of foster itself: the terminal is restored, and then the error is printed', async () => {
  person = new Tmux(broken, { columns: 80, rows: 24 });
  opened.push(person);
  await person.seesPrompt();
  person.types('echo before; foster watch --interval 0.2');
  await person.sees('no container runs');
  mkdirSync(join(broken.folder, 'data/foster'), { recursive: true });
  writeFileSync(join(broken.folder, 'data/foster/containers'), 'no folder');
  await person.sees(/^foster: cannot scandir /m);
  await assertRestored(125);
});

test('a container that ends, and names that would control the terminal', async () => {
  const result = home.run([
    '-d',
    '--name',
    'hostile',
    'busybox',
    'sh',
    '-c',
    'sleep 1000; :',
    '\u001b[2J\u0007名',
  ]);
  assert.equal(result.status, 0, result.stderr);
  await watching();
  await person.sees(/sh -c sleep 1000; : \\u001b\[2J\\u0007名/);
  const { stdout } = home.foster(['watch', '--once', 'hostile']);
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/);
  containers.ok('rm', '-f', '-t', '0', 'hostile');
  await person.sees(/hostile {2}the container has ended/);
  assert.match(person.screen(), /^foster watch {2}1 container /m);
  person.presses('q');
  await assertRestored(0);
});

test('without a terminal: once, as text or as JSON', () => {
  const once = home.foster(['watch', 'family']);
  assert.deepEqual([once.status, once.stderr], [0, '']);
  assert.match(once.stdout, /^family {2}busybox {2}running {2}PID 1 is \d+ outside {2}CPU \d/);
  assert.match(once.stdout, /^pid:\d+ mnt:\d+ /m);
  assert.match(once.stdout, /^ +2 +\d+ S +\d+\.\d +\S+ {2}[├└]─ sleep 3304$/m);
  const [line = '', rest] = home.foster(['watch', '--once', '--format', 'json']).stdout.split('\n');
  assert.equal(rest, '');
  const { containers: found, events } = JSON.parse(line);
  assert.deepEqual([found[0].name, found[0].processes[0].pid, events], ['family', 1, []]);
  for (const [args, message] of [
    [['nobody'], /^foster: no such container: nobody/],
    [['--interval', '0.05'], /^foster: --interval '0\.05': expected a number of seconds, at least 0\.1\n$/],
    [['--format', 'xml'], /^foster: --format 'xml': expected json\n$/],
  ] as const)
    assert.match(home.foster(['watch', ...args]).stderr, message);
});

test('colours, unless they are not wanted', () => {
  const drawn = (options: string, env: Record<string, string> = {}) =>
    spawnSync('script', ['-qec', `stty cols 80 rows 24; "$FOSTER" watch ${options}`, '/dev/null'], {
      env: { ...home.env, TERM: 'xterm', FOSTER, ...env },
      input: 'q',
      encoding: 'utf8',
      timeout: DEADLINE,
    }).stdout;
  assert.match(drawn(''), /\u001b\[31m +Z/);
  for (const plain of [drawn('--no-color'), drawn('', { NO_COLOR: '1' })]) {
    assert.ok(plain.includes('zombie'));
    assert.ok(!/\u001b\[3\dm/.test(plain), plain);
  }
});
