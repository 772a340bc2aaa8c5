import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Home } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** Events of networks, when containers are started, connected, disconnected and stopped: Docker's. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';

function must(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(args);
  assert.deepEqual([stderr, status], ['', 0], args.join(' '));
  return stdout;
}

interface Event {
  Type: string;
  Action: string;
  Actor: { Attributes: Record<string, string> };
}

/** What has happened since the last call: actions, of networks with their attributes. */
function events(): string[] {
  const all = must('events', '--since', '1', '--until', '0s', '--format', 'json').trimEnd().split('\n');
  const fresh = all.slice(seen).map((line) => JSON.parse(line) as Event);
  seen = all.length;
  return fresh.map(({ Type, Action, Actor: { Attributes } }) =>
    Type === 'network'
      ? `${Action} ${Attributes.name} ${Attributes.type} ${Attributes.container ?? ''}`.trimEnd()
      : Action,
  );
}
let seen = 0;

test('a start connects, an end disconnects, and so does each restart', async () => {
  must('network', 'create', 'shop');
  assert.deepEqual(events(), ['create shop bridge']);
  const id = must(
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'shop',
    '--network',
    'bridge',
    'busybox',
    'sleep',
    '1000',
  ).trim();
  const connected = [`connect shop bridge ${id}`, `connect bridge bridge ${id}`];
  const disconnected = [`disconnect shop bridge ${id}`, `disconnect bridge bridge ${id}`];
  assert.deepEqual(events(), ['create', ...connected, 'start']);
  must('kill', 'web');
  must('wait', 'web');
  assert.deepEqual(events(), ['kill', 'die', ...disconnected]);
  must('start', 'web');
  must('network', 'disconnect', 'bridge', 'web');
  must('rm', '-f', '-t', '0', 'web');
  assert.deepEqual(
    events().filter((line) => line.includes('connect')),
    [...connected, `disconnect bridge bridge ${id}`, `disconnect shop bridge ${id}`],
  );
});

test('a container is connected when it runs, and not before', async () => {
  const id = must(
    'create',
    '--name',
    'web',
    'busybox',
    'sh',
    '-c',
    'until [ -e /go ]; do sleep 0.1; done',
  ).trim();
  must('network', 'connect', 'shop', 'web');
  must('network', 'disconnect', 'bridge', 'web');
  assert.deepEqual(events(), ['create']);
  must('start', 'web');
  must('network', 'connect', 'bridge', 'web');
  must('exec', 'web', 'touch', '/go');
  must('wait', 'web');
  assert.deepEqual(
    events().filter((line) => line.includes('connect')),
    ['connect shop', 'connect bridge', 'disconnect shop', 'disconnect bridge'].map(
      (line) => `${line} bridge ${id}`,
    ),
  );
  must('rm', 'web');
});

test('one without networks has no such events, nor one in the foreground but its own', async () => {
  events();
  must('run', '--rm', '--network', 'none', 'busybox', 'true');
  assert.equal(events().filter((line) => line.includes('connect')).length, 0);
  must('run', '--rm', 'busybox', 'true');
  const own = events().map((line) => line.replace(/[0-9a-f]{64}$/, 'ID'));
  assert.deepEqual(own, [
    'create',
    'connect bridge bridge ID',
    'start',
    'die',
    'disconnect bridge bridge ID',
    'destroy',
  ]);
  must('run', '-d', '--name', 'again', '--restart', 'on-failure:2', 'busybox', 'false');
  await waitUntil('it has ended', () => must('inspect', '-f', '{{.State.Status}}', 'again') === 'exited\n');
  assert.equal(events().filter((line) => line.startsWith('connect')).length, 3);
  must('rm', 'again');
  await home.assertNothingLeft();
});
