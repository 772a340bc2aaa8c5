import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { freePorts } from './support/ports.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** The way to the outside: pasta starts with the first packet, which is not lost. src/init/outside.c */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

/** A root filesystem with the host's programs. */
const ROOT = ['-v', '/usr:/usr:ro', 'host'];
const SLEEP = ['busybox', 'sleep', '1000'];

afterEach(() => home.foster(['rm', '-f', '-t', '0', '--all']));

/** An address of this machine that is not of the loopback device; undefined if it has none of that family. */
function ownAddress(family: 'IPv4' | 'IPv6'): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((entries = []) => entries);
  const found = all.find(
    (one) => one.family === family && !one.internal && !/^(fe80:|10\.88\.)/.test(one.address),
  );
  return found?.address;
}

const hasRoute6 = /^0{32} 00 .* (?!lo)\S+$/m.test(readFileSync('/proc/net/ipv6_route', 'latin1'));
const own4 = ownAddress('IPv4') ?? assert.fail('the tests need an address of this machine');
const own6 = ownAddress('IPv6');

const pastas = () => descendants().filter(({ name }) => /^pas(ta|st)/.test(name));

/** Ends pasta, not in the second of its start: it starts at most once in a second. */
async function killPasta(): Promise<void> {
  const [pasta] = pastas();
  if (pasta === undefined) return;
  await waitUntil('pasta has run for more than a second', () => ageOf(pasta.pid) > 1.2);
  process.kill(pasta.pid, 'SIGKILL');
  await waitUntil('pasta has ended', () => pastas().length === 0);
}

/** Seconds; proc_pid_stat(5), proc_uptime(5). */
function ageOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) / 100;
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) - started;
}

/** Sends back what it gets. */
const tcp = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket));
const udp = ['udp4', 'udp6', 'udp6'].map((type) => createSocket(type as 'udp4' | 'udp6'));
for (const socket of udp.slice(0, 2))
  socket.on('message', (data, { port, address }) => socket.send(data, port, address));
after(() => {
  tcp.close();
  for (const socket of udp) socket.close();
});
await new Promise<void>((done) => tcp.listen(0, '::', done));
const bindTo = async (socket: Datagrams, address: string) => {
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket.address().port;
};
const [socket4, socket6, streaming6] = udp as [Datagrams, Datagrams, Datagrams];
/** Sends a hundred datagrams in two seconds for each that it gets. */
streaming6.on('message', async (_, { port, address }) => {
  for (let i = 0; i < 100; i++) {
    streaming6.send(String(i), port, address);
    await sleep(20);
  }
});
const port = {
  tcp: (tcp.address() as AddressInfo).port,
  udp4: await bindTo(socket4, '0.0.0.0'),
  udp6: own6 === undefined ? 0 : await bindTo(socket6, '::'),
  streaming6: own6 === undefined ? 0 : await bindTo(streaming6, '::'),
};

/** For a test that has failed: the processes of pasta, and why it has not started. */
function whatPastaDoes(): string {
  const runs = pastas().map(({ pid, state }) => `pasta ${pid} runs for ${ageOf(pid)} s, state ${state}`);
  const failure = join(home.folder, 'data/foster/networks/outside-failure');
  return [...runs, existsSync(failure) ? readFileSync(failure, 'utf8') : 'pasta has not failed'].join('\n');
}

/** Runs a Python program in a container. */
async function python(script: string, flags: string[] = [], ...args: string[]): Promise<string> {
  const { stdout, stderr, status } = await home.start([
    '--rm',
    ...flags,
    ...ROOT,
    'python3',
    '-c',
    script,
    ...args,
  ]).ended;
  assert.deepEqual([stderr, status], ['', 0], `${stderr}${whatPastaDoes()}`);
  return stdout.trimEnd();
}

/** Sends datagrams that come back. None is sent twice, so none may be lost. */
const DATAGRAMS = `
import socket, sys
address, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(60)
for i in range(5): s.sendto(str(i).encode(), (address, port))
print(*sorted(s.recv(99).decode() for i in range(5)))
`;

/** Sends one datagram, and waits for a hundred. */
const ANSWERS = `
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(60)
s.sendto(b'', (sys.argv[1], int(sys.argv[2])))
print(len({s.recv(99) for i in range(100)}))
`;

/** A connection that carries much in both directions; then the number of TCP packets that were sent again until it was there. */
const CONNECTION = `
import socket, sys, threading
def again():
    names, values = (line.split() for line in open('/proc/net/snmp') if line.startswith('Tcp:'))
    return int(values[names.index('RetransSegs')])
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
count, data = again(), bytes(range(256)) * 4096
threading.Thread(target=s.sendall, args=(data,)).start()
got = b''
while len(got) < len(data): got += s.recv(65536) or sys.exit('it has ended')
print(got == data, count)
`;

test('containers that talk to each other only, and their clients, need no pasta', async () => {
  ok('network', 'create', 'shop');
  const published = await freePorts();
  const serve = ['busybox', 'httpd', '-f', '-h', '/etc'];
  ok('run', '-d', '--name', 'web', '--network', 'shop', '-p', `${published}:80`, ...serve);
  ok('run', '-d', '--name', 'other', ...SLEEP);
  await waitUntil(
    'it serves',
    async () => (await fetch(`http://127.0.0.1:${published}/hostname`).catch(() => undefined))?.ok,
  );
  assert.equal((await fetch(`http://${own4}:${published}/hostname`)).status, 200);
  ok('run', '--rm', '--network', 'shop', 'busybox', 'wget', '-qO-', 'http://web/hostname');
  const unknown = home.run(['--rm', '--network', 'shop', 'busybox', 'nslookup', 'nobody']);
  assert.match(unknown.stdout, /NXDOMAIN/);
  assert.deepEqual(pastas(), []);
  ok('rm', '-f', '-t', '0', 'web');
  ok('network', 'rm', 'shop');
});

test('no packet to the outside is lost, not even the first ones', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  assert.equal(await python(DATAGRAMS, [], own4, String(port.udp4)), '0 1 2 3 4');
  assert.equal(pastas().length, 1);
  // by a socket that has sent before
  const socket = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(60)
for line in sys.stdin: s.sendto(b'x', ('${own4}', ${port.udp4})); print(s.recv(99).decode(), flush=True)
`;
  const again = home.start(['--rm', '-i', ...ROOT, 'python3', '-c', socket]);
  again.child.stdin.write('\n');
  await waitUntil('the first answer is there', () => again.stdout === 'x\n');
  await killPasta();
  again.child.stdin.end('\n');
  assert.equal((await again.ended).stdout, 'x\nx\n');
  await killPasta();
  // from two at the same time
  const both = [1, 2].map(() => python(DATAGRAMS, [], own4, String(port.udp4)));
  assert.deepEqual(await Promise.all(both), ['0 1 2 3 4', '0 1 2 3 4']);
  assert.equal(pastas().length, 1);
});

/**
 * Sends datagrams that come back, one each millisecond, until pasta has carried a hundred; no more are on their way than any queue
 * holds. Prints how many have not come back.
 */
const STREAM = `
import select, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent, got = 0, set()
while len(got) < 100:
    if sent - len(got) < 200: s.sendto(str(sent).encode(), (sys.argv[1], int(sys.argv[2]))); sent += 1
    while select.select([s], [], [], 0.001)[0]: got.add(s.recv(99))
s.settimeout(5)
try:
    while len(got) < sent: got.add(s.recv(99))
except TimeoutError: pass
print(sent - len(got))
`;

test('none is lost of those that are sent while pasta starts', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  assert.equal(await python(STREAM, [], own4, String(port.udp4)), '0');
});

test('a connection starts pasta, and is then like any other', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  // where pasta itself takes more than a second, the kernel sends a packet again that was not lost
  await waitUntil('a connection is made by the packet that started pasta', async () => {
    await killPasta();
    const [isWhole, count] = (await python(CONNECTION, [], own4, String(port.tcp))).split(' ');
    assert.equal(isWhole, 'True');
    return count === '0';
  });
  assert.equal(await python(CONNECTION, [], 'host.containers.internal', String(port.tcp)), 'True 0');
  assert.equal(pastas().length, 1);
});

/** The largest window that the other side has offered while much was sent: tcpi_snd_wnd of tcp(7). */
const WINDOW = `
import socket, struct, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)
threading.Thread(target=s.sendall, args=(bytes(1 << 24),)).start()
got, largest = 0, 0
while got < 1 << 24:
    got += len(s.recv(65536)) or sys.exit('it has ended')
    largest = max(largest, struct.unpack_from('I', s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232), 228)[0])
print(largest)
`;

test('a sender to this machine has no more on its way than pasta takes', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const largest = Number(await python(WINDOW, [], own4, String(port.tcp)));
  assert.ok(largest > 32768 && largest <= 2 * 65536, `${largest} bytes`);
});

test('the same over IPv6', { skip: !hasRoute6 || own6 === undefined }, async () => {
  const flags = ['--network', 'six'];
  ok('network', 'create', '--ipv6', 'six');
  ok('run', '-d', '--name', 'first', ...flags, ...SLEEP);
  const address = own6 ?? '';
  assert.equal(await python(DATAGRAMS, flags, address, String(port.udp6)), '0 1 2 3 4');
  await waitUntil('a connection is made by the packet that started pasta', async () => {
    await killPasta();
    const [isWhole, count] = (await python(CONNECTION, flags, address, String(port.tcp))).split(' ');
    assert.equal(isWhole, 'True');
    return count === '0';
  });
  await killPasta();
  assert.equal(await python(ANSWERS, flags, address, String(port.streaming6)), '100');
  await killPasta();
  assert.equal(await python(DATAGRAMS, flags, own4, String(port.udp4)), '0 1 2 3 4');
  ok('rm', '-f', '-t', '0', 'first');
  ok('network', 'rm', 'six');
});

test('what listens on the loopback address of the host for IPv6 is out of reach', {
  skip: !hasRoute6 || own6 === undefined,
}, async () => {
  const server = createServer((socket) => socket.end('the host'));
  after(() => server.close());
  await new Promise<void>((done) => server.listen(0, '::1', done));
  const at = String((server.address() as AddressInfo).port);
  const flags = ['--network', 'six'];
  ok('network', 'create', '--ipv6', 'six');
  const gateway = ok('network', 'inspect', '-f', '{{range .Subnets}}{{.Gateway}} {{end}}', 'six').split(' ');
  // to wait for long would be to wait in vain
  const script = `
import socket, sys, threading
def ask(address):
    try: print(address, socket.create_connection((address, int(sys.argv[1])), 3).recv(99))
    except OSError: pass
for address in sys.argv[2:]: threading.Thread(target=ask, args=(address,)).start()
`;
  const addresses = [
    own6 ?? '',
    ...gateway,
    'fd66:6f73:7465:73::1',
    'fd66:6f73:7465:73::2',
    '::ffff:127.0.0.1',
  ];
  assert.equal(await python(script, flags, at, ...addresses), '');
  ok('network', 'rm', 'six');
});

test('what may not leave does not start pasta', async () => {
  ok('network', 'create', '--internal', 'inner');
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const admin = ['--network', 'inner', '--cap-add', 'NET_ADMIN'];
  ok('run', '-d', '--name', 'within', ...admin, ...ROOT, 'sleep', '1000');
  ok(
    'exec',
    'within',
    'ip',
    'route',
    'add',
    'default',
    'via',
    ok('inspect', '-f', '{{.NetworkSettings.Networks.inner.Gateway}}', 'within'),
  );
  const send = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for address in sys.argv[1:]: s.sendto(b'x', (address, 9))
`;
  ok('exec', 'within', 'python3', '-c', send, own4, '198.51.100.1', '10.88.0.2');
  ok(
    'run',
    '--rm',
    ...ROOT,
    'python3',
    '-c',
    send,
    '224.0.0.251',
    '239.1.2.3',
    '255.255.255.255',
    '10.88.0.1',
    '10.88.0.9',
  );
  // what they have sent is there by now: it would be carried by the pasta that another packet starts
  assert.deepEqual(pastas(), []);
  assert.equal(await python(DATAGRAMS, [], own4, String(port.udp4)), '0 1 2 3 4');
  ok('rm', '-f', '-t', '0', 'within');
  ok('network', 'rm', 'inner');
});

/** Makes and removes interfaces in the network namespace of a process until one has the number 17. */
const COUNT = `
import ctypes, fcntl, os, socket, struct, sys
for kind in ('user', 'net'):
    if ctypes.CDLL(None).setns(os.open(f'/proc/{sys.argv[1]}/ns/{kind}', os.O_RDONLY), 0): sys.exit('cannot enter')
index = 0
while index < 17:
    with open('/dev/net/tun', 'r+b', buffering=0) as device:
        fcntl.ioctl(device, 0x400454ca, struct.pack('16sH22x', b'counted', 0x1001)) # TUNSETIFF: IFF_TUN, IFF_NO_PI
        index = socket.if_nametoindex('counted')
`;

test('the interface of a new pasta is not taken for that of a container', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const holder = descendants().find(({ name }) => name === 'foster-network')?.pid;
  // as if pasta had been started often: the kernel does not use a number again
  const { status, stderr } = spawnSync('python3', ['-c', COUNT, String(holder)], { encoding: 'utf8' });
  assert.deepEqual([stderr, status], ['', 0]);
  assert.equal(await python(DATAGRAMS, [], own4, String(port.udp4)), '0 1 2 3 4');
  const before = pastas().map(({ pid }) => pid);
  for (const name of ['second', 'third', 'fourth']) ok('run', '-d', '--name', name, ...SLEEP);
  assert.equal(await python(DATAGRAMS, [], own4, String(port.udp4)), '0 1 2 3 4');
  assert.deepEqual(
    pastas().map(({ pid }) => pid),
    before,
  );
});

test('where the rules are renewed, the way to the outside is left alone', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const file = join(home.folder, 'data/foster/networks/holder');
  const state = JSON.parse(readFileSync(file, 'utf8'));
  const waiting = () => descendants().flatMap(({ name, pid }) => (name === 'foster-outside' ? [pid] : []));
  const before = waiting();
  writeFileSync(file, JSON.stringify({ ...state, prepared: 'as it was' }));
  assert.equal(await python(DATAGRAMS, [], own4, String(port.udp4)), '0 1 2 3 4');
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).prepared, state.prepared);
  assert.deepEqual(waiting(), before);
});

test('what waits for packets uses no rights', async () => {
  ok('run', '-d', '--name', 'first', ...SLEEP);
  const found = descendants().filter(({ name }) => name === 'foster-outside');
  assert.equal(found.length, 1);
  const status = readFileSync(`/proc/${found[0]?.pid}/status`, 'latin1');
  assert.match(status, /^CapEff:\s0000000000000000$/m);
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
