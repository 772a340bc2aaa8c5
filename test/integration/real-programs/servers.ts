import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { networkInterfaces } from 'node:os';
import { createInterface } from 'node:readline';
import { before, test } from 'node:test';
import { IMAGE } from '../support/debian-image.js';
import { waitUntil } from '../support/wait.js';
import { containers, home, imageBuilt, mirror } from './image.js';

/**
 * PostgreSQL, Redis and nginx: on networks, with published ports, and with their data in volumes. real-programs.root.test.ts
 * has their limits.
 */
before(
  async () => {
    await imageBuilt();
    containers.ok('network', 'create', 'app');
  },
  { timeout: 1_800_000 },
);

/** What an image of a database does at its start: makes the data if there are none, and becomes the server. */
const DATABASE = `set -e
chown postgres: /data; chmod 700 /data
as="setpriv --reuid=postgres --regid=postgres --init-groups"
bin=/usr/lib/postgresql/15/bin
if [ ! -e /data/PG_VERSION ]; then
  $as $bin/initdb -D /data -U postgres -A trust --no-sync > /dev/null
  echo host all all all trust >> /data/pg_hba.conf
fi
exec $as $bin/postgres -D /data -c listen_addresses='*'`;

function startDatabase(): void {
  const flags = ['-d', '--name', 'db', '--network', 'app', '-p', '127.0.0.1::5432', '-v', 'data:/data'];
  containers.ok('run', ...flags, IMAGE, 'sh', '-c', DATABASE);
}

const portOf = (name: string, port: number) =>
  containers.ok('port', name, String(port)).trim().split(':').at(-1) ?? '';

/** Connects as the host does. */
const client = () => ['-h', '127.0.0.1', '-p', portOf('db', 5432), '-U', 'postgres', '-XAtq'];

function psql(sql: string) {
  return spawnSync('psql', [...client(), '-c', sql], { encoding: 'utf8' });
}

async function databaseAnswers(): Promise<void> {
  await waitUntil('the database answers', () => psql('SELECT 1').stdout === '1\n');
}

function answer(sql: string): string {
  const { status, stdout, stderr } = psql(sql);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** Runs a command in a container of the network that ends with it. */
const inNetwork = (...command: string[]) =>
  containers.ok('run', '--rm', '--network', 'app', IMAGE, ...command);

test('apt-get update, over the default network', () => {
  const before = mirror.requests.length;
  const running = containers.run(['run', '--rm', IMAGE, 'apt-get', 'update']);
  return running.then(({ status, stdout, stderr }) => {
    assert.equal(status, 0, stderr);
    assert.match(stdout, /Reading package lists/);
    assert.ok(mirror.requests.slice(before).some((path) => path.endsWith('/InRelease')));
  });
});

test('PostgreSQL answers the host by its port, and other containers by its name', async () => {
  startDatabase();
  await databaseAnswers();
  assert.match(answer('SHOW server_version'), /^15\./);
  answer('CREATE TABLE words (word text); INSERT INTO words VALUES ($$kept$$)');
  const shown = inNetwork('psql', '-h', 'db', '-U', 'postgres', '-XAtc', 'SELECT word FROM words');
  assert.equal(shown, 'kept\n');
});

test('its data stay in the volume when the container stops, and when a new one takes its place', async () => {
  containers.ok('stop', '-t', '150', 'db');
  assert.equal(containers.inspect('db', '{{.State.ExitCode}}'), '0');
  containers.ok('start', 'db');
  await databaseAnswers();
  assert.equal(answer('SELECT word FROM words'), 'kept');
  containers.ok('stop', '-t', '150', 'db');
  containers.ok('rm', 'db');
  startDatabase();
  await databaseAnswers();
  assert.equal(answer('SELECT word FROM words'), 'kept');
});

const ENOUGH = 200;

test('no row that was committed is lost when the monitor is killed', async () => {
  answer('CREATE TABLE rows (n int)');
  const writer = spawn('psql', client(), { stdio: ['pipe', 'pipe', 'ignore'] });
  writer.stdin.on('error', () => {}); // the server is gone
  let committed = 0;
  const write = () => writer.stdin.write(`INSERT INTO rows VALUES (${committed + 1}) RETURNING n;\n`);
  createInterface({ input: writer.stdout }).on('line', (line) => {
    committed = Number(line);
    write();
  });
  const ended = new Promise((done) => writer.on('close', done));
  write();
  await waitUntil('rows are committed', () => committed >= ENOUGH);
  process.kill(containers.monitor('db'), 'SIGKILL');
  await ended;
  await containers.waitFor('db', 'dead');
  containers.ok('start', 'db');
  await databaseAnswers();
  const [count, last] = answer('SELECT count(*), max(n) FROM rows').split('|').map(Number);
  assert.equal(count, last, 'there is no gap');
  // the last one may have been committed without an answer
  assert.ok(last === committed || last === committed + 1, `${last} rows, and ${committed} were committed`);
  assert.match(home.foster(['logs', 'db']).stderr, /automatic recovery in progress/);
});

test('Redis is found by its alias, and keeps its data in a volume', async () => {
  const flags = [
    '-d',
    '--name',
    'cache',
    '--network',
    'app:alias=redis',
    '-v',
    'cached:/data',
    '-w',
    '/data',
  ];
  const server = ['redis-server', '--bind', '*', '--protected-mode', 'no', '--appendonly', 'yes'];
  containers.ok('run', ...flags, IMAGE, ...server);
  await containers.logs('cache', 'Ready to accept connections');
  assert.equal(inNetwork('redis-cli', '-h', 'redis', 'SET', 'word', 'kept'), 'OK\n');
  containers.ok('stop', '-t', '150', 'cache');
  containers.ok('rm', 'cache');
  containers.ok('run', ...flags, IMAGE, ...server);
  await containers.logs('cache', 'Ready to accept connections');
  assert.equal(inNetwork('redis-cli', '-h', 'redis', 'GET', 'word'), 'kept\n');
});

/** An address of the host that is not its loopback device's. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((entries = []) => entries);
  const found = all.find(
    ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('10.88.'),
  );
  assert.ok(found, 'this test needs an address besides that of loopback');
  return found.address;
}

function fetched(host: string, port: string): Promise<number | undefined> {
  return new Promise((done, fail) => {
    get({ host, port }, (response) => {
      response.resume().on('end', () => done(response.statusCode));
    }).on('error', fail);
  });
}

test("nginx's log shows the addresses of its clients: the host's and a container's", async () => {
  containers.ok(
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'app',
    '-p',
    '80',
    IMAGE,
    'nginx',
    '-g',
    'daemon off;',
  );
  const host = hostAddress();
  const port = portOf('web', 80);
  await waitUntil('nginx answers', () =>
    fetched(host, port).then(
      (status) => status === 200,
      () => false,
    ),
  );
  const script = `exec 3<> /dev/tcp/web/80; echo 'GET /inside HTTP/1.0' >&3; echo >&3; cat <&3 > /dev/null; hostname -I`;
  const address = inNetwork('bash', '-c', script).trim();
  assert.match(address, /^10\.89\.\d+\.\d+$/);
  const log = containers.ok('exec', 'web', 'cat', '/var/log/nginx/access.log');
  const clients = log
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ')[0]);
  assert.deepEqual([...new Set(clients)], [host, address]);
});
