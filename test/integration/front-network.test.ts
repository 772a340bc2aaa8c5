import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Containers } from './support/containers.js';
import { ALL, FrontHome, NO_NODE, normalized } from './support/front.js';
import { freePorts } from './support/ports.js';
import { waitUntil } from './support/wait.js';

/** Containers in networks without Node: src/init/front/network.c. */
const home = new FrontHome(['nft', 'pasta', 'dnsmasq']);
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

const networks = join(home.folder, 'data/foster/networks');
const leases = () => readdirSync(join(networks, 'leases')).sort();
const SLEEP = ['busybox', 'sleep', '1000'];

before(() => {
  ok('network', 'create', '--subnet', '10.68.5.0/24', '--aux-address', 'a=10.68.5.3', 'shop');
  ok('network', 'create', '--subnet', '10.68.6.0/24', '--internal', '--gateway', '10.68.6.254', 'inner');
  ok('run', '-d', '--name', 'other', ...SLEEP); // keeps the networks running
  ok('run', '-d', '--name', 'db', '--network', 'shop', ...SLEEP);
  ok('run', '-d', '--name', 'behind', '--network', 'inner', ...SLEEP);
});

after(async () => {
  containers.removeAll();
  await home.assertNothingLeft();
});

const SHOW = 'ip addr show eth0; ip route; cat /etc/hosts /etc/resolv.conf';

/** Words after `foster run`. */
const SAME: string[][] = [
  ['--rm', ...ALL],
  ['--rm', 'busybox', 'sh', '-c', SHOW],
  ['--rm', '--name', 'given', '--hostname', 'web', 'busybox', 'sh', '-c', SHOW],
  ['--rm', '--dns', '9.9.9.9', '--add-host', 'gate:host-gateway', 'busybox', 'sh', '-c', SHOW],
  ['--rm', '--no-hosts', ...ALL],
  ['--rm', '--network', 'shop', ...ALL],
  [
    ...['--rm', '--network', 'shop', '--network-alias', 'front', '--name', 'own', 'busybox', 'sh', '-c'],
    `for name in db front own; do ping -c 1 -W 20 $name | head -1; done; ${SHOW}`,
  ],
  ['--rm', '--network', 'inner', 'busybox', 'sh', '-c', `ping -c 1 -W 20 behind | head -1; ${SHOW}`],
  ['--rm', '--network', 'shop', 'busybox', 'nope'],
  ['--rm', '--userns', 'keep-id', 'busybox', 'sh', '-c', SHOW],
];

/** Without what ends by itself after the program has started: duplicate address detection. */
const settled = (text: string) => normalized(text).replaceAll(' tentative', '');

for (const args of SAME) {
  const title = args.map((word) => (word.length > 40 ? '...' : word)).join(' ');
  test(`the same by Node and without it: ${title}`, async () => {
    const results = [];
    for (const how of ['byNode', 'byAny', 'byFront'] as const) {
      // with the same addresses free, it gets the same one
      await waitUntil('the leases of the last one are gone', () => leases().length === 3);
      const { stdout, ...rest } = home[how](['run', ...args], { input: 'input' });
      results.push({ ...rest, stdout: settled(stdout), events: home.lastEvents().replace(/\w{64}/g, 'ID') });
    }
    assert.doesNotMatch(results[2]?.stderr ?? '', NO_NODE);
    assert.deepEqual(results[2], results[0]);
  });
}

test('the same files of a container that runs, and of its lease', async () => {
  const args = ['run', '-d', '--network', 'shop', '--network-alias', 'alias', '--name', 'one', ...SLEEP];
  const found = [];
  for (const how of ['byNode', 'byAny', 'byFront'] as const) {
    const { stdout, stderr } = home[how](args);
    assert.doesNotMatch(stderr, NO_NODE);
    const id = stdout.trim();
    const [name = ''] = leases().filter((one) => one.includes(id));
    const { starter, index, ...lease } = JSON.parse(readFileSync(join(networks, 'leases', name), 'utf8'));
    assert.equal(name.split(',')[0], String(index));
    assert.ok(Number.isInteger(starter.pid) && /^\d+$/.test(starter.start), JSON.stringify(starter));
    const text = {
      name: name.replace(/^\d+/, ''),
      lease: JSON.stringify(lease),
      networks: readFileSync(join(home.folder, 'data/foster/containers', id, 'networks'), 'utf8'),
      names: readFileSync(join(networks, 'names/shop', id), 'utf8'),
      inspect: ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'one'),
    };
    found.push(JSON.parse(normalized(JSON.stringify(text))));
    ok('rm', '-f', '-t', '0', 'one');
    assert.ok(!leases().some((one) => one.includes(id)), 'its lease is left');
  }
  assert.deepEqual(found[2], found[0]);
  assert.match(found[2].name, /^,ID,10\.68\.5\.4$/, 'neither the one of db nor the reserved one');
});

test('containers with names of their own by one template find each other by them', async () => {
  const named = (name: string) => [
    'run',
    '-d',
    '--network',
    'shop',
    '--network-alias',
    'all',
    '--name',
    name,
    ...SLEEP,
  ];
  const names = ['first', 'second', 'third'];
  const found = (name: string) => {
    const [id, address] = ok(
      'inspect',
      '-f',
      '{{.Id}} {{.NetworkSettings.Networks.shop.IPAddress}}',
      name,
    ).split(' ');
    const text = {
      names: readFileSync(join(networks, 'names/shop', id ?? ''), 'utf8'),
      hosts: normalized(ok('exec', name, 'cat', '/etc/hosts')),
      inspect: ok('inspect', '-f', '{{json .NetworkSettings.Networks}}', name),
    };
    return { address: address ?? '', ...JSON.parse(normalized(JSON.stringify(text))) };
  };
  assert.equal(home.byAny(named('model')).status, 0);
  for (const name of names) assert.equal(home.byFront(named(name)).stderr, '');
  const all = names.map((name) => ({ name, ...found(name) }));
  assert.equal(new Set(all.map(({ address }) => address)).size, names.length);
  const questions = all.flatMap(({ name, address }) => [`nslookup ${name}.`, `nslookup ${address}`]);
  for (const { name: asking } of all) {
    const answers = ok('exec', asking, 'sh', '-c', questions.join('; '));
    for (const { name, address } of all) {
      assert.match(answers, new RegExp(`Name:\\s*${name}\nAddress: *${address}\n`), asking);
      const reversed = address.split('.').reverse().join('.');
      assert.match(answers, new RegExp(`^${reversed}.in-addr.arpa\\s*name = ${name}$`, 'm'), asking);
    }
  }
  assert.match(
    ok('exec', 'first', 'ping', '-c', '1', '-W', '20', 'third'),
    new RegExp(`\\(${all[2]?.address}\\)`),
  );
  ok('rm', '-f', '-t', '0', ...names);
  for (const { name, ...front } of all) {
    assert.equal(home.byNode(named(name)).stderr, '');
    assert.deepEqual(front, found(name));
  }
  ok('rm', '-f', '-t', '0', 'model', ...names);
});

test('many at once have different addresses, and reach each other', async () => {
  const args = ['-d', ...SLEEP];
  home.byAny(['run', ...args]);
  const all = Array.from({ length: 12 }, () => home.start(args, { env: home.callers, cwd: home.shared }));
  const ids = (await Promise.all(all.map(({ ended }) => ended))).map(({ stdout }) => stdout.trim());
  const addresses = ids.map((id) => ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', id));
  assert.equal(new Set(addresses).size, ids.length);
  const each = addresses.map((address) => `ping -c 1 -W 20 ${address} >/dev/null || echo ${address}`);
  assert.equal(
    home.byFront(['run', '--rm', 'busybox', 'sh', '-c', each.join('; ')]).stderr.match(NO_NODE),
    null,
  );
  assert.equal(ok('exec', 'other', 'sh', '-c', each.join('; ')), '');
  ok('rm', '-f', '-t', '0', ...ids);
});

test('it reaches the outside, and a start does, too', async () => {
  const own = ok('run', '--rm', 'busybox', 'sh', '-c', "awk '/host.containers/ { print $1 }' /etc/hosts");
  const server = createServer((_, response) => response.end('the host'));
  await new Promise<void>((done) => server.listen(0, '0.0.0.0', done));
  const { port } = server.address() as AddressInfo;
  const reach = ['--rm', 'busybox', 'wget', '-qO-', `http://${own}:${port}`];
  const fetched = async () => (await home.start(reach, { env: home.callers, cwd: home.shared }).ended).stdout;
  assert.equal(await fetched(), 'the host');
  const putBack = home.takeNodeAway();
  const byFront = await fetched();
  putBack();
  server.close();
  assert.equal(byFront, 'the host');
  ok('create', '--name', 'st', '--network', 'shop', 'busybox', 'ping', '-c', '1', '-W', '20', 'st');
  const results = [];
  for (const how of ['byNode', 'byAny', 'byFrontSoon'] as const) {
    const { status, stderr, stdout } = await home[how](['start', '-a', 'st']);
    results.push([status, stderr, stdout.split('\n')[0], home.lastEvents().split('\n').slice(-2)]);
    await containers.waitFor('st', 'exited');
  }
  assert.deepEqual(results[2], results[0]);
  ok('rm', 'st');
});

test('published ports: clients reach it, and a port in use is explained', async () => {
  const port = await freePorts();
  const args = ['run', '-d', '--name', 'web', '-p', `127.0.0.1:${port}:80`, '-p', `${port}:80/udp`];
  const serve = [...args, 'busybox', 'httpd', '-f', '-h', '/etc'];
  for (const how of ['byAny', 'byFront'] as const) {
    const { stderr, stdout } = home[how](serve);
    assert.equal(stderr, '');
    await waitUntil('it serves', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/hostname`).catch(() => undefined);
      return (await answer?.text())?.trim() === stdout.slice(0, 12);
    });
    assert.match(ok('port', 'web'), new RegExp(`^80/tcp -> 127.0.0.1:${port}`));
    ok('rm', '-f', '-t', '0', 'web');
  }
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const before = leases();
  assert.ok(!home.isFronted(serve), 'the port is in use');
  assert.deepEqual(leases(), before);
  assert.match(home.byAny(serve).stderr, /another program uses it/);
  other.close();
});

/** What is known of a container with ports, with marks in place of those that were chosen; and its ports. */
function portsOf(id: string) {
  const folder = join(home.folder, 'data/foster/containers', id);
  const record = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const { published, name, ...rest } = record;
  const web = published.find((port: { containerPort: number }) => port.containerPort === 80)?.hostPort;
  const chosen: number[] = published
    .map(({ hostPort }: { hostPort: number }) => hostPort)
    .filter((port: number) => port >= 32_768);
  const marked = (text: string) =>
    normalized(chosen.reduce((all, port, index) => all.replaceAll(`${port}`, `PORT${index}`), text));
  return {
    chosen,
    web,
    text: {
      published: marked(JSON.stringify(published)),
      record: normalized(JSON.stringify(rest)),
      shown: marked(ok('port', id)),
      listed: marked(ok('ps', '--filter', `id=${id}`, '--format', '{{.Ports}}')),
      inspected: marked(
        ok('inspect', '-f', '{{json .NetworkSettings.Ports}} {{json .HostConfig.PortBindings}}', id),
      ),
    },
  };
}

test('free ports: each container has its own, and the same in its next start', async () => {
  const fixed = await freePorts();
  const serve = ['busybox', 'sh', '-c', 'echo $HOSTNAME > /name; exec httpd -f -h /'];
  for (const flags of [
    ['-p', '80'],
    ['-P', '--expose', '80', '--expose', '443', '--expose', '53/udp'],
    ['-p', '127.0.0.1::80', '-p', `${fixed}:82`, '-p', '83/udp', '-p', '84-85', '--network', 'shop'],
  ]) {
    const found = [];
    for (const how of ['byNode', 'byAny', 'byFront'] as const) {
      const { stdout, stderr } = home[how](['run', '-d', ...flags, ...serve]);
      assert.equal(stderr, '', how);
      const id = stdout.trim();
      const { chosen, web, text } = portsOf(id);
      assert.equal(new Set(chosen).size, chosen.length);
      const reached = async () => {
        const answer = await fetch(`http://127.0.0.1:${web}/name`).catch(() => undefined);
        return (await answer?.text())?.trim() === id.slice(0, 12);
      };
      await waitUntil('it serves', reached);
      ok('stop', '-t', '0', id);
      for (const again of ['byAny', 'byFrontSoon'] as const) {
        assert.equal((await home[again](['start', id])).stderr, '');
        await waitUntil('it serves again', reached);
        assert.deepEqual(portsOf(id).chosen, chosen);
        ok('stop', '-t', '0', id);
      }
      ok('rm', id);
      found.push(text);
    }
    assert.deepEqual(found[2], found[0], flags.join(' '));
  }
  const args = ['-d', '-p', '80', ...serve];
  const ids = Array.from({ length: 6 }, () => home.byFront(['run', ...args]).stdout.trim());
  const all = ids.flatMap((id) => portsOf(id).chosen);
  assert.equal(new Set(all).size, ids.length);
  ok('rm', '-f', '-t', '0', ...ids);
});

/** What stays Node's, whatever has been run before. */
const LEFT: string[][] = [
  ['--rm', ...Array.from({ length: 9 }, (_, index) => ['-p', `${index + 1}`]).flat(), 'busybox', 'true'],
  ['--rm', '--network', 'shop', '--ip', '10.68.5.77', 'busybox', 'true'],
  ['--rm', '--network', 'shop', '--network', 'inner', 'busybox', 'true'],
  ['--rm', '--network', 'bridge:mac=02:42:11:22:33:44', 'busybox', 'true'],
  ['--rm', '--network', 'container:db', 'busybox', 'true'],
  ['--rm', '--network', 'pasta', 'busybox', 'true'],
];

test('at the least doubt, Node does it', () => {
  for (const args of LEFT) {
    for (let time = 0; time < 2; time++) assert.equal(home.byAny(['run', ...args]).status, 0, args.join(' '));
    assert.ok(!home.isFronted(['run', ...args]), args.join(' '));
  }
});

const holder = join(networks, 'holder');

/** After each of these, Node does the next run, and the front the one after it. */
const CHANGES: [title: string, change: () => void][] = [
  [
    'the holder was prepared with other programs',
    () => writeFileSync(holder, readFileSync(holder, 'utf8').replace(/"prepared":"/, '$&x')),
  ],
  [
    'the holder has ended',
    () => {
      const others = ['other', 'db', 'behind'];
      ok('stop', '-t', '0', ...others);
      ok('start', ...others);
    },
  ],
  [
    'the network is another one',
    () => {
      ok('network', 'rm', '-f', 'shop');
      ok('network', 'create', '--subnet', '10.68.7.0/24', 'shop');
      ok('run', '-d', '--name', 'db', '--network', 'shop', ...SLEEP);
    },
  ],
  ['the folder of leases is gone', () => rmSync(join(networks, 'leases'), { recursive: true })],
];

for (const [title, change] of CHANGES) {
  test(`a template does not hold, or cannot be used, when ${title}`, () => {
    const args = ['run', '--rm', '--network', 'shop', 'busybox', 'true'];
    home.byAny(args);
    assert.ok(home.isFronted(args));
    change();
    if (title !== 'the holder has ended') assert.ok(!home.isFronted(args), 'it was used');
    assert.deepEqual(home.byAny(args), { status: 0, signal: null, stdout: '', stderr: '' });
    assert.ok(home.isFronted(args), 'there is no new one');
  });
}

test('where it fails after an address was taken, Node says why, and no lease is left', () => {
  const root = join(home.shared, 'rootfs');
  for (const name of ['bin', 'proc', 'tmp', 'dev', 'sys', 'etc'])
    mkdirSync(join(root, name), { recursive: true });
  cpSync('/usr/bin/busybox', join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/true'));
  const args = ['run', '--rm', '-w', '/tmp/here', root, 'true'];
  home.byAny(args);
  assert.ok(home.isFronted(args));
  rmSync(join(root, 'tmp'), { recursive: true });
  writeFileSync(join(root, 'tmp'), ''); // planning has not looked at it
  const before = leases();
  assert.ok(!home.isFronted(args));
  assert.match(home.byAny(args).stderr, /^foster: cannot make the working directory/);
  assert.deepEqual(leases(), before);
});
