import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** The way to the outside where only root can prepare the machine for a test. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

/** Not in /tmp: that is hidden from pasta where there is no /run/user. */
const folder = mkdtempSync('/var/tmp/foster-test-');
after(() => rmSync(folder, { recursive: true }));
afterEach(() => home.foster(['rm', '-f', '-t', '0', '--all']));

const SLEEP = ['busybox', 'sleep', '1000'];
const named = (pattern: RegExp) => descendants().filter(({ name }) => pattern.test(name));

test('what waits for packets has no descriptor but what it needs', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const [waiting, ...others] = named(/^foster-outside$/);
  assert.deepEqual(others, []);
  const links = readdirSync(`/proc/${waiting?.pid}/fd`).map((fd) =>
    readlinkSync(`/proc/${waiting?.pid}/fd/${fd}`),
  );
  const kinds = links.map((link) => link.replace(/\[\d+\]$/, '')).sort();
  assert.deepEqual(kinds, [
    '/dev/net/tun',
    '/dev/null',
    '/dev/null',
    '/memfd:foster-output (deleted)', // for what pasta says if it fails
    join(home.folder, 'data/foster/networks'), // where to write that
    'anon_inode:[signalfd]',
    'socket:',
  ]);
});

test('without /dev/net/tun there is no way to the outside, and a warning says so', () => {
  const { stdout, stderr } = spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs none /dev/net && exec "$@"',
      'sh',
      FOSTER,
      'run',
      '--rm',
      'busybox',
      'id',
    ],
    { env: home.env, encoding: 'utf8' },
  );
  const why =
    'cannot connect the networks to the outside by /dev/net/tun: no such file or directory (ENOENT)';
  assert.equal(stderr, `foster: warning: containers reach each other, but not the outside: ${why}\n`);
  assert.match(stdout, /^uid=0/);
});

test('pasta that fails is started again with a later packet', async () => {
  // the real one is hidden by this, in the mount namespace of the command that starts the network holder
  const script = join(folder, 'pasta');
  const real = join(folder, 'real/pasta');
  mkdirSync(dirname(real));
  copyFileSync('/usr/bin/pasta', real);
  const log = join(folder, 'log');
  const lines = [
    `echo started >> ${log}`,
    `[ ! -e ${folder}/works ] || exec ${real} "$@"`,
    `cat ${folder}/words >&2`,
    'exit 3',
  ];
  writeFileSync(script, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'words'), '\x1b[2Jno way\nmore\n');
  const command = `mount --bind ${script} /usr/bin/pasta && exec "$@"`;
  const args = ['run', '-d', '--name', 'first', ...SLEEP];
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', command, 'sh', FOSTER, ...args], {
    env: home.env,
    encoding: 'utf8',
  });
  assert.deepEqual([stderr, status], ['', 0]);
  // to a port where nobody listens
  const knock = () => home.foster(['exec', 'first', 'nc', '-w', '1', 'host.containers.internal', '9']);
  const warning = () => home.run(['--rm', 'busybox', 'true']).stderr;
  const said = (text: string) =>
    `foster: warning: containers reach each other, but not the outside: ${text}\n`;
  assert.equal(warning(), '');
  knock();
  assert.deepEqual(named(/^pas/), []);
  assert.equal(warning(), said('pasta has failed: \\u001b[2Jno way'));
  const attempts = () => readFileSync(log, 'utf8').split('\n').length - 1;
  assert.ok(attempts() <= 2, 'it was started for each attempt to connect');
  writeFileSync(join(folder, 'words'), '');
  await waitUntil('the next attempt has failed, too', () => {
    knock();
    return warning() === said('pasta has failed: exit code 3');
  });
  writeFileSync(join(folder, 'works'), '');
  await waitUntil('it works', () => {
    knock();
    return named(/^pas/).length === 1;
  });
  assert.equal(warning(), '');
});

test('a name server asks another one outside, and its first question starts pasta', async () => {
  const own = Object.values(networkInterfaces())
    .flatMap((entries = []) => entries)
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  const server = createSocket('udp4');
  after(() => server.close());
  server.on('message', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5;
    const head = Buffer.concat([question.subarray(0, 2), Buffer.from('81800001000100000000', 'hex')]);
    const answer = Buffer.from('c00c00010001000000000004cb007107', 'hex'); // 203.0.113.7, for the name in the question
    server.send(Buffer.concat([head, question.subarray(12, end), answer]), port, address);
  });
  server.bind(53, own?.address);
  await once(server, 'listening');
  ok('network', 'create', '--dns', own?.address ?? '', 'named');
  ok('run', '-d', '--name', 'first', '--network', 'named', ...SLEEP);
  assert.deepEqual(named(/^pas/), []);
  const script = "import socket; print(socket.gethostbyname('there.example'))";
  const args = ['--rm', '--network', 'named', '-v', '/usr:/usr:ro', 'host', 'python3', '-c', script];
  const { stdout, stderr } = await home.start(args).ended;
  assert.deepEqual([stderr, stdout], ['', '203.0.113.7\n']);
  assert.equal(named(/^pas/).length, 1);
  ok('rm', '-f', '-t', '0', 'first');
  ok('network', 'rm', 'named');
});
