import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { BuildHome, FROM } from './support/build.js';
import { Containers } from './support/containers.js';
import type { Result } from './support/foster.js';
import { waitUntil } from './support/wait.js';

/** The network of RUN. Clients are busybox's wget. */
const home = new BuildHome();
delete home.env.FOSTER_NETWORK;
const containers = new Containers(home);

/** Requests to the host's server that wait for their answers, by path. */
const waiting = new Map<string, ServerResponse>();
let server: Server;
let url = '';

before(async () => {
  server = createServer(({ url: path = '' }, response) => {
    if (path === '/now') response.end('the host');
    else waiting.set(path, response);
  });
  await new Promise<void>((done) => server.listen(0, done));
  url = `http://host.containers.internal:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

afterEach(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

/** A build while the server of this process answers. */
function build(steps: string, flags: string[] = []): Promise<Result> {
  return containers.run(['build', ...flags, home.context({ Dockerfile: `${FROM}\n${steps}\n` })]);
}

const ADDRESSES = "ip -o -4 address | sed 's/.*inet \\([0-9.]*\\).*/at \\1./'";

test('RUN has the default network, and its own --network another one', async () => {
  const steps = `RUN wget -q -O - ${url}/now
RUN ${ADDRESSES}
RUN --network=none ${ADDRESSES}
RUN --network=default ${ADDRESSES} | tail -n 1`;
  const { status, stdout, stderr } = await build(steps, ['--no-cache']);
  assert.deepEqual([stderr, status], ['', 0]);
  assert.match(stdout, /the host/);
  const found = [...stdout.matchAll(/at ([0-9.]+)\./g)].map(([, address]) => address);
  assert.deepEqual(found, ['127.0.0.1', '10.88.0.2', '127.0.0.1', '10.88.0.2']);
});

test('--network and FOSTER_NETWORK choose it; what they choose is part of the cache key', async () => {
  const addresses = async (flags: string[]) => {
    const { status, stdout, stderr } = await build(`RUN ${ADDRESSES} > /got; cat /got`, flags);
    assert.deepEqual([stderr, status], ['', 0]);
    return [...stdout.matchAll(/at ([0-9.]+)\./g)].map(([, address]) => address);
  };
  assert.deepEqual(await addresses(['--network', 'none']), ['127.0.0.1']);
  assert.deepEqual(await addresses(['--network', 'default']), ['127.0.0.1', '10.88.0.2']);
  assert.deepEqual(await addresses(['--network=bridge']), [], 'the same as before');
  assert.ok(!(await addresses(['--network', 'host'])).includes('10.88.0.2'));
  home.env.FOSTER_NETWORK = 'none';
  try {
    assert.deepEqual(await addresses(['--no-cache']), ['127.0.0.1']);
    assert.deepEqual(await addresses(['--no-cache', '--network', 'bridge']), ['127.0.0.1', '10.88.0.2']);
  } finally {
    delete home.env.FOSTER_NETWORK;
  }
});

test('RUN finds the containers of a network by name', async () => {
  containers.ok('network', 'create', 'shop');
  const serve = 'echo found > /tmp/index.html; exec httpd -f -h /tmp';
  containers.detach('web', serve, ['--network', 'shop']);
  const { status, stdout, stderr } = await build('RUN wget -q -O - http://web/', ['--network', 'shop']);
  assert.deepEqual([stderr, status], ['', 0]);
  assert.match(stdout, /^found$/m);
});

test('RUNs at the same time have addresses of their own', async () => {
  const both = ['one', 'two'].map((name) => build(`RUN ${ADDRESSES}; wget -q -O - ${url}/${name}`));
  await waitUntil('both are at work', () => waiting.has('/one') && waiting.has('/two'));
  for (const response of waiting.values()) response.end();
  waiting.clear();
  const results = await Promise.all(both);
  const found = results.map(({ stdout }) => /at (10\.[0-9.]+)\./.exec(stdout)?.[1]);
  assert.deepEqual(found.sort(), ['10.88.0.2', '10.88.0.3']);
});

test('a network that a RUN is in is not removed, and says who is in it', async () => {
  containers.ok('network', 'create', '--ignore', 'shop');
  const building = build(`RUN wget -q -O - ${url}/slow`, ['--network', 'shop']);
  await waitUntil('RUN is at work', () => waiting.has('/slow'));
  const removed = home.foster(['network', 'rm', 'shop']);
  assert.match(
    removed.stderr,
    /^foster: cannot remove the network shop: process \d+ uses it for a RUN of a build, /,
  );
  assert.equal(removed.status, 1);
  assert.equal(containers.ok('network', 'prune', '-f'), '');
  assert.equal(containers.ok('network', 'ls', '-q', '-f', 'dangling=false'), 'shop\n');
  waiting.get('/slow')?.end();
  waiting.clear();
  assert.equal((await building).status, 0);
  assert.equal(containers.ok('network', 'rm', 'shop'), 'shop\n');
});

test('a build that is interrupted leaves no container, and others keep their network', async () => {
  const flags = ['build', home.context({ Dockerfile: `${FROM}\nRUN wget -q -O - ${url}/never` })];
  const running = containers.begin(flags, 'ignore'); // it starts the network holder
  await waitUntil('RUN is at work', () => waiting.has('/never'));
  containers.detach('other', 'exec sleep 1000');
  running.signal('SIGINT');
  assert.equal((await running.ended).status, 130);
  waiting.clear();
  const fetch = ['exec', 'other', 'wget', '-q', '-O', '-', `${url}/now`];
  assert.deepEqual(await containers.run(fetch), { status: 0, signal: null, stdout: 'the host', stderr: '' });
});

test('an unknown network, and values that are none', async () => {
  const cases: [string, RegExp][] = [
    ['nosuch', /^foster: no such network: nosuch; 'foster network ls' lists them/],
    ['container:x', /^foster: .*--network.*container:x/],
    ['', /^foster: .*--network.*expected none, host, bridge, .* or the name of a network/],
  ];
  for (const [value, expected] of cases) {
    const { status, stdout, stderr } = await build('RUN echo built', ['--network', value]);
    assert.match(stderr, expected);
    assert.deepEqual([status, stdout], [125, '']);
  }
  const wrong = await build('RUN --network=shop true');
  assert.match(wrong.stderr, /RUN --network=shop: expected default, none or host/);
});
