import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { ComposeProject } from './support/compose.js';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** `up` in the foreground: logs, Ctrl-C, exit codes; and what waits for conditions. */
const home = new Home();
const containers = new Containers(home);
after(() => containers.removeAll());
afterEach(() => containers.removeAll());

const NONE = 'network_mode: none';

/** A service that says so when it begins and when it is asked to end. */
const talker = (name: string, more = '') =>
  `  ${name}: {image: busybox, ${NONE}, command: ["sh", "-c", "trap 'echo ${name} ends; exit 0' TERM; echo ${name} begins; while :; do sleep 0.1; done"]${more}}\n`;

test('up prints the logs with prefixes; Ctrl-C stops everything in the reverse order of dependencies', async () => {
  const app = new ComposeProject(home, 'talk', {
    'compose.yaml': `services:\n${talker('web', ', depends_on: [db]')}${talker('db')}${talker('quiet', ', attach: false')}`,
  });
  const up = app.begin(['up']);
  await up.says('db-1   | db begins\n');
  await up.says('web-1  | web begins\n');
  await waitUntil('everything has started', () => up.stderr.includes('talk-quiet-1  Started'));
  up.signal('SIGINT');
  const { status, stdout, stderr } = await up.ended;
  assert.equal(status, 130, stderr);
  assert.match(stderr, /Gracefully stopping\.\.\. \(press Ctrl\+C again to force\)\n/);
  assert.match(
    stdout,
    /web-1 {2}\| web ends\nweb-1 exited with code 0\n[\s\S]*db-1 {3}\| db ends\ndb-1 exited with code 0\n/,
  );
  assert.doesNotMatch(stdout, /quiet/);
  assert.deepEqual(app.states(), { 'talk-db-1': 'exited', 'talk-quiet-1': 'exited', 'talk-web-1': 'exited' });
});

test('a second Ctrl-C kills what does not end', async () => {
  const app = new ComposeProject(home, 'deaf', {
    'compose.yaml': `services: {deaf: {image: busybox, ${NONE}, stop_grace_period: 1h, command: ["sh", "-c", "trap : TERM; echo begins; while :; do sleep 0.1; done"]}}\n`,
  });
  const up = app.begin(['up', '--no-log-prefix']);
  await up.says('begins\n');
  await waitUntil('it has started', () => up.stderr.includes('deaf-deaf-1  Started'));
  up.signal('SIGINT');
  await waitUntil('it is asked to end', () => up.stderr.includes('Gracefully'));
  up.signal('SIGINT');
  const { status, stdout } = await up.ended;
  assert.equal(status, 130);
  assert.equal(stdout, 'begins\ndeaf-1 exited with code 137\n');
});

test('--exit-code-from and --abort-on-container-exit stop the others, and return the exit code', async () => {
  const app = new ComposeProject(home, 'tests', {
    'compose.yaml': `services:
  tests: {image: busybox, ${NONE}, command: ["sh", "-c", "echo testing; exit 7"], depends_on: {setup: {condition: service_completed_successfully}}}
  setup: {image: busybox, ${NONE}, command: echo set up}
  server: {image: busybox, ${NONE}, command: sleep 1000}
`,
  });
  const first = await app.begin(['up', '--exit-code-from', 'tests', '--no-color']).ended;
  assert.equal(first.status, 7, first.stderr);
  assert.match(first.stdout, /setup-1 +\| set up\n[\s\S]*tests-1 +\| testing\n/);
  assert.deepEqual(app.states(), {
    'tests-server-1': 'exited',
    'tests-setup-1': 'exited',
    'tests-tests-1': 'exited',
  });
  const second = await app.begin(['up', '--abort-on-container-failure', '--attach', 'tests']).ended;
  assert.equal(second.status, 7);
  assert.doesNotMatch(second.stdout, /set up/);
});

test('--exit-code-from returns the exit code of its service when another one ends, even while all start', async () => {
  const app = new ComposeProject(home, 'crashed', {
    'compose.yaml': `services:
  db: {image: busybox, ${NONE}, command: ["sh", "-c", "exit 3"]}
  slow: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "true", interval: 100ms}}
  tests: {image: busybox, ${NONE}, command: sleep 30, depends_on: {slow: {condition: service_healthy}}}
`,
  });
  const cases: [flags: string[], status: number][] = [
    [['--exit-code-from', 'tests'], 143],
    [['--exit-code-from', 'tests', '--abort-on-container-failure'], 143],
    [['--abort-on-container-exit'], 3],
  ];
  for (const [flags, status] of cases) {
    const up = await app.begin(['up', ...flags]).ended;
    assert.equal(up.status, status, `${flags.join(' ')}: ${up.stderr}`);
    assert.deepEqual(app.states(), {
      'crashed-db-1': 'exited',
      'crashed-slow-1': 'exited',
      'crashed-tests-1': 'exited',
    });
  }
});

test('without --abort, up ends when everything has ended', async () => {
  const app = new ComposeProject(home, 'ends', {
    'compose.yaml': `services: {a: {image: busybox, ${NONE}, command: echo one}, b: {image: busybox, ${NONE}, command: "false"}}\n`,
  });
  const { status, stdout } = await app.begin(['up']).ended;
  assert.equal(status, 0);
  assert.match(stdout, /a-1 exited with code 0\n/);
  assert.match(stdout, /b-1 exited with code 1\n/);
  assert.equal(app.run(['wait', 'b']).status, 1);
  const logs = app.ok('logs', '-t', 'a');
  assert.match(logs, /^a-1 {2}\| \d{4}-\d\d-\d\dT[\d:.]+Z one\n/);
});

test('an interrupt while everything starts removes what was made', async () => {
  const app = new ComposeProject(home, 'slow', {
    'compose.yaml': `services:
  db: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "false", interval: 1s, retries: 1000}}
  web: {image: busybox, ${NONE}, command: sleep 1000, depends_on: {db: {condition: service_healthy}}, volumes: ["data:/data"]}
volumes: {data: {}}
`,
  });
  const up = app.begin(['up', '-d']);
  await waitUntil('it waits', () => up.stderr.includes('slow-db-1  Waiting'));
  up.signal('SIGINT');
  assert.equal((await up.ended).status, 130);
  assert.deepEqual(app.states(), {});
  assert.equal(containers.ok('volume', 'ls', '-q'), '');
});

test('conditions that are never met, and --wait', () => {
  const app = new ComposeProject(home, 'conditions', {});
  const failing = (fields: string, condition: string) => {
    app.write({
      'compose.yaml': `services:
  db: {image: busybox, ${NONE}, ${fields}}
  web: {image: busybox, ${NONE}, command: sleep 1000, depends_on: {db: {condition: ${condition}}}}
`,
    });
    const { status, stderr } = app.run(['up', '-d']);
    assert.equal(status, 1, stderr);
    assert.deepEqual(app.states(), {}, 'nothing is left');
    return stderr;
  };
  const check = 'healthcheck: {test: ["CMD", "false"], interval: 100ms, retries: 2}';
  assert.match(
    failing(`command: sleep 1000, ${check}`, 'service_healthy'),
    /because container conditions-db-1 is unhealthy; see foster logs/,
  );
  assert.match(failing(`command: "false", ${check}`, 'service_healthy'), /has ended with exit code 1/);
  assert.match(failing('command: "false"', 'service_completed_successfully'), /has ended with exit code 1/);
  assert.match(
    failing('command: sleep 1000', 'service_healthy'),
    /is to be healthy, but it has no health check; add a healthcheck/,
  );
  app.write({
    'compose.yaml': `services:
  job: {image: busybox, ${NONE}, command: "true"}
  db: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "test -e /tmp/ready", interval: 100ms, retries: 1000}, post_start: [{command: [touch, /tmp/ready]}]}
  web: {image: busybox, ${NONE}, command: sleep 1000, depends_on: {job: {condition: service_completed_successfully}, none: {condition: service_started, required: false}}}
`,
  });
  const ready = app.run(['up', '--wait', '--wait-timeout', '1000']);
  assert.equal(ready.status, 0, ready.stderr);
  assert.match(ready.stderr, / Container conditions-db-1 {2}Healthy\n/);
  app.write({
    'compose.yaml': `services: {db: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "false", interval: 1h}}}\n`,
  });
  assert.match(
    app.run(['up', '--wait', '--wait-timeout', '1']).stderr,
    /container conditions-db-1 is not ready in time/,
  );
});

/** A service that is healthy when it has a file, and one that waits for that. */
const patient = (healthy: string) => `services:
  db: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "${healthy}", interval: 100ms, retries: 1000}}
  web: {image: busybox, ${NONE}, command: sleep 1000, depends_on: {db: {condition: service_healthy}}, deploy: {restart_policy: {condition: any}}}
`;

test('run waits until what its service needs is healthy, and is not restarted', async () => {
  const app = new ComposeProject(home, 'once', { 'compose.yaml': patient('test -e /tmp/ready') });
  const run = app.begin(['run', '--rm', '-T', 'web', 'echo', 'it runs']);
  await waitUntil('it waits', () => run.stderr.includes('once-db-1  Waiting'));
  assert.equal(run.stdout, '');
  app.ok('exec', '-T', 'db', 'touch', '/tmp/ready');
  const { status, stdout, stderr } = await run.ended;
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'it runs\n');
  assert.match(stderr, / Container once-db-1 {2}Healthy\n/);
});

test('start starts what a service needs; restart and up do not wait for what nobody starts', () => {
  const app = new ComposeProject(home, 'needy', { 'compose.yaml': patient('true') });
  app.ok('create');
  app.ok('start', 'web');
  assert.deepEqual(app.states(), { 'needy-db-1': 'running', 'needy-web-1': 'running' });
  app.ok('stop', '-t', '0', 'db');
  app.ok('restart', '-t', '0', 'web');
  assert.deepEqual(app.states(), { 'needy-db-1': 'exited', 'needy-web-1': 'running' });
  app.ok('up', '-d', '--scale', 'db=2');
  app.ok('stop', '-t', '0', 'web');
  app.ok('up', '-d');
  assert.deepEqual(app.states(), { 'needy-db-1': 'running', 'needy-web-1': 'running' }, 'one is gone');
});

test('restarts and health checks go on without a process of Node', async () => {
  const app = new ComposeProject(home, 'alone', {
    'compose.yaml': `services:
  web:
    image: busybox
    ${NONE}
    command: ["sh", "-c", "echo run; sleep 0.2; exit 1"]
    restart: on-failure:2
  db: {image: busybox, ${NONE}, command: sleep 1000, healthcheck: {test: "true", interval: 100ms}}
`,
  });
  app.ok('up', '-d');
  assert.deepEqual(
    descendants().filter(({ name }) => name === 'node'),
    [],
  );
  await containers.waitFor('alone-web-1', 'exited');
  assert.equal(app.ok('logs', '--no-log-prefix', 'web'), 'run\nrun\nrun\n');
  await waitUntil('it is healthy', () => app.containers().get('alone-db-1')?.health === 'healthy');
});
