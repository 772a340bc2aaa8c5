import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { after, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** `--network pasta:OPTIONS`: a pasta(1) of its own for a container, which ends with the container in every case. */
const home = new Home();

const SLEEP = ['busybox', 'sleep', '1000'];
const pastas = () => descendants().filter(({ name }) => /^(pas(ta|st)|foster-init)/.test(name));

const pastaOnly = () => descendants().filter(({ name }) => /^pas(ta|st)/.test(name));

async function assertNoPasta(what: string): Promise<void> {
  await waitUntil(`no pasta is left after ${what}`, () => pastas().length === 0);
}

function inspect(name: string, format: string): string {
  const { status, stdout, stderr } = home.foster(['inspect', '-f', format, name]);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trim();
}

/** What the server in a container says, or why not. */
async function get(port: number, host = '127.0.0.1'): Promise<string> {
  try {
    return await (await fetch(`http://${host}:${port}/`)).text();
  } catch (error) {
    return String(error);
  }
}

const SERVER = 'echo from the container > index.html; exec httpd -f -p 80 -h .';

/** Starts a server of the host, which answers "the host". Returns its port. */
async function serveOnLoopback(): Promise<number> {
  const server = createServer((_, response) => response.end('the host\n'));
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as { port: number }).port;
}

test('the container has a way out, and what its options say', async () => {
  const port = await serveOnLoopback();
  const address = '--address,10.55.0.9,--netmask,24,--gateway,10.55.0.1';
  const options = `pasta:${address},--map-gw,--mtu,9000,--ns-ifname,way,-4`;
  const script = `ip -4 address show way; grep nameserver /etc/resolv.conf; wget -qO- http://host.containers.internal:${port}`;
  const running = home.start(['--rm', '--network', options, 'busybox', 'sh', '-c', script]);
  const { stdout, stderr } = await running.ended;
  assert.equal(stderr, '');
  assert.match(stdout, /way: .* mtu 9000 .* qlen 10000\n/);
  assert.match(stdout, /inet 10\.55\.0\.9\/24 .*\n[\s\S]*nameserver 169\.254\.1\.1\nthe host\n$/);
  await assertNoPasta('its end');
});

test('what listens on the loopback address of the host is out of reach, unless an option says otherwise', async () => {
  const port = await serveOnLoopback();
  const gateway = "$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')";
  const ask = `wget -qO- http://127.0.0.1:${port} || timeout 2 wget -qO- http://${gateway}:${port}`;
  const flags = (network: string) => ['--rm', '--network', network, 'busybox', 'sh', '-c', ask];
  assert.equal((await home.start(flags('pasta')).ended).stdout, '');
  assert.equal((await home.start(flags(`pasta:-T,${port}`)).ended).stdout, 'the host\n');
});

test('ports are published by it, and it ends with the container, whatever ends that', async () => {
  const flags = ['-d', '--name', 'web', '--network', 'pasta', '-p', '127.0.0.1:17080:80'];
  const start = () => {
    const { stderr, status } = home.run([...flags, 'busybox', 'sh', '-c', SERVER]);
    assert.deepEqual([stderr, status], ['', 0]);
  };
  const serves = () => waitUntil('it serves', async () => (await get(17080)) === 'from the container\n');
  start();
  await serves();
  assert.equal(home.foster(['port', 'web']).stdout, '80/tcp -> 127.0.0.1:17080\n');
  assert.equal(inspect('web', '{{.HostConfig.NetworkMode}}'), 'pasta');
  const busy = home.run(['--rm', '--network', 'pasta', '-p', '127.0.0.1:17080:80', 'busybox', 'true']);
  assert.match(
    busy.stderr,
    /^foster: cannot publish port 127\.0\.0\.1:17080\/tcp: another program uses it; /,
  );
  const [first] = pastaOnly();
  process.kill(first?.pid ?? 0, 'SIGKILL');
  await waitUntil('it is back', () => pastaOnly().some(({ pid }) => pid !== first?.pid));
  await serves();
  assert.equal(home.foster(['stop', '-t', '0', 'web']).status, 0);
  await assertNoPasta('stop');
  assert.equal(home.foster(['start', 'web']).status, 0);
  await serves();
  assert.equal(home.foster(['kill', 'web']).status, 0);
  await assertNoPasta('kill');
  assert.equal(home.foster(['start', 'web']).status, 0);
  process.kill(Number(inspect('web', '{{.State.ConmonPid}}')), 'SIGKILL');
  await assertNoPasta('the end of the monitor');
  assert.equal(home.foster(['rm', '-f', 'web']).status, 0);
});

test('in the foreground, it ends with the command', async () => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const running = home.start(['--rm', '--stop-timeout', '0', '--network', 'pasta', ...SLEEP]);
    await waitUntil('it runs', () => descendants().some(({ name }) => name === 'sleep'));
    assert.equal(pastaOnly().length, 1);
    running.child.kill(signal);
    await running.ended;
    await assertNoPasta(signal);
  }
});

test('users of all kinds have it', () => {
  for (const userns of ['auto', 'keep-id']) {
    const { stdout, stderr } = home.shell('ip route', ['--network', 'pasta', '--userns', userns]);
    assert.equal(stderr, '', userns);
    assert.match(stdout, /^default via /, userns);
  }
});

test('a container that is restarted has a pasta each time, and only one', async () => {
  const script = 'ip route | grep -c default; exit 1';
  const { status, stderr } = home.run([
    ...['-d', '--name', 'again', '--network', 'pasta', '--restart', 'on-failure:2'],
    ...['busybox', 'sh', '-c', script],
  ]);
  assert.deepEqual([stderr, status], ['', 0]);
  await new Containers(home).waitFor('again', 'exited');
  assert.match(home.foster(['logs', 'again']).stdout, /^([12]\n){3}$/);
  await assertNoPasta('the last restart');
  assert.equal(home.foster(['rm', 'again']).status, 0);
});

test('no process of the container sees it, or has descriptors of the host', () => {
  const script = 'ps -o comm; for p in 1 $$; do ls -l /proc/$p/fd | sed -n "s/.* -> //p"; done';
  const { stdout } = home.shell(script, ['--network', 'pasta']);
  assert.doesNotMatch(stdout, /pasta|passt/);
  assert.doesNotMatch(stdout, /net:|\/dev\/net|\/proc\/\d+\/ns/);
  const host = home.shell('ls /proc/$(pidof pasta pasta.avx2 | cut -d " " -f 1)/root 2>&1; true', [
    ...['--network', 'pasta', '--pid', 'host'],
  ]);
  assert.match(host.stdout, /Permission denied/);
});

test('options that would break it are refused, and what pasta refuses is told', () => {
  const own = Object.values(networkInterfaces()).length;
  assert.ok(own > 0);
  for (const [network, wanted] of [
    ['pasta:--netns,x', /is not supported yet: --netns: foster connects it to the container; leave it out\n/],
    ['pasta:--foreground', /: --foreground: foster starts and ends it; /],
    ['pasta:true', /: 'true' is no option of pasta\(1\)/],
    ['pasta:--help', /: '--help' is no option of pasta\(1\)/],
    ['pasta:-T', /: -T needs a value\n/],
    ['pasta:--map-gw=1', /: --map-gw has no value\n/],
    ['pasta:-T,nonsense', /^foster: cannot start pasta: Invalid port specifier nonsense\n/],
    [
      'slirp4netns:port_handler=slirp4netns',
      /is not supported yet: .*; use --network pasta, or --network bridge\n/,
    ],
  ] as const) {
    const { status, stderr } = home.run(['--rm', '--network', network, 'busybox', 'true']);
    assert.match(stderr, wanted);
    assert.equal(status, 125);
  }
  const address = home.run(['--rm', '--network', 'pasta', '--ip', '10.1.1.1', 'busybox', 'true']);
  assert.match(address.stderr, /: an option of pasta\(1\) gives the address: pasta:--address,ADDRESS\n/);
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
