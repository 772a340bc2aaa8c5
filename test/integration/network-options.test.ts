import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Home } from './support/foster.js';
import { commandLine, descendants } from './support/processes.js';

/** Options of networks, and of containers in them. */
const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
after(() => home.foster(['rm', '-f', '-t', '0', '--all']));

const SLEEP = ['busybox', 'sleep', '1000'];

function must(...args: string[]): string {
  const { status, stdout, stderr } = home.foster(args);
  assert.deepEqual([stderr, status], ['', 0], args.join(' '));
  return stdout;
}

function refused(wanted: RegExp, ...args: string[]): void {
  const { status, stderr } = home.foster(args);
  assert.match(stderr, wanted);
  assert.notEqual(status, 0);
}

test('--aux-address: addresses that no container gets', () => {
  const subnet = ['--subnet', '10.67.1.0/29', '--subnet', 'fd00:67:1::/64'];
  must(
    'network',
    'create',
    ...subnet,
    '--aux-address',
    'printer=10.67.1.2,nas=10.67.1.3',
    '--aux-address',
    'six=fd00:67:1:0::2',
    'office',
  );
  assert.equal(
    must('network', 'inspect', '-f', '{{json .IPAM.Config}}', 'office'),
    `${JSON.stringify([
      {
        Subnet: '10.67.1.0/29',
        Gateway: '10.67.1.1',
        AuxiliaryAddresses: { printer: '10.67.1.2', nas: '10.67.1.3' },
      },
      { Subnet: 'fd00:67:1::/64', Gateway: 'fd00:67:1::1', AuxiliaryAddresses: { six: 'fd00:67:1::2' } },
    ])}\n`,
  );
  const show = [
    'busybox',
    'sh',
    '-c',
    'ip address show eth0 | sed -n "s/.*inet6* \\([^ ]*\\) .*scope global.*/\\1/p"',
  ];
  assert.equal(must('run', '--rm', '--network', 'office', ...show), '10.67.1.4/29\nfd00:67:1::3/64\n');
  refused(
    /: it is reserved, by --aux-address; /,
    'run',
    '--rm',
    '--network',
    'office',
    '--ip',
    '10.67.1.3',
    ...show,
  );
  const create = ['network', 'create', '--aux-address'];
  refused(/^foster: --aux-address 'a=10\.1\.1\.1': it needs a --subnet\n/, ...create, 'a=10.1.1.1', 'other');
  refused(
    /: it is not in the subnet 10\.67\.2\.0\/24\n/,
    ...create,
    'a=10.1.1.1',
    '--subnet',
    '10.67.2.0/24',
    'other',
  );
  refused(/: expected NAME=ADDRESS, /, ...create, '10.67.2.9', '--subnet', '10.67.2.0/24', 'other');
});

test('--ipv4=false: a network with IPv6 only', () => {
  must('network', 'create', '--ipv4=false', '--ipv6', 'six');
  assert.equal(
    must('network', 'inspect', '-f', '{{.EnableIPv4}} {{.EnableIPv6}} {{len .Subnets}}', 'six'),
    'false true 1\n',
  );
  const script = 'ip -4 address show eth0 | grep -c inet; ip -6 route | grep -c default';
  assert.match(must('run', '--rm', '--network', 'six', 'busybox', 'sh', '-c', script), /^0\n1\n$/);
  refused(/: the network has no addresses then; add --ipv6\n/, 'network', 'create', '--ipv4=false', 'none4');
  refused(
    /: there is an IPv4 --subnet\n/,
    'network',
    'create',
    '--ipv4=false',
    '--subnet',
    '10.67.3.0/24',
    'x4',
  );
});

const asked = () =>
  descendants()
    .filter(({ name }) => name === 'dnsmasq')
    .map(({ pid }) =>
      commandLine(pid)
        .split('\0')
        .filter((word) => word.startsWith('--server='))
        .join(' '),
    );

test('network update changes the name servers that are asked, while containers are in the network', () => {
  must('network', 'create', '--dns', '10.9.9.1', 'shop');
  must('run', '-d', '--name', 'web', '--network', 'shop', ...SLEEP);
  assert.deepEqual(asked(), ['--server=10.9.9.1']);
  assert.equal(
    must('network', 'update', '--dns-add', '10.9.9.2,10.9.9.3', '--dns-drop', '10.9.9.1', 'shop'),
    'shop\n',
  );
  assert.deepEqual(asked(), ['--server=10.9.9.2 --server=10.9.9.3']);
  assert.match(
    must('run', '--rm', '--network', 'shop', 'busybox', 'ping', '-c', '1', '-W', '20', 'web'),
    / 1 packets received/,
  );
  assert.match(
    must('network', 'inspect', 'shop'),
    /"network_dns_servers": \[\s*"10\.9\.9\.2",\s*"10\.9\.9\.3"\s*\]/,
  );
  refused(/^foster: --dns-add 'x': expected an IP address\n/, 'network', 'update', '--dns-add', 'x', 'shop');
  refused(/^foster: network update needs --dns-add or --dns-drop\n/, 'network', 'update', 'shop');
  refused(/the network bridge: it has none; /, 'network', 'update', '--dns-add', '10.1.1.1', 'bridge');
  must('rm', '-f', '-t', '0', 'web');
});

test('--gw-priority and internal networks: which network is the way to the outside', () => {
  must('network', 'create', '--subnet', '10.67.5.0/24', '--internal', 'inner');
  must('network', 'create', '--subnet', '10.67.6.0/24', 'first');
  must('network', 'create', '--subnet', '10.67.7.0/24', '--subnet', 'fd00:67:7::/64', 'second');
  const way = (name: string) =>
    must('exec', name, 'sh', '-c', 'ip route; ip -6 route')
      .match(/^default via \S+/gm)
      ?.map((line) => line.slice(12)) ?? [];
  must(
    'run',
    '-d',
    '--name',
    'two',
    '--network',
    'first',
    '--network',
    'name=second,gw-priority=1',
    ...SLEEP,
  );
  assert.deepEqual(way('two'), ['10.67.7.1', 'fe80::1']);
  must('run', '-d', '--name', 'one', '--network', 'inner', ...SLEEP);
  assert.deepEqual(way('one'), []);
  must('network', 'connect', 'first', 'one');
  assert.deepEqual(way('one'), ['10.67.6.1']);
  must('network', 'connect', '--gw-priority', '7', 'second', 'one');
  assert.deepEqual(way('one'), ['10.67.7.1', 'fe80::1']);
  must('network', 'disconnect', 'second', 'one');
  assert.deepEqual(way('one'), ['10.67.6.1']);
  must('network', 'disconnect', 'first', 'one');
  assert.deepEqual(way('one'), []);
  refused(
    /--gw-priority 'x': expected a whole number/,
    'network',
    'connect',
    '--gw-priority',
    'x',
    'second',
    'one',
  );
  must('rm', '-f', '-t', '0', 'one', 'two');
});

test('--opt mtu, and a --network-alias where there are no names', () => {
  must('network', 'create', '--opt', 'com.docker.network.driver.mtu=1400', 'narrow');
  must('network', 'create', '--disable-dns', 'nameless');
  const show = ['busybox', 'cat', '/sys/class/net/eth0/mtu'];
  assert.equal(must('run', '--rm', '--network', 'narrow', '--network-alias', 'thin', ...show), '1400\n');
  refused(
    /^foster: --opt 'mtu=9': expected a number of bytes from 68 to/,
    'network',
    'create',
    '-o',
    'mtu=9',
  );
  for (const network of ['bridge', 'nameless'])
    assert.match(
      home.foster(['run', '--rm', '--network', network, '--network-alias', 'db', 'busybox', 'true']).stderr,
      new RegExp(
        `^foster: warning: nobody finds the container as db: containers of the network ${network} do not`,
      ),
    );
});

test('the interface in the container can have a name', () => {
  const show = ['busybox', 'sh', '-c', 'cd /sys/class/net; echo *'];
  assert.equal(
    must('run', '--rm', '--network', 'first:interface_name=way', '--network', 'inner', ...show),
    'eth0 lo way\n',
  );
  must('run', '-d', '--name', 'one', '--network', 'inner', ...SLEEP);
  must('network', 'connect', '--driver-opt', 'com.docker.network.endpoint.ifname=out', 'first', 'one');
  assert.equal(must('exec', 'one', ...show.slice(1)), 'eth0 lo out\n');
  const connect = ['network', 'connect', '--driver-opt'];
  refused(
    /: the container has an interface out already\n/,
    'network',
    'connect',
    '--driver-opt',
    'com.docker.network.endpoint.ifname=out',
    'second',
    'one',
  );
  refused(
    /is not supported yet: of the options of an endpoint, foster has the name of the interface only; /,
    ...connect,
    'x=y',
    'second',
    'one',
  );
  refused(
    /: expected the name of an interface, /,
    ...connect,
    'com.docker.network.endpoint.ifname=a/b',
    'second',
    'one',
  );
  must('rm', '-f', '-t', '0', 'one');
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
