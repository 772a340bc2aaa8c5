import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { descriptorsOf } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

const home = new Home();
const FILE = join(home.folder, 'data', 'foster', 'events');

/** `foster events` at work, once it has begun to look. */
async function watch(...args: string[]) {
  const child = spawn(FOSTER, ['events', ...args], { env: home.env, stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill());
  const state = { child, stdout: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    state.stdout += text;
  });
  const inotify = () => descriptorsOf(child.pid ?? 0).some((one) => one.endsWith('inotify'));
  await waitUntil('foster events looks', inotify);
  return state;
}

test('the life of a container, as it happens', async () => {
  const state = await watch('-f', 'container=life', '--format', '{{.Action}}');
  home.foster(['run', '-d', '--name', 'life', 'busybox', 'sleep', '1000']);
  home.foster(['pause', 'life']);
  home.foster(['unpause', 'life']);
  home.foster(['stop', '-t', '0', 'life']);
  home.foster(['rm', 'life']);
  await waitUntil('it is destroyed', () => state.stdout.includes('destroy'));
  const actions = state.stdout.split('\n').filter(Boolean);
  for (const action of ['create', 'start', 'pause', 'unpause', 'die', 'stop', 'destroy']) {
    assert.equal(actions.filter((each) => each === action).length, 1, `${action} in ${actions}`);
  }
  assert.ok(actions.indexOf('create') < actions.indexOf('start'));
  assert.ok(actions.indexOf('start') < actions.indexOf('die'));
  assert.ok(actions.indexOf('die') < actions.indexOf('destroy'));
});

test('past events have image and labels, also for removed containers', () => {
  home.foster(['run', '-d', '--name', 'past', '--label', 'role=front end', 'busybox', 'sh', '-c', 'exit 3']);
  home.foster(['wait', 'past']);
  home.foster(['rm', 'past']);
  const { status, stdout } = home.foster([
    'events',
    '--since',
    '1h',
    '--until',
    '0s',
    '-f',
    'label=role=front end',
  ]);
  assert.equal(status, 0);
  const [create = '', , die = ''] = stdout.split('\n');
  assert.match(create, /^\S+Z container create [0-9a-f]{64} \(image=busybox, name=past, role=front end\)$/);
  assert.match(die, /container die [0-9a-f]{64} \(exitCode=3, image=busybox, name=past, role=front end\)$/);
  assert.equal(home.foster(['events', '--until', '1h']).stdout, '', 'nothing happened an hour ago');
  // Podman's word for event=
  const died = home.foster(['events', '--stream=false', '-f', 'status=died', '-f', 'container=past']).stdout;
  assert.match(died, /^\S+Z container die [^\n]*\n$/);
});

test('orphans', async () => {
  const state = await watch('-f', 'event=adopt', '-f', 'event=reap');
  home.foster(['run', '-d', '--name', 'orphans', 'busybox', 'sh', '-c', '(sleep 0.2 &); sleep 1000']);
  after(() => home.foster(['rm', '-f', 'orphans']));
  await waitUntil('the orphan is reaped', () => state.stdout.includes(' reap '));
  assert.match(state.stdout, / container adopt .*name=orphans/);
});

test('the file does not grow without limit, and readers miss nothing', async () => {
  const id = 'c0'.repeat(32);
  const line = (number: number) => `${Date.now()} exec ${id} filler n=${number} x=${'y'.repeat(150)}\n`;
  const state = await watch('-f', 'container=filler', '--format', '{{.Actor.Attributes.n}}');
  for (let number = 0; number < 20_000; number += 100) {
    appendFileSync(FILE, Array.from({ length: 100 }, (_, index) => line(number + index)).join(''));
  }
  assert.ok(statSync(FILE).size > 4 * 1024 * 1024);
  home.foster(['create', '--name', 'trigger', 'busybox', 'true']);
  assert.ok(statSync(FILE).size < 1024 * 1024, 'it was emptied');
  appendFileSync(FILE, line(20_000));
  await waitUntil('the last one is seen', () => state.stdout.endsWith('\n20000\n'));
  assert.deepEqual(
    state.stdout.split('\n').filter(Boolean).map(Number),
    Array.from({ length: 20_001 }, (_, index) => index),
  );
  const { stdout } = home.foster(['events', '--since', '1h', '--until', '0s', '-f', 'container=filler']);
  assert.equal(stdout.split('\n').length, 20_002, 'the emptied part is still known');
  home.foster(['rm', 'trigger']);
});

test('no command fails because the file cannot be written', () => {
  writeFileSync(`${FILE}.keep`, '');
  const other = { XDG_DATA_HOME: join(home.folder, 'other') };
  assert.equal(home.run(['--rm', 'busybox', 'true'], { env: other }).status, 0);
});

test('a line for which there is no room is not there at all, and spoils no other one', async () => {
  const last = () => readFileSync(FILE, 'utf8').slice(-200);
  const until = 'until [ -e /shared/go ]; do sleep 0.1; done';
  const flags = ['-d', '--network', 'none', '-v', `${home.shared}:/shared`, '--name', 'cut'];
  home.run([...flags, 'busybox', 'sh', '-c', until]);
  // no other file that is written is as long
  const padding = `${Date.now()} exec ${'0'.repeat(64)} padding command=x\n`;
  appendFileSync(FILE, padding.repeat(Math.ceil((3 << 20) / padding.length)));
  const limit = () => `--fsize=${statSync(FILE).size + 20}`;
  for (const env of [{ FOSTER_NO_FRONT: '1' }, {}]) {
    const { size } = statSync(FILE);
    const command = ['--', FOSTER, 'kill', '-s', 'CONT', 'cut'];
    const { status, signal } = spawnSync('prlimit', [limit(), ...command], { env: { ...home.env, ...env } });
    assert.deepEqual([status, signal], [0, null]);
    assert.equal(statSync(FILE).size, size, last());
  }
  assert.equal(home.foster(['kill', '-s', 'CONT', 'cut']).status, 0);
  assert.match(last(), /\n\d+ kill [0-9a-f]{64} cut \S+ signal=18\n$/);

  const { size } = statSync(FILE);
  const [monitor] = readFileSync(join(home.folder, 'data/foster/names/cut/live'), 'utf8').split(' ').slice(2);
  assert.equal(spawnSync('prlimit', ['--pid', monitor ?? '', limit()]).status, 0);
  writeFileSync(join(home.shared, 'go'), '');
  assert.equal(home.foster(['wait', 'cut']).stdout, '0\n');
  assert.equal(statSync(FILE).size, size, last());
});

test('nothing is left behind', async () => {
  for (const name of home.foster(['ps', '-aq']).stdout.split('\n').filter(Boolean))
    home.foster(['rm', '-f', name]);
});
