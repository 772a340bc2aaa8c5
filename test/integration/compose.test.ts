// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Compose files
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ComposeProject } from './support/compose.js';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { fetched } from './support/http.js';
import { freePorts } from './support/ports.js';
import { waitUntil } from './support/wait.js';

/** Projects as people run them: up, what is unchanged, what changes, and everything that looks at and ends them. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
after(() => containers.removeAll());
const port = await freePorts();

const APP = `
services:
  db:
    image: busybox
    command: sh -c 'echo ready > /data/ready; echo db is up; exec sleep 1000'
    volumes: [data:/data, /anonymous]
    healthcheck: {test: ["CMD", "test", "-e", "/data/ready"], interval: 200ms, retries: 1000}
    stop_grace_period: 1s
  migrate:
    image: busybox
    command: ["sh", "-c", "ping -c 1 -W 30 db && echo migrated"]
    depends_on: {db: {condition: service_healthy}}
  web:
    image: busybox
    command: httpd -f -p 80 -h /srv
    init: true
    depends_on: {migrate: {condition: service_completed_successfully}}
    ports: ["127.0.0.1:\${PORT}:80"]
    environment: {GREETING: "\${GREETING:-hello}"}
    env_file: web.env
    configs: [{source: page, target: /srv/index.html, mode: 0440}]
    secrets: [token, {source: file, target: /run/secrets/other}]
    networks: {default: {aliases: [shop]}, back: {}}
    user: "0"
    labels: {tier: front}
    sysctls: {net.core.somaxconn: "1234"}
    ulimits: {nofile: {soft: 99, hard: 100}}
    tmpfs: /scratch
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    post_start: [{command: ["sh", "-c", "echo started > /tmp/hook"]}]
networks: {back: {internal: true}}
volumes: {data: {labels: {kind: db}}}
configs: {page: {content: "hello from \${COMPOSE_PROJECT_NAME}"}}
secrets: {token: {environment: TOKEN}, file: {file: ./secret.txt}}
`;

const app = new ComposeProject(home, 'app', {
  'compose.yaml': APP,
  'web.env': 'FROM_FILE=a value\n',
  'secret.txt': 'secret of a file',
  '.env': `PORT=${port}\nTOKEN=secret of a variable\n`,
});

test('up: networks, volumes, conditions, environment, secrets and configs', async () => {
  const { status, stderr } = app.run(['up', '-d']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, / Network app_default {2}Created\n/);
  assert.match(
    stderr,
    / Volume app_data {2}Created\n[\s\S]* Container app-db-1 {2}Healthy\n[\s\S]* Container app-web-1 {2}Started\n$/,
  );
  assert.deepEqual(app.states(), {
    'app-db-1': 'running',
    'app-migrate-1': 'exited',
    'app-web-1': 'running',
  });
  assert.equal(await fetched(port), 'hello from app');
  const script = `env; cat /run/secrets/token /run/secrets/other /tmp/hook; stat -c '%a %u' /srv/index.html
ulimit -n; cat /proc/sys/net/core/somaxconn; grep CapEff /proc/self/status; grep -c ' /scratch ' /proc/mounts
nslookup shop > /dev/null && nslookup db > /dev/null && echo names; ls -d /sys/class/net/eth1`;
  const said = app.ok('exec', 'web', 'sh', '-c', script);
  for (const expected of [
    'GREETING=hello\n',
    'FROM_FILE=a value\n',
    'secret of a variablesecret of a filestarted\n440 0\n99\n1234\nCapEff:\t0000000000000400\n1\nnames\n/sys/class/net/eth1\n',
  ])
    assert.ok(said.includes(expected), `${expected} in ${said}`);
  assert.equal(
    containers.inspect('app-web-1', '{{index .Config.Labels "com.docker.compose.service"}}'),
    'web',
  );
  assert.match(containers.ok('network', 'inspect', 'app_back'), /"Internal": true/);
  assert.match(containers.ok('volume', 'inspect', 'app_data'), /"kind": "db"/);
});

test('ps, logs, port, images, top, ls and events show it', () => {
  assert.match(
    app.ok('ps'),
    /^NAME +IMAGE +COMMAND +SERVICE +CREATED +STATUS +PORTS\napp-db-1 [^\n]*\(healthy\)[^\n]*\napp-web-1 [^\n]*->80\/tcp\n$/,
  );
  assert.equal(app.ok('ps', '--services', '--status', 'exited'), 'migrate\n');
  assert.equal(app.ok('ps', '-q', 'web').trim(), app.ids()['app-web-1']);
  assert.equal(app.ok('ps', '--format', '{{.Service}} {{.State}}', 'db'), 'db running\n');
  assert.match(app.ok('logs', 'db', 'migrate'), /^db-1 +\| db is up\n[\s\S]*migrate-1 +\| migrated\n$/);
  assert.equal(app.ok('logs', '--no-log-prefix', '-n', '1', 'db'), 'db is up\n');
  assert.equal(app.ok('port', 'web', '80'), `127.0.0.1:${port}\n`);
  assert.match(app.run(['port', 'web', '81']).stderr, /no port 81\/tcp is published by container app-web-1/);
  assert.match(
    app.ok('images', 'web'),
    /^CONTAINER +REPOSITORY +TAG +PLATFORM +IMAGE ID +SIZE +CREATED\napp-web-1 +busybox/,
  );
  assert.match(app.ok('top', 'web'), /^SERVICE +# +UID [\s\S]*\nweb +1 [\s\S]*httpd -f/);
  assert.match(
    app.ok('ls'),
    /^NAME +STATUS +CONFIG FILES\napp +exited\(1\), running\(2\) +\/.*compose\.yaml\n$/,
  );
  const events = app.ok('events', '--json', '--since', '1h', '--until', '0s', 'migrate').trim().split('\n');
  assert.deepEqual(
    events.map((line) => (JSON.parse(line) as { action: string }).action),
    ['create', 'start', 'die'],
  );
  assert.match(
    app.run(['ps', 'nothing']).stderr,
    /no such service: nothing; the project app has db, migrate, web\n$/,
  );
});

test('what has not changed is left alone; what has changed is made anew, with its volumes', () => {
  const before = app.ids();
  app.ok('up', '-d');
  const again = app.ids();
  assert.deepEqual([again['app-db-1'], again['app-web-1']], [before['app-db-1'], before['app-web-1']]);
  app.ok('exec', 'db', 'sh', '-c', 'echo kept > /data/kept; echo kept > /anonymous/kept');
  app.write({ 'compose.yaml': APP.replace('exec sleep 1000', 'exec sleep 2000') });
  const { stderr } = app.run(['up', '-d', '--dry-run', 'db']);
  assert.match(
    stderr,
    /^(DRY-RUN MODE - {2}Container app-db-1 {2}(Stopping|Stopped|Recreated|Started)\n){4}$/,
  );
  assert.match(app.run(['--dry-run', 'down']).stderr, /DRY-RUN MODE - {2}Network app_back {2}Removed\n/);
  assert.deepEqual(app.ids(), again);
  assert.match(
    app.run(['--dry-run', 'exec', 'db', 'true']).stderr,
    /--dry-run is not supported for foster compose exec/,
  );
  app.ok('up', '-d', 'db');
  const changed = app.ids();
  assert.notEqual(changed['app-db-1'], before['app-db-1']);
  assert.equal(changed['app-web-1'], before['app-web-1']);
  assert.equal(app.ok('exec', 'db', 'cat', '/data/kept', '/anonymous/kept'), 'kept\nkept\n');
  app.ok('up', '-d', '--no-deps', '--force-recreate', '-V', 'db');
  assert.notEqual(app.ids()['app-db-1'], changed['app-db-1']);
  assert.match(app.run(['exec', 'db', 'cat', '/data/kept', '/anonymous/kept']).stderr, /anonymous\/kept/);
  assert.equal(containers.ok('volume', 'ls', '-q').trim().split('\n').length, 2, 'no volume is left over');
});

test('stop, start, restart, kill, pause, rm and cp', async () => {
  app.ok('stop', 'web');
  assert.equal(app.states()['app-web-1'], 'exited');
  app.ok('start', 'web');
  assert.equal(app.ok('exec', 'web', 'cat', '/tmp/hook'), 'started\n');
  const pid = containers.pid('app-web-1');
  app.ok('restart', 'web');
  assert.notEqual(containers.pid('app-web-1'), pid);
  app.ok('pause', 'web');
  assert.equal(app.states()['app-web-1'], 'paused');
  app.ok('unpause', 'web');
  writeFileSync(join(app.folder, 'new.html'), 'copied');
  app.ok('cp', 'new.html', 'web:/srv/new.html');
  assert.equal(app.ok('exec', 'web', 'cat', '/srv/new.html'), 'copied');
  app.ok('cp', 'web:/srv/new.html', 'back.html');
  assert.ok(existsSync(join(app.folder, 'back.html')));
  app.ok('kill', '-s', 'KILL', 'web');
  await waitUntil('web has ended', () => app.containers().get('app-web-1')?.exitCode === 137);
  app.ok('rm', '-f', 'web');
  assert.equal(app.states()['app-web-1'], undefined);
});

test('run: a command of a service, with what the service depends on', () => {
  app.ok('stop');
  const { status, stdout, stderr } = app.run([
    'run',
    '--rm',
    '-e',
    'GREETING=hi',
    'web',
    'sh',
    '-c',
    'echo $GREETING; cat /run/secrets/token; exit 3',
  ]);
  assert.equal(status, 3, stderr);
  assert.equal(stdout, 'hi\nsecret of a variable');
  assert.deepEqual(app.states(), { 'app-db-1': 'running', 'app-migrate-1': 'exited' });
  const id = app
    .ok('run', '-d', '--no-deps', '--name', 'job', '-v', `${app.folder}:/here:ro`, 'migrate', 'ls', '/here')
    .trim();
  assert.equal(containers.inspect('job', '{{.Id}}'), id);
  assert.equal(home.foster(['wait', 'job']).stdout, '0\n');
  assert.match(containers.log('job'), /compose\.yaml/);
  const piped = app.run(['run', '--rm', '--no-deps', '-T', 'migrate', 'wc', '-c'], { input: 'hello' });
  assert.equal(piped.stdout, '5\n');
});

test('scale, orphans, and down with everything', async () => {
  app.write({ 'compose.yaml': `${APP}`.replace('ports: ["127.0.0.1:${PORT}:80"]', 'scale: 2') });
  app.ok('up', '-d');
  assert.deepEqual(Object.keys(app.states()), ['app-db-1', 'app-migrate-1', 'app-web-1', 'app-web-2']);
  assert.equal(
    app.ok('exec', '--index', '2', 'web', 'hostname').trim(),
    app.ids()['app-web-2']?.slice(0, 12),
  );
  app.ok('up', '-d', '--scale', 'web=1');
  assert.equal(app.states()['app-web-2'], undefined);
  app.write({ 'compose.yaml': 'services: {db: {image: busybox, command: sleep 1000}}\n' });
  assert.match(app.run(['up', '-d']).stderr, /app-migrate-1, app-web-1; --remove-orphans removes them/);
  app.ok('up', '-d', '--remove-orphans');
  assert.deepEqual(app.states(), { 'app-db-1': 'running' });
  const { stderr } = app.run(['down', '-v', '--remove-orphans', '-t', '0']);
  assert.match(
    stderr,
    / Container app-db-1 {2}Stopped\n Container app-db-1 {2}Removed\n Container job {2}Removed\n|Network app_default {2}Removed/,
  );
  assert.equal(containers.ok('volume', 'ls', '-q'), '');
  assert.equal(containers.ok('network', 'ls', '-q', '--filter', 'label=com.docker.compose.project=app'), '');
  assert.equal(containers.ok('ps', '-aq'), '');
  await home.assertNothingLeft();
});

test('a service that shares the network of another is made when that runs, and anew when it is', () => {
  const file = (time: number) => `services:
  client: {image: busybox, command: sleep 1000, network_mode: "service:server"}
  server: {image: busybox, command: sleep ${time}, hostname: shared}
`;
  const project = new ComposeProject(home, 'shared', { 'compose.yaml': file(1000) });
  assert.match(project.run(['create']).stderr, /service client shares namespaces of another/);
  project.ok('up', '-d');
  assert.equal(project.ok('exec', 'client', 'hostname'), 'shared\n');
  const before = project.ids();
  project.write({ 'compose.yaml': file(2000) });
  project.ok('up', '-d');
  const now = project.ids();
  assert.notEqual(now['shared-client-1'], before['shared-client-1']);
  assert.equal(project.ok('exec', 'client', 'hostname'), 'shared\n');
  project.ok('restart', '-t', '0');
  assert.equal(project.ok('exec', 'client', 'hostname'), 'shared\n');
  project.ok('down', '-t', '0');
});

test('completion knows the commands and the services', () => {
  const project = new ComposeProject(home, 'words', {
    'compose.yaml': 'services: {web: {image: busybox}, worker: {image: busybox}, db: {image: busybox}}\n',
  });
  const complete = (...words: string[]) =>
    home.foster(['__complete', ...words], { cwd: project.folder }).stdout;
  assert.equal(complete('compose', 'logs', 'w'), 'web\nworker\n:\n');
  assert.match(complete('compose', 'up', '--scale', 'd'), /^db=\n:open\n$/);
  assert.match(complete('compose', 'u'), /^unpause\t[^\n]+\nup\t/);
});

test('a port that is in use: everything that up has made is removed, and what it replaced is back', async () => {
  const taken = await freePorts(7);
  const own = taken + 1;
  const server = createServer().listen(taken, '127.0.0.1');
  await once(server, 'listening');
  try {
    const service = (name: string, where: number) =>
      `  ${name}: {image: busybox, command: sleep 1000, ports: ["127.0.0.1:${where}:80"], volumes: ["${name}:/data"]}\n`;
    const first = `services:\n${service('a', own)}volumes: {a: {}}\n`;
    const project = new ComposeProject(home, 'ports', { 'compose.yaml': first });
    project.ok('up', '-d');
    const before = project.ids();
    const five = [0, 1, 2, 3].map((index) => service(`b${index}`, own + 1 + index)).join('');
    const volumes = `volumes: {a: {}, b0: {}, b1: {}, b2: {}, b3: {}, z: {}}\n`;
    project.write({
      'compose.yaml': `services:\n${service('a', own).replace('sleep 1000', 'sleep 2000')}${five}${service('z', taken).replace('}\n', ', depends_on: [a, b0, b1, b2, b3]}\n')}${volumes}`,
    });
    const { status, stderr } = project.run(['up', '-d']);
    assert.equal(status, 1, stderr);
    assert.match(stderr, new RegExp(`port ${taken}|127\\.0\\.0\\.1:${taken}`));
    assert.deepEqual(project.ids(), before);
    assert.deepEqual(project.states(), { 'ports-a-1': 'running' });
    assert.equal(containers.ok('volume', 'ls', '-q'), 'ports_a\n');
    server.close();
    await waitUntil('the port is free', () => !server.listening);
    project.ok('up', '-d', '--wait');
    assert.equal(Object.keys(project.states()).length, 6);
    project.ok('down', '-v', '-t', '0');
  } finally {
    server.close();
  }
});
