import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';
import { descendants } from './support/processes.js';
import { waitUntil } from './support/wait.js';

/** Names of containers that are in several networks. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';

const SLEEP = ['busybox', 'sleep', '1000'];

function must(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(args);
  assert.deepEqual([stderr, status], ['', 0], args.join(' '));
  return stdout;
}

must('network', 'create', '--subnet', '10.66.1.0/24', '--subnet', 'fd00:66:1::/64', 'front');
must('network', 'create', '--subnet', '10.66.2.0/24', '--subnet', 'fd00:66:2::/64', '--internal', 'back');
must('network', 'create', '--subnet', '10.66.3.0/24', 'side');
must('run', '-d', '--name', 'web', '--network', 'front:alias=www', ...SLEEP);
must('run', '-d', '--name', 'sql', '--network', 'back:alias=database', ...SLEEP);
after(() => home.foster(['rm', '-f', '-t', '0', '--all']));

/** The address that answers, or `unknown`. */
function find(from: string, name: string): string {
  const { stdout, stderr } = home.foster(['exec', from, 'ping', '-4', '-c', '1', '-W', '20', name]);
  if (stderr.includes('bad address')) return 'unknown';
  return /^PING \S+ \(([\d.]+)\)[\s\S]* 1 packets received/.exec(stdout)?.[1] ?? 'silent';
}

/** Waits until it finds an address. Where its name server has only a second to answer, it may need more than one attempt. */
async function finds(from: string, name: string, address: string): Promise<void> {
  await waitUntil(`${from} finds ${name} at ${address}`, () => find(from, name) === address);
}

const servers = () => descendants().filter(({ name }) => name === 'dnsmasq').length;

test('a container in several networks finds the containers of each by name, and they find it', () => {
  must(
    'run',
    '-d',
    '--name',
    'proxy',
    '--network',
    'front',
    '--network',
    'back:alias=gate',
    '--network',
    'bridge',
    ...SLEEP,
  );
  assert.deepEqual(
    ['web', 'www', 'sql', 'database'].map((name) => find('proxy', name)),
    ['10.66.1.2', '10.66.1.2', '10.66.2.2', '10.66.2.2'],
  );
  assert.deepEqual(
    [find('web', 'proxy'), find('sql', 'proxy'), find('sql', 'gate')],
    ['10.66.1.3', '10.66.2.3', '10.66.2.3'],
  );
});

test('others know no more names than before, and reach no name server but their own', () => {
  assert.deepEqual(
    [find('web', 'sql'), find('sql', 'web'), find('web', 'gate')],
    ['unknown', 'unknown', 'unknown'],
  );
  for (const address of ['169.254.250.1', '10.66.2.1']) {
    const { stdout, status } = home.foster(['exec', 'web', 'timeout', '3', 'nslookup', 'sql', address]);
    assert.doesNotMatch(stdout, /10\.66\.2\.2/, address);
    assert.notEqual(status, 0);
  }
});

/** Asks the first name server for the address of `web` by the usual address, and each of them by that of the link. */
const ASK = `
import socket, sys, time
QUESTION = bytes.fromhex('1234 0100 0001 0000 0000 0000 03') + b'web' + bytes.fromhex('00 0001 0001')
def bind(s, address):
    end = time.monotonic() + 20
    while True:
        try: return s.bind(address)
        except OSError: # until the kernel knows that nobody else has it
            if time.monotonic() > end: raise
            time.sleep(0.05)
def answer(sender, server):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(20 if sender == '::' else 2)
    bind(s, socket.getaddrinfo(sender, 0)[0][4])
    try: s.sendto(QUESTION, (server, 53)); return socket.inet_ntoa(s.recv(999)[-4:])
    except OSError: return 'silent'
own = next(bytes.fromhex(line[:32]) for line in open('/proc/net/if_inet6') if line.startswith('fe80') and line.split()[5] == 'eth0')
link = socket.inet_ntop(socket.AF_INET6, own) + '%eth0'
print(answer('::', sys.argv[1]), *[answer(link, server) for server in sys.argv[1:]])
`;

test('no name server is reached by an address of the link, which says nothing about the network', () => {
  const host = ['-v', '/usr:/usr:ro', 'host'];
  const others = ['fd00:66:2::1', 'fd66:6f73:7465:72::1'];
  const said = must(
    'run',
    '--rm',
    '--network',
    'front',
    ...host,
    'python3',
    '-c',
    ASK,
    'fd00:66:1::1',
    ...others,
  );
  assert.equal(said, '10.66.1.2 silent silent silent\n');
});

test('a container that is connected while it runs finds names there, and loses them when it is disconnected', async () => {
  const before = servers();
  const hurried = ['timeout:1', 'attempts:1'].flatMap((option) => ['--dns-option', option]);
  must('run', '-d', '--name', 'late', ...hurried, ...SLEEP);
  assert.equal(find('late', 'web'), 'unknown');
  must('network', 'connect', 'front', 'late');
  await finds('late', 'www', '10.66.1.2');
  must('network', 'connect', '--alias', 'behind', 'back', 'late');
  await finds('late', 'web', '10.66.1.2');
  await finds('late', 'database', '10.66.2.2');
  assert.equal(find('sql', 'behind'), find('sql', 'late'));
  assert.equal(servers(), before); // it has what the first container in these networks has
  must('network', 'disconnect', 'front', 'late');
  assert.equal(find('late', 'web'), 'unknown');
  await finds('late', 'sql', '10.66.2.2');
  must('network', 'disconnect', 'back', 'late');
  assert.equal(find('late', 'sql'), 'unknown');
  must('rm', '-f', '-t', '0', 'late');
});

test('a container that has left the network it was started in finds the names of the one that it is in', () => {
  must('run', '-d', '--name', 'moved', '--network', 'side', ...SLEEP);
  must('network', 'connect', 'front', 'moved');
  must('network', 'disconnect', 'side', 'moved');
  assert.equal(find('moved', 'www'), '10.66.1.2');
  assert.match(must('exec', 'moved', 'cat', '/etc/resolv.conf'), /^nameserver 10\.66\.3\.1$/m);
  must('rm', '-f', '-t', '0', 'moved');
});

test('an address that another container gets later knows nothing of it', () => {
  must('run', '-d', '--name', 'both', '--network', 'side', '--network', 'back', ...SLEEP);
  assert.equal(find('both', 'sql'), '10.66.2.2');
  must('rm', '-f', '-t', '0', 'both');
  must('run', '-d', '--name', 'next', '--network', 'side', ...SLEEP);
  assert.equal(find('next', 'sql'), 'unknown');
  must('rm', '-f', '-t', '0', 'next');
});

test('networks can be removed, made anew, and connect anew', () => {
  must('network', 'rm', '-f', '-t', '0', 'back');
  assert.equal(find('web', 'sql'), 'unknown');
  must('network', 'create', '--subnet', '10.66.2.0/24', 'back');
  must('run', '-d', '--name', 'sql', '--network', 'back', ...SLEEP);
  must('run', '-d', '--name', 'proxy', '--network', 'back', '--network', 'front', ...SLEEP);
  assert.deepEqual([find('proxy', 'sql'), find('proxy', 'web')], ['10.66.2.2', '10.66.1.2']);
});

test('nothing is left', async () => {
  must('rm', '-f', '-t', '0', '--all');
  await home.assertNothingLeft();
});
