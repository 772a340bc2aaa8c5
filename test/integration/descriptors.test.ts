import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOSTER, Home } from './support/foster.js';
import { compile } from './support/probe.js';
import { descendants, readProcess } from './support/processes.js';
import { waitUntil } from './support/wait.js';
import { weakened } from './support/weakened.js';

/** What PID 1 and PID 2 of a container have open, at every system call from the moment when there are two of them. */
const home = new Home();
const watcher = compile(home, 'descriptors');
const FIRST_POINT = 'PID 1 started';

interface Descriptor {
  who: 1 | 2;
  fd: number;
  target: string;
  device: string;
}

/** Which of foster's fault points is the one where PID 1 has been started and waits. */
function faultPointOf(flags: string[]): number {
  const { stderr } = home.run(['--rm', ...flags, 'busybox', 'true'], { env: { FOSTER_FAULT: 'count' } });
  const found = new RegExp(`^fault point (\\d+): ${FIRST_POINT}$`, 'm').exec(stderr);
  assert.ok(found !== null, stderr);
  return Number(found[1]);
}

function started(command: string, args: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece) => {
      text += piece;
    });
  }
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return { pid: child.pid ?? 0, said: () => text, ended };
}

/** All that the two have open on the way to the user's program. */
async function descriptorsOf(command: string, flags: string[]): Promise<Descriptor[]> {
  const point = `stop:${faultPointOf(flags)}`;
  const foster = started(command, ['run', '--rm', ...flags, 'busybox', 'true'], {
    ...home.env,
    FOSTER_FAULT: point,
  });
  await waitUntil('foster has started PID 1', () => readProcess(foster.pid)?.state === 'T');
  const init = await waitUntil('PID 1 has been executed', () =>
    descendants(foster.pid).find(({ name }) => name === 'foster-init'),
  );
  const watching = started(watcher, [String(init.pid)], home.env);
  await waitUntil('PID 1 is watched', () => watching.said().includes('watching'));
  process.kill(foster.pid, 'SIGCONT');
  assert.equal(await watching.ended, 0, watching.said());
  assert.equal(await foster.ended, 0, foster.said());
  assert.match(watching.said(), /^executed after [1-9]\d+ stops$/m); // PID 2 was watched until its program ran
  return [...watching.said().matchAll(/^([12]) (\d+) (.+) (\d+:\d+)$/gm)].map(
    ([, who, fd, target = '', device = '']) => ({ who: who === '1' ? 1 : 2, fd: Number(fd), target, device }),
  );
}

const hostProc = statSync('/proc').dev;

/** The container's own /proc, by which PID 1 knows its children, is the one file system that may be open. */
function isAllowed({ target, device }: Descriptor): boolean {
  if (/^(socket:|pipe:|\/dev\/null$)/.test(target)) return true;
  const [major, minor] = device.split(':').map(Number);
  const isHosts = ((major ?? 0) << 8) + (minor ?? 0) === hostProc;
  return !isHosts && /^\/proc(\/1\/task\/1\/children)?$/.test(target);
}

const volume = ['-v', `${home.shared}:/shared`];
for (const flags of [
  [],
  volume,
  ['--init-verbose', ...volume],
  ['--privileged', '-w', '/new/folder', ...volume],
]) {
  test(`when PID 2 starts, no file of the host is open in the container: run ${flags.join(' ')}`, async () => {
    const all = await descriptorsOf(FOSTER, flags);
    assert.deepEqual(
      all.filter((each) => !isAllowed(each)),
      [],
    );
    assert.ok(all.some(({ who, target }) => who === 2 && target.startsWith('socket:')));
  });
}

test('the test above would notice: it finds the folders of the host in a foster-init that does not close them', async () => {
  const weak = weakened(home, 'open', [
    { file: 'plan.c', line: '  close_all_but_kept(plan, FD_CONTROL + 1);\n' },
  ]);
  const all = await descriptorsOf(weak, volume);
  const paths = all.filter((each) => !isAllowed(each)).map(({ target }) => target);
  assert.ok(
    paths.some((path) => path.includes(home.folder)),
    paths.join('\n'),
  );
  await home.assertNothingLeft();
});

/** Lists what the shell has open, without the directory that it lists: that is closed by then. */
const LIST = 'for one in /proc/$$/fd/*; do [ ! -L $one ] || echo $(basename $one) $(readlink $one); done';

/** Runs foster with descriptors 3 and 4, which are a file and a pipe, and 5, which is not to be passed on. */
function withDescriptors(args: string[]) {
  const file = join(home.folder, 'given');
  writeFileSync(file, 'given\n');
  const fd = openSync(file, 'r');
  const { status, stdout, stderr, output } = spawnSync(FOSTER, args, {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe', fd, 'pipe', openSync(home.folder, 'r')],
    encoding: 'utf8',
  });
  return { status, stdout, stderr, written: output[4] };
}

test('--preserve-fds passes on what it names, and nothing else', async () => {
  const script = `cat <&3; echo written >&4; ${LIST}`;
  const start = ['run', '-d', '--name', 'kept', 'busybox', 'sleep', '1000'];
  assert.equal(home.foster(start).status, 0);
  for (const flags of [
    ['run', '--rm', '--preserve-fds', '2', 'busybox'],
    ['run', '--rm', '--preserve-fds', '2', '--no-init', 'busybox'],
    ['run', '--rm', '--preserve-fds', '2', '--ulimit', 'nofile=30:30', '--init-verbose', 'busybox'],
    ['run', '--rm', '--preserve-fds', '2', '--network', 'none', '-t', 'busybox'],
    ['exec', '--preserve-fds', '2', 'kept'],
    ['exec', '--preserve-fds', '2', '-u', '7', '-t', 'kept'],
  ]) {
    const what = flags.join(' ');
    const { status, stdout, stderr, written } = withDescriptors([...flags, 'sh', '-c', script]);
    assert.equal(status, 0, `${what}: ${stderr}`);
    const [first, ...lines] = stdout.replaceAll('\r', '').trim().split('\n');
    assert.equal(first, 'given', what);
    assert.equal(written, 'written\n', what); // and its end was seen: nobody else has the other end
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      ['0', '1', '2', '3', '4'],
      `${what}: ${stdout}`,
    );
    assert.match(lines[3] ?? '', /given$/);
    assert.match(lines[4] ?? '', /socket:|pipe:/);
  }
  assert.equal(home.foster(['rm', '-f', 'kept']).status, 0);
});

test('--preserve-fds in the background: the program has them at its first start only', async () => {
  const script = `cat <&3; echo written >&4; ${LIST}`;
  const { status, stderr, written } = withDescriptors([
    'run',
    '-d',
    '--name',
    'kept',
    '--preserve-fds',
    '2',
    'busybox',
    'sh',
    '-c',
    script,
  ]);
  assert.equal(status, 0, stderr);
  assert.equal(written, 'written\n');
  assert.equal(home.foster(['wait', 'kept']).stdout, '0\n');
  assert.match(home.foster(['logs', 'kept']).stdout, /^given\n0 .*\n1 .*\n2 .*\n3 .*given\n4 \S+\n$/);
  assert.match(withDescriptors(['start', '-a', 'kept']).stdout, /^0 .*\n1 .*\n2 .*\n$/);
  home.foster(['rm', '-f', 'kept']);
  await home.assertNothingLeft();
});

test('--preserve-fds refuses descriptors that are not open, and more than it can pass on', () => {
  const run = (...flags: string[]) => home.run([...flags, 'busybox', 'true']);
  assert.match(
    run('--preserve-fds', '1').stderr,
    /^foster: --preserve-fds 1: descriptor 3 is not open; open all/,
  );
  const four = withDescriptors(['run', '--rm', '--preserve-fds', '4', 'busybox', 'true']);
  assert.match(four.stderr, /descriptor 6 is not open; open all from 3 to 6: /);
  assert.match(run('--preserve-fds', '65').stderr, /expected a number up to 64/);
  assert.match(
    run('--preserve-fds', '1', '--restart', 'always').stderr,
    /--preserve-fds and --restart cannot/,
  );
});
