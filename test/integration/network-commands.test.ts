/** Networks and ports as commands make and show them: foster network, foster port, ps, inspect, events, the library. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home, type Result } from './support/foster.js';
import { Foster, FosterError } from './support/library.js';
import { freePorts } from './support/ports.js';

const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const { ok } = {
  ok: (...args: string[]) => containers.ok(...args).trimEnd(),
};

afterEach(() => {
  containers.removeAll();
  home.foster(['network', 'prune', '-f']);
});

/** What the names of all networks are. */
const names = () => ok('network', 'ls', '-q').split('\n');

function fails(args: string[], status: number, message: RegExp): void {
  const result = home.foster(args);
  assert.match(result.stderr, message, args.join(' '));
  assert.equal(result.status, status, args.join(' '));
}

/** Starts a container that waits. */
function start(name: string, ...flags: string[]): void {
  ok('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
}

test('a network is created, listed, inspected and removed', () => {
  assert.deepEqual(names(), ['bridge']);
  const flags = ['--subnet', '10.77.7.0/24', '--gateway', '10.77.7.254', '--ip-range', '10.77.7.128/25'];
  assert.equal(ok('network', 'create', ...flags, '-l', 'tier=front', '--internal', 'shop'), 'shop');
  assert.match(ok('network', 'create'), /^foster1$/);
  assert.deepEqual(names(), ['bridge', 'foster1', 'shop']);
  assert.match(ok('network', 'ls'), /^NETWORK ID +NAME +DRIVER\n[0-9a-f]{12} +bridge +bridge\n/);
  assert.equal(
    ok('network', 'ls', '-f', 'label=tier=front', '--format', '{{.Name}} {{.Internal}}'),
    'shop true',
  );
  const [shop] = JSON.parse(ok('network', 'inspect', 'shop'));
  assert.deepEqual(
    [shop.Name, shop.Driver, shop.Scope, shop.Internal, shop.EnableIPv6, shop.Labels, shop.Containers],
    ['shop', 'bridge', 'local', true, false, { tier: 'front' }, {}],
  );
  assert.deepEqual(shop.IPAM.Config, [
    { Subnet: '10.77.7.0/24', IPRange: '10.77.7.128/25', Gateway: '10.77.7.254' },
  ]);
  assert.equal(
    ok('network', 'inspect', '-f', '{{.Name}} {{.DNSEnabled}}', shop.Id.slice(0, 12)),
    'shop true',
  );
  assert.equal(ok('inspect', '--type', 'network', '-f', '{{.Id}}', 'shop'), shop.Id);
  assert.equal(home.foster(['network', 'exists', 'shop']).status, 0);
  assert.equal(home.foster(['network', 'exists', 'nosuch']).status, 1);
  assert.equal(ok('network', 'rm', 'shop', 'foster1'), 'shop\nfoster1');
  assert.deepEqual(names(), ['bridge']);
});

test('what cannot be is refused, with the reason', () => {
  ok('network', 'create', '--subnet', '10.77.7.0/24', 'shop');
  const create = ['network', 'create'];
  fails([...create, 'shop'], 125, /^foster: there is a network shop already; /);
  assert.equal(ok('network', 'create', '--ignore', 'shop'), 'shop');
  fails([...create, 'host'], 125, /network name 'host': it means something else/);
  fails([...create, 'a b'], 125, /network name 'a b': a name has up to 128 letters/);
  fails(
    [...create, '--subnet', '10.77.0.0/16', 'x'],
    125,
    /it overlaps 10\.77\.7\.0\/24 of the network shop; /,
  );
  fails([...create, '--gateway', '10.77.7.1', 'x'], 125, /--gateway '10\.77\.7\.1': it needs a --subnet/);
  fails([...create, '--driver', 'macvlan', 'x'], 125, /the network driver macvlan is not supported: /);
  fails([...create, '--ipam-driver', 'dhcp', 'x'], 125, /network create --ipam-driver is not supported: /);
  fails([...create, '-o', 'isolate=0', 'x'], 125, /network create --opt isolate=0 is not supported: /);
  fails(['network', 'reload'], 125, /network reload is not supported: /);
  fails(['network', 'rm', 'bridge'], 1, /cannot remove the network bridge: it is the default network/);
  fails(['network', 'rm', 'nosuch'], 1, /no such network: nosuch; /);
  fails(['network', 'inspect', 'nosuch'], 1, /no such network: nosuch; /);
  fails(['network', 'ls', '--filter', 'x=y'], 125, /--filter 'x=y': expected KEY=VALUE, KEY being one of /);
  fails(['network'], 125, /foster network needs a command/);
  assert.deepEqual(names(), ['bridge', 'shop']);
});

test('of networks that are created at once, none have a name or a subnet in common', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => containers.run(['network', 'create'])));
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([0]));
  assert.equal(new Set(all.map(({ stdout }) => stdout)).size, 5);
  const subnets = ok('network', 'ls', '--format', '{{range .Subnets}}{{.subnet}}{{end}}').split('\n');
  assert.equal(new Set(subnets).size, 6);
  const same: Result[] = await Promise.all(
    Array.from({ length: 5 }, () => containers.run(['network', 'create', 'same'])),
  );
  assert.deepEqual(same.map(({ status }) => status).sort(), [0, 125, 125, 125, 125]);
  assert.match(ok('network', 'prune', '-f'), /^Deleted Networks:\nfoster1\n(.*\n)+same$/);
  assert.deepEqual(names(), ['bridge']);
});

test('a network in use is not removed, but with its containers', () => {
  ok('network', 'create', 'shop');
  start('web', '--network', 'shop');
  ok('create', '--name', 'idle', '--network', 'shop', 'busybox');
  fails(
    ['network', 'rm', 'shop'],
    1,
    /^foster: cannot remove the network shop: the containers \w+, \w+ are attached to it; /,
  );
  assert.equal(ok('network', 'prune', '-f'), '');
  assert.equal(ok('network', 'ls', '-q', '-f', 'dangling=false'), 'shop');
  assert.equal(ok('network', 'rm', '--force', 'shop', 'nosuch'), 'shop');
  assert.equal(ok('ps', '-aq'), '');
  assert.deepEqual(names(), ['bridge']);
});

test('a network gets the addresses and the name of one that was removed, while containers run', () => {
  start('other');
  ok('network', 'create', '--internal', '--subnet', '10.77.7.0/24', 'shop');
  start('web', '--network', 'shop');
  ok('network', 'rm', '-f', 'shop');
  ok('network', 'create', '--subnet', '10.77.7.0/24', '--gateway', '10.77.7.9', 'shop');
  start('web', '--network', 'shop');
  const ping = ['ping', '-c', '1', '-W', '20'];
  ok('run', '--rm', '--network', 'shop', 'busybox', ...ping, 'web');
  ok('run', '--rm', '--network', 'shop', '--ip', '10.77.7.77', 'busybox', ...ping, '10.77.7.9');
  // the gateway of the old one is the address of a container
  ok(
    'run',
    '--rm',
    '--network',
    'shop',
    'busybox',
    ...ping,
    ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web'),
  );
});

test('inspect and ps show networks and addresses, as long as the container runs', () => {
  ok('network', 'create', '--subnet', '10.77.7.0/24', '--subnet', 'fd00:77::/64', 'shop');
  start('web', '--network', 'bridge', '--network', 'shop:ip=10.77.7.5,mac=02:00:00:00:00:05,alias=www');
  const [web] = JSON.parse(ok('inspect', 'web'));
  const { Networks, ...settings } = web.NetworkSettings;
  assert.deepEqual(Object.keys(Networks), ['bridge', 'shop']);
  assert.equal(web.HostConfig.NetworkMode, 'bridge');
  assert.equal(settings.IPAddress, Networks.bridge.IPAddress);
  const id = ok('network', 'inspect', '-f', '{{.Id}}', 'shop');
  assert.deepEqual(
    { ...Networks.shop },
    {
      IPAMConfig: { IPv4Address: '10.77.7.5' },
      Links: null,
      Aliases: ['www', web.Id.slice(0, 12)],
      NetworkID: id,
      EndpointID: '',
      Gateway: '10.77.7.1',
      IPAddress: '10.77.7.5',
      IPPrefixLen: 24,
      IPv6Gateway: 'fd00:77::1',
      GlobalIPv6Address: 'fd00:77::2',
      GlobalIPv6PrefixLen: 64,
      MacAddress: '02:00:00:00:00:05',
      DriverOpts: null,
    },
  );
  assert.match(ok('exec', 'web', 'ip', 'addr'), /inet 10\.77\.7\.5\/24/);
  assert.equal(
    ok(
      'network',
      'inspect',
      '-f',
      '{{range .Containers}}{{.Name}} {{.IPv4Address}} {{.IPv6Address}}{{end}}',
      'shop',
    ),
    'web 10.77.7.5/24 fd00:77::2/64',
  );
  assert.equal(ok('ps', '--format', '{{.Names}} {{.Networks}}'), 'web bridge,shop');
  for (const filter of ['network=shop', `network=${id.slice(0, 12)}`])
    assert.equal(ok('ps', '--filter', filter, '--format', '{{.Names}}'), 'web');
  assert.equal(ok('ps', '-q', '--filter', 'network=nosuch'), '');
  ok('stop', '-t', '0', 'web');
  assert.equal(
    ok('inspect', '-f', '{{range .NetworkSettings.Networks}}[{{.IPAddress}}{{.Gateway}}]{{end}}', 'web'),
    '[][]',
  );
  assert.equal(ok('network', 'inspect', '-f', '{{len .Containers}}', 'shop'), '0');
});

test('a container is attached to networks and detached, whether it runs or not', () => {
  ok('network', 'create', '--subnet', '10.77.7.0/24', 'shop');
  ok('create', '--name', 'idle', 'busybox', 'sleep', '1000');
  start('web');
  const addresses = (name: string) =>
    ok('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}', name);
  const events = () =>
    ok('events', '--stream=false', '-f', 'network=shop', '--format', '{{.Action}}').split('\n').slice(-4);
  for (const name of ['idle', 'web']) {
    const ip = name === 'idle' ? '10.77.7.50' : '10.77.7.60';
    ok('network', 'connect', '--ip', ip, '--alias', `other-${name}`, 'shop', name);
    fails(['network', 'connect', 'shop', name], 1, /to the network shop: it is connected already/);
    if (name === 'idle') ok('start', name);
    assert.ok(addresses(name).includes(ip), addresses(name));
    assert.match(ok('exec', name, 'ip', 'addr'), new RegExp(`inet ${ip}/24`));
  }
  ok('exec', 'idle', 'ping', '-c', '1', '-W', '20', 'other-web');
  ok('network', 'disconnect', 'shop', 'web');
  assert.doesNotMatch(ok('exec', 'web', 'ip', 'addr'), /10\.77\.7\.60/);
  ok('stop', '-t', '0', 'idle');
  ok('network', 'disconnect', 'shop', 'idle');
  assert.equal(ok('ps', '-a', '--filter', 'name=idle', '--format', '{{.Networks}}'), 'bridge');
  assert.deepEqual(events(), ['connect', 'connect', 'disconnect', 'disconnect']);
  fails(['network', 'disconnect', 'shop', 'web'], 1, /from the network shop: it is not connected; /);
  fails(
    ['network', 'connect', '--ip', '10.78.0.1', 'shop', 'web'],
    125,
    /10\.78\.0\.1 in the network shop: it is not in/,
  );
  fails(['network', 'connect', 'nosuch', 'web'], 1, /no such network: nosuch/);
  fails(['network', 'connect', 'shop', 'nosuch'], 1, /no such container: nosuch/);
  for (const mode of ['none', 'host']) {
    ok('create', '--name', `with-${mode}`, '--network', mode, 'busybox');
    fails(
      ['network', 'connect', 'shop', `with-${mode}`],
      1,
      /cannot connect container with-\w+ to the network shop: /,
    );
  }
});

test('published ports: port, ps, inspect and filters', async () => {
  const first = await freePorts(4);
  start('web', '-p', `${first}:80`, '-p', `127.0.0.1:${first + 1}-${first + 2}:81-82/udp`, '--expose', '443');
  assert.equal(
    ok('port', 'web'),
    `80/tcp -> 0.0.0.0:${first}\n81/udp -> 127.0.0.1:${first + 1}\n82/udp -> 127.0.0.1:${first + 2}`,
  );
  assert.equal(ok('port', 'web', '80'), `0.0.0.0:${first}`);
  assert.equal(ok('port', 'web', '82/udp'), `127.0.0.1:${first + 2}`);
  assert.equal(ok('container', 'port', '-l', '80/tcp'), `0.0.0.0:${first}`);
  const id = ok('ps', '-q');
  assert.match(ok('port', '--all'), new RegExp(`^${id}\t80/tcp -> 0\\.0\\.0\\.0:${first}\n`));
  fails(['port', 'web', '443'], 1, /container web does not publish its port 443\/tcp/);
  fails(['port', 'web', 'http'], 125, /port 'http': expected PORT/);
  fails(['port', 'nosuch'], 1, /no such container: nosuch/);
  fails(['port'], 125, /missing required argument/);
  assert.equal(
    ok('ps', '--format', '{{.Ports}}'),
    `0.0.0.0:${first}->80/tcp, 127.0.0.1:${first + 1}-${first + 2}->81-82/udp, 443/tcp`,
  );
  const [web] = JSON.parse(ok('inspect', 'web'));
  assert.deepEqual(web.HostConfig.PortBindings['80/tcp'], [{ HostIp: '', HostPort: String(first) }]);
  assert.deepEqual(web.NetworkSettings.Ports['80/tcp'], [{ HostIp: '0.0.0.0', HostPort: String(first) }]);
  assert.equal(web.NetworkSettings.Ports['443/tcp'], null);
  assert.deepEqual(Object.keys(web.Config.ExposedPorts).sort(), ['443/tcp', '80/tcp', '81/udp', '82/udp']);
  for (const [filter, found] of [
    [`publish=${first}`, 'web'],
    [`publish=${first}-${first + 2}/udp`, 'web'],
    [`publish=${first + 1}`, ''],
    ['publish=80', ''],
    ['expose=80', 'web'],
    ['expose=443', 'web'],
    ['expose=82/udp', 'web'],
    ['expose=82', ''],
  ] as const)
    assert.equal(ok('ps', '--filter', filter, '--format', '{{.Names}}'), found, filter);
  fails(['ps', '--filter', 'publish=x'], 125, /expected PORT\[-PORT\]/);
  ok('stop', '-t', '0', 'web');
  assert.equal(ok('ps', '-a', '--format', '{{.Ports}}'), '');
  assert.equal(ok('inspect', '-f', '{{json .NetworkSettings.Ports}}', 'web'), '{}');
});

test('a port that is in use is one only when the container starts, so --replace can have the port of the old one', async () => {
  const port = await freePorts(1);
  const flags = ['-p', `127.0.0.1:${port}:80`, 'busybox', 'sleep', '1000'];
  const taken = new RegExp(
    `^foster: cannot publish port 127\\.0\\.0\\.1:${port}/tcp: another program uses it; `,
  );
  const first = ok('run', '-d', '--name', 'web', ...flags);
  const second = ok('run', '-d', '--replace', '--name', 'web', ...flags);
  assert.equal(ok('ps', '-aq', '--no-trunc'), second);
  assert.notEqual(second, first);
  ok('create', '--name', 'other', ...flags);
  ok('pod', 'create', '--name', 'shop', ...flags.slice(0, 2));
  fails(['start', 'other'], 1, taken);
  fails(['pod', 'start', 'shop'], 125, taken);
  fails(['run', '--name', 'third', ...flags], 125, taken);
  fails(['create', '-p', '80:1', '-p', '80:2', 'busybox'], 125, /cannot publish port 80\/tcp twice/);
  assert.equal(ok('ps', '-a', '--filter', 'name=third', '-q'), '');
  ok('stop', '-t', '0', 'web');
  ok('start', 'other');
  ok('pod', 'rm', 'shop');
});

test('-P publishes what the image exposes, and inspect says so', () => {
  const { status, stderr } = home.foster(['build', '-q', '-t', 'localhost/exposing', '-f', '-', '.'], {
    input: 'FROM scratch\nCOPY . /\nEXPOSE 80 53/udp\nCMD ["true"]\n',
    cwd: home.shared,
  });
  assert.equal(status, 0, stderr);
  ok('create', '-P', '--name', 'web', 'localhost/exposing');
  assert.match(ok('port', 'web'), /^53\/udp -> 0\.0\.0\.0:\d+\n80\/tcp -> 0\.0\.0\.0:\d+$/);
  assert.equal(ok('inspect', '-f', '{{.HostConfig.PublishAllPorts}}', 'web'), 'true');
});

test('system prune removes networks that no container uses', () => {
  for (const name of ['used', 'unused']) ok('network', 'create', name);
  start('web', '--network', 'used');
  assert.match(ok('system', 'prune', '-f'), /^Deleted Networks:\nunused\n\n/m);
  assert.deepEqual(names(), ['bridge', 'used']);
});

test('the library', async () => {
  const foster = new Foster({ env: home.env });
  const { networks } = foster;
  const shop = await networks.create('shop', {
    subnets: ['10.77.7.0/24'],
    labels: { tier: 'front' },
    dns: false,
  });
  assert.deepEqual(
    { ...shop, id: '', created: '' },
    {
      ...{ id: '', created: '', name: 'shop', internal: false, dns: false, containers: [] },
      nameServers: [],
      labels: { tier: 'front' },
      subnets: [{ subnet: '10.77.7.0/24', gateway: '10.77.7.1' }],
    },
  );
  assert.ok(shop.created instanceof Date);
  const kindOf = (error: unknown) => (error instanceof FosterError ? error.kind : String(error));
  assert.equal(await networks.create('shop').catch(kindOf), 'conflict');
  assert.equal(await networks.create('y', { subnets: ['x'] }).catch(kindOf), 'invalid');
  assert.equal(await networks.update('shop', { addDns: ['10.9.9.1'] }).catch(kindOf), 'conflict');
  const [first, second] = ['10.9.9.1', '10.9.9.2'];
  assert.deepEqual((await networks.create('named', { dns: [first] })).nameServers, [first]);
  const updated = await networks.update('named', { addDns: [second], dropDns: [first] });
  assert.deepEqual([updated.name, updated.nameServers], ['named', [second]]);
  assert.equal(ok('network', 'inspect', '-f', '{{range .network_dns_servers}}{{.}}{{end}}', 'named'), second);
  assert.equal(await networks.update('named', { addDns: ['x'] }).catch(kindOf), 'invalid');
  assert.equal(await networks.update('nosuch', { addDns: [first] }).catch(kindOf), 'not-found');
  await networks.remove('named');
  const port = await freePorts(1);
  const id = await foster.create({
    ...{ root: 'busybox', name: 'web', command: ['sleep', '1000'] },
    ...{ network: ['shop:ip=10.77.7.9', 'bridge'], ports: [`${port}:80`], networkAliases: ['www'] },
  });
  assert.equal(ok('port', id), `80/tcp -> 0.0.0.0:${port}`);
  assert.deepEqual((await networks.inspect('shop')).containers, ['web']);
  assert.deepEqual(
    (await networks.list()).map(({ name }) => name),
    ['bridge', 'shop'],
  );
  assert.equal(await networks.remove('shop').catch(kindOf), 'conflict');
  await networks.disconnect('shop', 'web');
  await networks.connect('shop', 'web', { ip: '10.77.7.8', aliases: ['a'] });
  assert.match(
    ok('inspect', '-f', '{{json .NetworkSettings.Networks.shop}}', 'web'),
    /"IPv4Address":"10\.77\.7\.8"\},"Links":null,"Aliases":\["a"/,
  );
  await networks.disconnect('shop', 'web');
  assert.deepEqual(await networks.prune(), ['shop']);
  assert.equal(await networks.inspect('shop').catch(kindOf), 'not-found');
  await foster.remove('web');
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
  const left = readdirSync(join(home.folder, 'data/foster/networks'));
  assert.deepEqual(left.sort(), ['bridge.json', 'holder', 'leases', 'lock', 'names']);
  assert.deepEqual(readdirSync(join(home.folder, 'data/foster/networks/names')), []);
});
