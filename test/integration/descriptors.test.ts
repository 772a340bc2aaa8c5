import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
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
  const [init] = descendants(foster.pid).filter(({ name }) => name === 'foster-init');
  assert.ok(init !== undefined);
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
  const weak = weakened(home, 'open', [{ file: 'plan.c', line: '  sys_close_range(FD_CONTROL + 1);\n' }]);
  const all = await descriptorsOf(weak, volume);
  const paths = all.filter((each) => !isAllowed(each)).map(({ target }) => target);
  assert.ok(
    paths.some((path) => path.includes(home.folder)),
    paths.join('\n'),
  );
  await home.assertNothingLeft();
});
