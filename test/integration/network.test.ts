import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { FOSTER, Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { DEADLINE, waitUntil } from './support/wait.js';

/** Networks: what containers reach, and what not. The clients and servers inside are Python programs of the host. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);

const networks = join(home.folder, 'data/foster/networks');

/** A root filesystem with the host's programs. */
const ROOT = ['-v', '/usr:/usr:ro', 'host'];

interface Definition {
  name: string;
  subnets: { subnet: string; gateway: string }[];
  isInternal?: boolean;
}

function define({ name, subnets, isInternal = false }: Definition): void {
  mkdirSync(networks, { recursive: true, mode: 0o700 });
  const network = {
    version: 1,
    id: Buffer.from(name.padEnd(32, 'x')).toString('hex'),
    name,
    created: new Date().toISOString(),
    subnets,
    isInternal,
    hasDns: true,
    dns: [],
    labels: {},
    options: {},
  };
  writeFileSync(join(networks, `${name}.json`), JSON.stringify(network));
}

define({
  name: 'app',
  subnets: [
    { subnet: '10.89.7.0/24', gateway: '10.89.7.1' },
    { subnet: 'fd12:3456:7::/64', gateway: 'fd12:3456:7::1' },
  ],
});
define({ name: 'inner', subnets: [{ subnet: '10.89.8.0/24', gateway: '10.89.8.1' }], isInternal: true });

// so that one test that fails does not make others fail
afterEach(() => home.foster(['rm', '-f', '-t', '0', '--all']));

function start(name: string, flags: string[], command: string[]): void {
  const { status, stderr } = home.run(['-d', '--name', name, ...flags, ...ROOT, ...command]);
  assert.deepEqual([stderr, status], ['', 0]);
}

function remove(...names: string[]): void {
  assert.equal(home.foster(['rm', '-f', '-t', '0', ...names]).status, 0);
}

/** Runs a Python program in a container. */
function python(script: string, flags: string[] = []): string {
  const { status, stdout, stderr } = home.run(['--rm', ...flags, ...ROOT, 'python3', '-c', script]);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

function inside(name: string, ...command: string[]): string {
  const { status, stdout, stderr } = home.foster(['exec', name, ...command]);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trimEnd();
}

const addressOf = (name: string) =>
  inside(name, 'sh', '-c', "ip -4 -br address show eth0 | sed 's/.* \\([0-9.]*\\)\\/.*/\\1/'");

/** The same of what must be out of reach: to wait for long would be to wait in vain. */
const askInVain = (host: string, port = 7000) => ask(host, port, 2);

/** A server that answers with the address of its client. */
const ECHO = `
import socket, threading
def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 7000))
    while True:
        d, a = s.recvfrom(99); s.sendto(a[0].encode(), a)
threading.Thread(target=udp, daemon=True).start()
s = socket.create_server(('::', 7000), family=socket.AF_INET6, dualstack_ipv6=True)
print('ready', flush=True)
while True:
    c, a = s.accept(); c.sendall(a[0].encode()); c.close()
`;

/** Asks such a server; 'refused' or 'silent' where it is not reached in so many seconds. */
const ask = (host: string, port = 7000, seconds = 20) => `
import socket
try:
    s = socket.create_connection(('${host}', ${port}), ${seconds}); print(s.recv(99).decode().replace('::ffff:', ''))
except TimeoutError: print('silent')
except OSError as e: print('silent' if e.errno in (101, 113) else 'refused')
`;

async function startEcho(name: string, flags: string[] = []): Promise<void> {
  start(name, flags, ['python3', '-c', ECHO]);
  await containers.logs(name, 'ready');
}

function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((entries = []) => entries);
  const found = all.find(
    ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('10.88.'),
  );
  assert.ok(found, 'the tests of published ports need an address besides that of loopback');
  return found.address;
}

function askFromHost(host: string, port: number): Promise<string> {
  return new Promise((done) => {
    let said = '';
    const socket = connect(port, host);
    socket.on('data', (data) => {
      said += data.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
    socket.on('close', () => done(said.replace('::ffff:', '')));
  });
}

/** What the server behind a published UDP port answers; asked again each second, since a datagram may be lost on a busy machine. */
async function askOverUdp(host: string, port: number): Promise<string> {
  const socket = createSocket('udp4');
  const send = () => socket.send('x', port, host);
  const again = setInterval(send, 1000);
  try {
    return await new Promise<string>((done) => {
      socket.once('message', (text) => done(text.toString()));
      send();
    });
  } finally {
    clearInterval(again);
    socket.close();
  }
}
/** Processes that carry connections to published ports. */
const carriers = () => descendants().filter(({ name }) => name === 'foster-ports');

/** A connection to a published port, when the server has sent something; undefined if it ends before. */
function openConnection(port: number): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => done(socket));
    socket.once('error', () => done(undefined));
    socket.once('close', () => done(undefined));
  });
}

test('a container has an address, a way out and a name server, and its host name leads to it', () => {
  const text = python(`
import subprocess
print(subprocess.run(['ip', '-br', 'address', 'show', 'eth0'], capture_output=True, text=True).stdout.split()[2])
print(subprocess.run(['ip', 'route', 'show', 'default'], capture_output=True, text=True).stdout.split()[2])
import socket
print(socket.gethostbyname(socket.gethostname()))
print(open('/etc/resolv.conf').read().startswith('nameserver '))
print(open('/sys/class/net/eth0/mtu').read().strip())
`);
  assert.equal(text, '10.88.0.2/16\n10.88.0.1\n10.88.0.2\nTrue\n65520');
});

test('the host is reached by name, over TCP and UDP', async () => {
  const server: Server = createServer((socket) => socket.end('the host'));
  const datagrams = createSocket('udp4');
  datagrams.on('message', (_, { port, address }) => datagrams.send('the host', port, address));
  after(() => {
    server.close();
    datagrams.close();
  });
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  await new Promise<void>((done) => datagrams.bind(0, '0.0.0.0', done));
  const port = (server.address() as { port: number }).port;
  const script = `
import socket
for name in ('host.containers.internal', 'host.docker.internal', 'me'):
    print(socket.create_connection((name, ${port}), 20).recv(99).decode())
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(20)
s.sendto(b'x', ('host.containers.internal', ${datagrams.address().port})); print(s.recv(99).decode())
`;
  const running = home.start(['--rm', '--add-host', 'me:host-gateway', ...ROOT, 'python3', '-c', script]);
  const { stdout, stderr } = await running.ended;
  assert.deepEqual([stderr, stdout], ['', 'the host\n'.repeat(4)]);
});

test('what listens on the loopback address of the host is out of reach', async () => {
  const server = createServer((socket) => socket.end('the host'));
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  for (const address of [
    'host.containers.internal',
    '169.254.249.1',
    '169.254.249.2',
    '10.88.0.1',
    '127.0.0.1',
  ]) {
    const running = home.start(['--rm', ...ROOT, 'python3', '-c', askInVain(address, port)]);
    assert.match((await running.ended).stdout, /^(refused|silent)\n$/, address);
  }
});

test('containers of a network find each other by name, alias, id and address, and others do not', async () => {
  await startEcho('db', ['--network', 'app:alias=database']);
  await startEcho('stranger');
  const id = home.foster(['inspect', '-f', '{{.Id}}', 'db']).stdout.slice(0, 12);
  const address = addressOf('db');
  const names = python(
    `
import socket
for name in ('db', 'database', '${id}'): print(socket.gethostbyname(name), socket.getaddrinfo(name, 1, socket.AF_INET6)[0][4][0])
print(socket.gethostbyaddr('${address}')[0])
try: print(socket.gethostbyname('stranger'))
except socket.gaierror: print('unknown')
`,
    ['--network', 'app'],
  );
  assert.equal(names, `${`${address} fd12:3456:7::2\n`.repeat(3)}db\nunknown`);
  assert.match(python(ask('db'), ['--network', 'app']), /^(10\.89\.7\.3|fd12:3456:7::3)$/);
  assert.equal(python(askInVain(address)), 'silent');
  assert.equal(python(askInVain(addressOf('stranger')), ['--network', 'app']), 'silent');
  assert.equal(python(ask(addressOf('stranger'))), '10.88.0.3');
  const both = ['--network', 'app', '--network', 'bridge'];
  assert.match(python(ask('db'), both), /^(10\.89\.7\.3|fd12:3456:7::3)$/);
  assert.equal(python(ask(addressOf('stranger')), both), '10.88.0.3');
  remove('db');
  const gone =
    "import socket\ntry: print(socket.gethostbyname('db'))\nexcept socket.gaierror: print('unknown')";
  assert.equal(python(gone, ['--network', 'app']), 'unknown');
  remove('stranger');
});

test('an internal network has no way out', async () => {
  const server = createServer((socket) => socket.end('the host'));
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as { port: number };
  const flags = ['--network', 'inner'];
  const running = home.start([
    '--rm',
    ...flags,
    ...ROOT,
    'python3',
    '-c',
    askInVain('host.containers.internal', port),
  ]);
  const { stdout, stderr } = await running.ended;
  assert.deepEqual([stderr, stdout], ['', 'silent\n']);
  await startEcho('db', flags);
  assert.equal(python(ask('db'), flags), '10.89.8.3');
  remove('db');
});

test("a container can neither use another's address nor see what others send", async () => {
  await startEcho('target');
  await startEcho('victim');
  const [target, victim] = [addressOf('target'), addressOf('victim')];
  const spoof = `
import subprocess, socket
run = lambda *words: subprocess.run(words, check=True)
run('ip', 'address', 'add', '${victim}/32', 'dev', 'eth0')
s = socket.socket(); s.settimeout(2); s.bind(('${victim}', 0))
try: s.connect(('${target}', 7000)); print(s.recv(99).decode())
except OSError: print('silent')
`;
  assert.equal(python(spoof, ['--cap-add', 'NET_ADMIN']), 'silent');
  // what a bridge floods, and what gratuitous ARP would lead here
  start(
    'spy',
    ['--cap-add', 'NET_ADMIN'],
    [
      'python3',
      '-c',
      `
import socket, struct, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth0', 0)); s.settimeout(0.1)
mac = open('/sys/class/net/eth0/address').read().strip().replace(':', '')
ip = socket.inet_aton('${target}')
arp = bytes.fromhex('ffffffffffff' + mac + '0806' + '0001080006040002' + mac) + ip + bytes.fromhex('ffffffffffff') + ip
print('ready', flush=True)
while True:
    s.send(arp)
    try: frame = s.recv(2000)
    except TimeoutError: continue
    if frame[12:14] == b'\\x08\\x00' and socket.inet_aton('${victim}') in (frame[26:30], frame[30:34]): print('seen', flush=True)
`,
    ],
  );
  await containers.logs('spy', 'ready');
  for (let i = 0; i < 5; i++) assert.equal(inside('victim', 'python3', '-c', ask(target)), victim);
  assert.equal(home.foster(['logs', 'spy']).stdout, 'ready\n');
  remove('target', 'victim', 'spy');
});

test("a published port shows the client's address, over IPv4, IPv6 and UDP", async () => {
  const host = hostAddress();
  await startEcho('web', ['-p', '17000:7000', '-p', '17000:7000/udp', '-p', '127.0.0.1:17001:7000']);
  assert.equal(await waitUntil('it answers', () => askFromHost(host, 17000)), host);
  assert.equal(await askFromHost('127.0.0.1', 17001), '10.88.0.1'); // that of loopback means nothing there
  assert.equal(await askFromHost(host, 17001), 'ECONNREFUSED');
  assert.equal(await askOverUdp(host, 17000), host);
  const { status, stderr } = home.run(['--rm', '-p', '17000:80', 'host', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /^foster: cannot publish port 17000\/tcp: another program uses it; /);
  // it is still on the network, where others reach it
  assert.equal(python(ask(addressOf('web'))), '10.88.0.3');
  remove('web');
  assert.equal(
    await waitUntil('the port is free', async () => (await askFromHost(host, 17000)) === 'ECONNREFUSED'),
    true,
  );
});

test('published ports are served on when a process that carries them is killed', async () => {
  await startEcho('web', ['-p', '127.0.0.1:17003:7000', '-p', '127.0.0.1:17003:7000/udp']);
  await waitUntil('there are two', () => carriers().length === 2);
  for (const which of [0, 1, 0, 1]) {
    const { pid = 0 } = carriers()[which] ?? {};
    process.kill(pid, 'SIGKILL');
    await waitUntil('there are two again', () => carriers().filter((one) => one.pid !== pid).length === 2);
    assert.equal(await askFromHost('127.0.0.1', 17003), '10.88.0.1');
  }
  remove('web');
  await waitUntil('they have ended with the container', () => carriers().length === 0);
});

test('a connection to a published port survives the one of the processes that does not carry it', async () => {
  const server = `
import socket
s = socket.create_server(('', 7000)); print('ready', flush=True); c, _ = s.accept()
while True: c.sendall(c.recv(1))
`;
  start('slow', ['-p', '127.0.0.1:17004:7000'], ['python3', '-c', server]);
  await containers.logs('slow', 'ready');
  const socket = connect(17004, '127.0.0.1');
  const echo = (text: string) =>
    new Promise<string>((done, fail) => {
      socket.once('data', (data) => done(data.toString()));
      socket.once('error', fail);
      socket.write(text);
    });
  assert.equal(await echo('a'), 'a');
  const pids = new Set(carriers().map(({ pid }) => pid));
  const supervisor = carriers().find(({ parent }) => !pids.has(parent));
  process.kill(supervisor?.pid ?? 0, 'SIGKILL');
  await waitUntil(
    'there are two again',
    () => carriers().filter(({ pid }) => pid !== supervisor?.pid).length === 2,
  );
  assert.equal(await echo('b'), 'b');
  socket.destroy();
  remove('slow');
});

test('published ports lead to the network that the container is in by now', async () => {
  const port = 17005;
  const publish = ['-p', `127.0.0.1:${port}:7000`, '-p', `127.0.0.1:${port}:7000/udp`, '-p', '17006:7001'];
  await startEcho('web', ['--network', 'app', ...publish]);
  const hold =
    "import socket; s = socket.create_server(('', 7001)); c = s.accept()[0]; c.send(b'held'); s.accept()";
  inside('web', 'sh', '-c', `python3 -c "$1" > /dev/null 2>&1 &`, 'sh', hold);
  const held = await waitUntil('a connection is open', () => openConnection(17006));
  const answers = async () => [await askFromHost('127.0.0.1', port), await askOverUdp('127.0.0.1', port)];
  const change = (what: 'connect' | 'disconnect', network: string) => {
    const { status, stderr } = home.foster(['network', what, network, 'web']);
    assert.deepEqual([stderr, status], ['', 0]);
  };
  assert.deepEqual(await answers(), ['10.89.7.1', '10.89.7.1']);
  change('connect', 'bridge');
  assert.deepEqual(await answers(), ['10.89.7.1', '10.89.7.1']);
  const isClosed = once(held, 'close');
  change('disconnect', 'app');
  assert.deepEqual(await answers(), ['10.88.0.1', '10.88.0.1']);
  await isClosed; // its client does not wait for an answer that cannot come
  change('disconnect', 'bridge');
  assert.match(await askFromHost('127.0.0.1', port), /^(ECONNRESET)?$/);
  change('connect', 'app');
  assert.deepEqual(await answers(), ['10.89.7.1', '10.89.7.1']);
  const pids = new Set(carriers().map(({ pid }) => pid));
  const carrier = carriers().find(({ parent }) => pids.has(parent));
  process.kill(carrier?.pid ?? 0, 'SIGKILL'); // the one that takes its place knows it, too
  assert.deepEqual(await answers(), ['10.89.7.1', '10.89.7.1']);
  remove('web');
});

test('-P publishes what is exposed, at free ports', async () => {
  await startEcho('web', ['-P', '--expose', '7000']);
  const record = JSON.parse(
    readFileSync(join(home.folder, 'data/foster/containers', idOf('web'), 'config.json'), 'utf8'),
  ) as { published: { hostPort: number; containerPort: number }[] };
  const [port] = record.published;
  assert.equal(port?.containerPort, 7000);
  assert.equal(await askFromHost('127.0.0.1', port?.hostPort ?? 0), '10.88.0.1');
  remove('web');
});

const idOf = (name: string) => home.foster(['inspect', '-f', '{{.Id}}', name]).stdout.trim();

test('a container keeps its network when its monitor restarts it, and when it is stopped and started', async () => {
  start(
    'again',
    ['--network', 'app', '--restart', 'always'],
    ['sh', '-c', 'ip -br address show eth0; sleep 0.2; exit 1'],
  );
  await containers.logs('again', /10\.89\.7\.2[\s\S]*10\.89\.7\.2/);
  remove('again');
  start('twice', ['--network', 'app'], ['sleep', '1000']);
  assert.equal(home.foster(['stop', '-t', '0', 'twice']).status, 0);
  assert.equal(home.foster(['start', 'twice']).status, 0);
  assert.equal(addressOf('twice'), '10.89.7.2');
  remove('twice');
});

test('every kind of user namespace, of storage and of PID 1 has a network', () => {
  const show = ['host', 'sh', '-c', 'ip -br address show eth0'];
  for (const flags of [
    ['--userns', 'keep-id'],
    ['--userns', 'auto'],
    ['--no-init'],
    ['--pid', 'host'],
    ['--ipc', 'host', '--uts', 'host', '--cgroupns', 'host'],
    ['--read-only'],
  ]) {
    const { status, stdout, stderr } = home.run(['--rm', ...flags, ...show]);
    assert.deepEqual([stderr, status], ['', 0], flags.join(' '));
    assert.match(stdout, /10\.88\.0\.2\/16/, flags.join(' '));
  }
});

test("a container can share another's network: its addresses, loopback device, host name and files", async () => {
  await startEcho('web', ['--network', 'app']);
  const flags = ['--network', 'container:web'];
  assert.equal(python(ask('127.0.0.1'), flags), '127.0.0.1');
  const files = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
  const { stdout, stderr } = home.run([
    '--rm',
    ...flags,
    ...ROOT,
    'sh',
    '-c',
    `cat ${files.join(' ')}; id -u`,
  ]);
  assert.deepEqual([stderr, stdout], ['', `${inside('web', 'cat', ...files)}\n0\n`]);
  // the network and the user namespace are the other's, and nothing else
  const links = (name: string) => `readlink /proc/self/ns/${name}`;
  for (const [name, isShared] of [
    ['net', true],
    ['user', true],
    ['pid', false],
    ['mnt', false],
    ['ipc', false],
    ['uts', false],
  ] as const) {
    const own = home.run(['--rm', ...flags, 'busybox', 'sh', '-c', links(name)]).stdout.trim();
    assert.equal(own === inside('web', 'sh', '-c', links(name)), isShared, name);
  }
  assert.equal(home.run(['-d', '--name', 'side', ...flags, 'busybox', 'sleep', '1000']).status, 0);
  assert.match(
    home.foster(['inspect', '-f', '{{.HostConfig.NetworkMode}}', 'side']).stdout,
    /^container:[0-9a-f]{64}\n$/,
  );
  assert.match(inside('side', 'ip', '-4', 'address', 'show', 'eth0'), /10\.89\.7\.2/);
  const refused = home.run(['--rm', ...flags, '-p', '80', 'busybox', 'true']);
  assert.match(refused.stderr, /^foster: --publish and --network container: cannot be used together; /);
  remove('side');
  assert.equal(home.foster(['stop', '-t', '0', 'web']).status, 0);
  const { stderr: gone, status } = home.run(['--rm', ...flags, 'busybox', 'true']);
  assert.match(gone, /^foster: cannot share the network of container web: it is not running; start it first/);
  assert.equal(status, 125);
});

test("PID 1 and the command have no descriptor of the host's, whatever the network is", async () => {
  await startEcho('web', ['--network', 'app']);
  const pid = home.foster(['inspect', '-f', '{{.State.Pid}}', 'web']).stdout.trim();
  // PID 1 has its control socket, a moment after the command has started
  const script =
    'for one in /proc/$$/fd/*; do [ ! -L $one ] || readlink $one; done; until [ "$(ls /proc/1/fd)" = 3 ]; do sleep 0.05; done';
  for (const flags of [
    ['--network', 'app', '--network', 'bridge', '-p', '7000'],
    ['--network', 'container:web'],
    ['--network', `ns:/proc/${pid}/ns/net`],
    ['--network', 'pasta', '-p', '7000'],
  ]) {
    const { status, stdout, stderr } = home.run(['--rm', ...flags, 'busybox', 'sh', '-c', script]);
    assert.deepEqual([stderr, status], ['', 0], flags.join(' '));
    assert.match(stdout, /^\/dev\/null\n(pipe:\[\d+\]\n){2}$/, flags.join(' '));
  }
  // seen from outside, what it is: a socket, and files of the container's own /proc
  const own = statSync(`/proc/${pid}/root/proc`).dev;
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${fd}`;
    const link = readlinkSync(path);
    assert.ok(/^socket:/.test(link) || (link.startsWith('/proc') && statSync(path).dev === own), link);
  }
  remove('web');
});

test('wrong addresses are refused, with the reason', () => {
  for (const [flags, wanted] of [
    [
      ['--ip', '10.77.0.1'],
      /^foster: cannot use the address 10\.77\.0\.1 in the network bridge: it is not in 10\.88\.0\.0\/16;/,
    ],
    [['--ip', '10.88.0.1'], /: it is the gateway;/],
    [['--ip6', 'fd00::5'], /: the network has no IPv6 subnet;/],
    [['--network', 'nothere'], /^foster: no such network: nothere; /],
    [['-p', '1:1'], /ports below 1024 are for root; choose a port from 1024, or as root: sysctl /],
  ] as const) {
    const { status, stderr } = home.run(['--rm', ...flags, 'busybox', 'true']);
    assert.match(stderr, wanted);
    assert.equal(status, 125);
  }
});

test('what PID 1 cannot do is said, and not what then cannot be done for it', () => {
  const folder = join(home.shared, 'gone');
  mkdirSync(folder);
  containers.ok('create', '--name', 'without', '-v', `${folder}:/f`, 'busybox', 'true');
  rmSync(folder, { recursive: true });
  for (const args of [
    ['start', 'without'],
    ['start', '-a', 'without'],
  ]) {
    const { status, stderr } = home.foster(args);
    assert.notEqual(status, 0);
    assert.match(stderr, /^foster: cannot open \S+\/gone, to mount it at \/f: no such file or directory/);
  }
  containers.ok('rm', 'without');
});

test('of a program that fails without a word, the message says how it has ended', () => {
  const fresh = new Home(); // its first network needs nft(8), which cannot do with so small a stack
  const command = ['-c', 'ulimit -s 64 && exec "$0" run --rm --network bridge busybox true', FOSTER];
  const { stderr } = spawnSync('bash', command, { env: fresh.env, encoding: 'utf8', timeout: DEADLINE });
  assert.doesNotMatch(stderr, /failed\n/);
});

test('pasta is started again when it was killed', async () => {
  const server = createServer((socket) => socket.end('the host'));
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as { port: number };
  start('web', [], ['sleep', '1000']);
  const script = `
import socket
print(socket.create_connection(('host.containers.internal', ${port}), ${DEADLINE / 1000}).recv(99).decode())
`;
  const reach = async () => (await home.start(['--rm', ...ROOT, 'python3', '-c', script]).ended).stdout;
  assert.equal(await reach(), 'the host\n');
  const pastas = () => descendants().filter(({ name }) => /^pas(ta|st)/.test(name));
  const [before, ...others] = pastas();
  assert.equal(others.length, 0);
  process.kill(before?.pid ?? 0, 'SIGKILL');
  await waitUntil('it has ended', () => pastas().length === 0);
  assert.equal(await reach(), 'the host\n');
  assert.equal(pastas().length, 1);
  remove('web');
});

test('a monitor that is killed leaves no name, no address and no process', async () => {
  await startEcho('lost', ['--network', 'app']);
  const { stdout } = home.foster(['inspect', '-f', '{{.State.ConmonPid}} {{.State.Pid}}', 'lost']);
  const [monitor = 0] = stdout.split(' ').map(Number);
  process.kill(monitor, 'SIGKILL');
  await waitUntil('the holder has ended', () => !descendants().some(({ name }) => name === 'foster-network'));
  assert.equal(
    python('import socket\nprint(socket.gethostbyname(socket.gethostname()))', ['--network', 'app']),
    '10.89.7.2',
  );
  assert.deepEqual(readdirSync(join(networks, 'names/app')), []);
  remove('lost');
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
