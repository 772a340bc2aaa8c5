import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants, readProcess, waitForNoProcess, waitForProcess } from './support/processes.js';
import { Tmux } from './support/tmux.js';
import { waitUntil } from './support/wait.js';

/** attach and start -ai, with a person at a terminal. */
const home = new Home();
const containers = new Containers(home);
let person: Tmux;

beforeEach(() => {
  person = new Tmux(home);
});

afterEach(async () => {
  containers.removeAll();
  person.leaves();
  await home.assertNothingLeft();
});

/** A shell in the background, as `foster run -dit busybox` makes it. */
function shell(name: string, flags: string[] = []): void {
  const { status, stderr } = home.run(['-dit', '--name', name, ...flags, 'busybox', 'sh']);
  assert.equal(status, 0, stderr);
}

/** Attached, and the container's prompt there. */
async function attaches(who: Tmux, name: string, flags = ''): Promise<void> {
  who.types(`clear; foster attach ${flags} ${name}; echo "code $?"`);
  await who.runs('foster-attach');
  who.presses('Enter');
  await who.sees(/(\/|\/tmp) #$/);
}

test('a shell: its output, its exit code, and the restored terminal', async () => {
  shell('bash');
  person.types('stty -a > ~/before');
  await attaches(person, 'bash');
  person.types('tty; echo $((6 * 7))');
  await person.sees(/^\/dev\/pts\/0$/m);
  await person.sees(/^42$/m);
  person.types('exit 9');
  await person.sees(/^code 9$/m);
  person.types('stty -a > ~/after; cmp ~/before ~/after && echo sa""me');
  await person.sees(/^same$/m);
});

test('ctrl-p ctrl-q detaches; ctrl-p alone and ctrl-p with another key go to the container', async () => {
  // without a shell that edits lines before: it asks the terminal where the cursor is, and dd would read the answer
  const script = 'cd /tmp; stty raw -echo; dd bs=1 count=4 2>/dev/null | od -An -tx1; stty sane; exec sh';
  const { status, stderr } = home.run(['-dit', '--name', 'stays', 'busybox', 'sh', '-c', script]);
  assert.equal(status, 0, stderr);
  await waitForProcess('dd');
  person.types('clear; foster attach stays; echo "code $?"');
  await person.runs('foster-attach');
  person.presses('C-p', 'x', 'C-p', 'C-p', 'y'); // the second C-p is held back until the third shows that it was none
  await person.sees(/10 78 10 10/);
  person.presses('Enter');
  await person.sees(/\/tmp #$/);
  person.presses('C-p', 'C-q');
  await person.sees(/detached\ncode 0\ncaller\$$/);
  assert.equal(containers.status('stays'), 'running');
  person.types('stty -a | grep -o " icanon"');
  await person.sees(/^ icanon$/m);
  await attaches(person, 'stays');
  person.types('pwd');
  await person.sees(/^\/tmp$/m);
  person.presses('C-p', 'C-q');
  await person.sees(/detached\ncode 0/);
});

test('ctrl-p ctrl-q detaches from run -it, as if it had been started with -d', async () => {
  person.types('foster run -it --name left busybox sh -c "stty size; exec sh"; echo "code $?"');
  await person.sees('/ #');
  person.types('echo said $((6 * 7))');
  await person.sees(/^said 42$/m);
  person.presses('C-p', 'C-q');
  await person.sees(/detached\ncode 0\ncaller\$$/);
  assert.equal(containers.status('left'), 'running');
  const log = home.foster(['logs', 'left']).stdout;
  assert.match(log, /^30 100\r\n/);
  assert.match(log, /said 42\r\n/);
  await attaches(person, 'left');
  person.types('exit 6');
  await person.sees(/^code 6$/m);
  assert.equal(containers.status('left'), 'exited');
});

/** How many bytes it has read: proc_pid_io(5). */
const bytesRead = (pid: number) =>
  Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);

/** Stops a process where it does not matter to a shell, which would take its terminal back. */
async function pauses(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await waitUntil('it is stopped', () => readProcess(pid)?.state === 'T');
}

test('who detaches from run -it before all output is read leaves the container running', async () => {
  const script =
    'until test -e /tmp/go; do sleep 0.05; done; for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; exec sh';
  person.types(
    `sh -c "foster run -it --name chatty busybox sh -c '${script.replace('$i', '\\$i')}'; echo code \\$?"`,
  );
  await containers.waitFor('chatty', 'running');
  const client = await person.runs('foster-attach');
  await pauses(client.pid);
  containers.ok('exec', 'chatty', 'touch', '/tmp/go');
  await containers.logs('chatty', 'line 5');
  person.presses('C-p', 'C-q');
  const monitor = containers.monitor('chatty');
  await pauses(monitor);
  process.kill(client.pid, 'SIGCONT');
  await person.sees(/detached\ncode 0/);
  process.kill(monitor, 'SIGCONT');
  await attaches(person, 'chatty');
  assert.equal(containers.status('chatty'), 'running');
});

test('the exit code is known, though the process has ended before all input was read', async () => {
  shell('left');
  person.types(
    `sh -c "foster exec -it left sh -c 'echo st''arted; until test -e /tmp/go; do sleep 0.05; done; exit 5'; echo code \\$?"`,
  );
  await person.sees(/^started$/m);
  const client = await person.runs('foster-attach');
  const monitor = descendants().find(
    ({ name, parent }) => name === 'foster-monitor' && parent === client.pid,
  );
  assert.ok(monitor, 'a process that may be left has a monitor');
  const [first] = descendants(monitor.pid);
  assert.ok(first);
  await pauses(monitor.pid);
  containers.ok('exec', 'left', 'touch', '/tmp/go');
  await waitUntil('it has ended', () => readProcess(first.pid)?.state === 'Z');
  for (const act of [() => person.presses('x'), () => person.resizes(90, 20), () => person.resizes(80, 20)]) {
    const before = bytesRead(client.pid);
    act();
    await waitUntil(
      'the client has sent it',
      () => bytesRead(client.pid) > before && readProcess(client.pid)?.state === 'S',
    );
  }
  await pauses(client.pid);
  process.kill(monitor.pid, 'SIGCONT');
  await waitUntil('the monitor has ended', () => readProcess(monitor.pid)?.state === 'Z');
  process.kill(client.pid, 'SIGCONT');
  // what was typed may have been shown before
  assert.match(await person.sees(/code \d+$/m), /code 5$/m);
});

test('killing run -it kills its container, whatever PID namespace that has', async () => {
  for (const flags of ['', '--no-init', '--pid host']) {
    person.types(`clear; foster run --rm -it ${flags} busybox sh -c 'echo u""p; exec sleep 1000'`);
    await person.sees(/^up$/m);
    await waitForProcess('sleep'); // what is on the screen may be of the last one
    const { pid } = await waitForProcess('foster-attach');
    process.kill(pid, 'SIGKILL');
    await person.seesPrompt();
    await waitForNoProcess('sleep');
    await waitForNoProcess('foster-monitor');
  }
});

test('other detach keys, and none', async () => {
  shell('keys');
  await attaches(person, 'keys', '--detach-keys ctrl-a,d');
  person.presses('C-a', 'd');
  await person.sees(/detached\ncode 0/);
  person.types(
    'clear; foster run -it --name run --restart on-failure --detach-keys ctrl-x,x busybox; echo "code $?"',
  );
  await containers.waitFor('run', 'running'); // now the screen has been cleared
  await person.sees('/ #');
  person.presses('C-x', 'x');
  await person.sees(/detached\ncode 0/);
  containers.ok('stop', '-t', '0', 'run');
  person.types('clear; foster start -ai --detach-keys ctrl-x,x run; echo "code $?"');
  await containers.waitFor('run', 'running');
  await person.sees('/ #');
  person.presses('C-x', 'x');
  await person.sees(/detached\ncode 0/);
  assert.equal(containers.status('run'), 'running');
  assert.equal(home.foster(['attach', '--detach-keys', 'ctrl-', 'keys']).status, 125);
});

test('the size of the window, at the start and when it changes', async () => {
  shell('sized');
  await attaches(person, 'sized');
  person.types('stty size');
  await person.sees(/^30 100$/m);
  person.types('clear; until [ "$(stty size)" = "20 90" ]; do sleep 0.1; done; stty size');
  person.resizes(90, 20);
  await person.sees(/^20 90$/m);
});

test('two clients see the same and can both type', async () => {
  shell('shared');
  const other = new Tmux(home);
  try {
    await attaches(person, 'shared');
    await attaches(other, 'shared');
    person.types('a=from-one; echo s""et');
    await other.sees(/^set$/m); // else who types last may be heard first
    other.types('echo $a-and-two');
    await person.sees(/^from-one-and-two$/m);
    await other.sees(/^from-one-and-two$/m);
    other.types('exit 4');
    await person.sees(/^code 4$/m);
    await other.sees(/^code 4$/m);
  } finally {
    other.leaves();
  }
});

test('the end of the terminal ends attach, and nothing else', async () => {
  shell('survivor');
  await attaches(person, 'survivor');
  person.types('trap "echo hangup > /hangup" HUP');
  person.leaves();
  await waitForNoProcess('foster-attach');
  // What the monitor has heard of the end, it has passed on before the shell gets this.
  person = new Tmux(home);
  await attaches(person, 'survivor');
  person.types('echo still $((40 + 2))');
  await person.sees(/^still 42$/m);
  assert.equal(home.foster(['exec', 'survivor', 'cat', '/hangup']).status, 1);
});

test('the end of the terminal where the container was started does not end it', async () => {
  const script = 'trap "echo hangup" HUP; trap "echo asked" USR1; echo ready; while :; do sleep 0.1; done';
  person.types(`foster run -d --name bg busybox sh -c '${script}'`);
  await person.sees(/^[0-9a-f]{64}$/m);
  await containers.logs('bg', 'ready');
  person.leaves();
  await waitForNoProcess('bash');
  // A SIGHUP would have come to the monitor before this signal, and would be passed on before it.
  process.kill(containers.monitor('bg'), 'SIGUSR1');
  assert.equal(await containers.logs('bg', 'asked'), 'ready\nasked\n');
});

test('Ctrl-C reaches the command: through its terminal, or as a signal', async () => {
  shell('busy');
  await attaches(person, 'busy');
  person.types('sleep 1000');
  await waitForProcess('sleep');
  person.presses('C-c');
  await waitForNoProcess('sleep');
  person.types('echo still $((40 + 2))');
  await person.sees(/^still 42$/m);
  person.presses('C-p', 'C-q');
  await person.sees(/detached/);
  containers.detach('plain', 'sleep 1000 & sleep 1001; echo interrupted');
  person.types('clear; foster attach plain; echo "code $?"');
  await person.runs('foster-attach');
  await waitUntil('both sleep', () => descendants().filter(({ name }) => name === 'sleep').length === 2);
  person.presses('C-c');
  await person.sees(/code 130$/m);
});

test('Ctrl-Z stops only attach, and fg continues it', async () => {
  containers.detach('ticking', 'i=0; while :; do i=$((i + 1)); echo tick $i; sleep 0.2; done');
  person.types('foster attach ticking');
  await person.sees(/^tick \d+$/m);
  person.presses('C-z');
  await person.sees(/Stopped .*foster attach/);
  const before = containers.log('ticking').length;
  await waitUntil('the container goes on', () => containers.log('ticking').length > before);
  person.types('clear; fg');
  await person.sees(/^tick \d+\ntick \d+$/m);
  assert.equal(containers.status('ticking'), 'running');
});

test('start -ai reattaches to a shell', async () => {
  person.types('foster create -it --name back busybox; foster start -ai back; echo "code $?"');
  await person.sees('/ #');
  person.types('echo kept > /file; exit 3');
  await person.sees(/^code 3$/m);
  person.types('clear; foster start -ai back; echo "code $?"');
  await containers.waitFor('back', 'running'); // now the screen has been cleared
  await person.sees('/ #');
  person.types('cat /file; exit 5');
  await person.sees(/^kept$/m);
  // what was typed may have been shown before
  assert.match(await person.sees(/code \d+$/m), /code 5$/m);
});

test('run -d -t without -i: a terminal in the log, without input', async () => {
  containers.detach('shown', 'test -t 1 && echo "a terminal"; sleep 1000', ['-t']);
  assert.equal(await containers.logs('shown', 'terminal'), 'a terminal\r\n');
  person.types('foster attach shown; echo "code $?"');
  await person.runs('foster-attach');
  person.presses('C-c'); // by signal, since our terminal is no part of it
  await person.sees(/code 130$/m);
});

test('attaching to a container in the foreground: output, input, signals, exit code', async () => {
  const other = new Tmux(home);
  other.types(
    'foster run --name front -i busybox sh -c \'while read line; do echo "<$line>"; done; exit 4\'; echo $?',
  );
  await containers.waitFor('front', 'running');
  person.types('clear; foster attach front; echo "code $?"');
  await person.runs('foster-attach');
  other.types('one');
  await person.sees(/^<one>$/m);
  person.types('two');
  await other.sees(/^<two>$/m);
  other.presses('C-d');
  await person.sees(/^code 4$/m);
  await other.sees(/^4$/m);
  other.types('clear; foster run --rm -it --name front-it busybox sh');
  await other.sees('/ #');
  person.types('clear; foster attach front-it; echo "code $?"');
  await person.runs('foster-attach');
  person.types('echo $((6 * 7))');
  await person.sees(/^42$/m);
  await other.sees(/^42$/m);
  person.presses('C-p', 'C-q');
  await person.sees(/detached\ncode 0/);
  other.types('exit');
  await other.seesPrompt();
  other.leaves();
});

test('killing an attached client does not affect the container', async () => {
  shell('left');
  await attaches(person, 'left');
  const client = await person.runs('foster-attach');
  process.kill(client.pid, 'SIGKILL');
  await person.seesPrompt();
  await attaches(person, 'left'); // the monitor has seen by then that the first one is gone
  assert.equal(containers.status('left'), 'running');
  assert.equal(containers.ok('exec', 'left', 'echo', 'well'), 'well\n');
});
