/** A monitor restarts its container in the networks that it has by then. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Containers } from './support/containers.js';
import { Home } from './support/foster.js';
import { freePorts } from './support/ports.js';
import { waitUntil } from './support/wait.js';

const home = new Home();
home.env.FOSTER_NETWORK = 'bridge';
const containers = new Containers(home);
const ok = (...args: string[]) => containers.ok(...args).trimEnd();

/** `back` has no way to the outside. */
ok('network', 'create', '--subnet', '10.67.1.0/24', 'front');
ok('network', 'create', '--subnet', '10.67.2.0/24', '--internal', 'back');
ok('network', 'create', '--subnet', '10.67.3.0/24', '--subnet', 'fd00:67:3::/64', 'side');

afterEach(() => containers.removeAll());

/** Starts a container that its monitor restarts. */
function start(name: string, ...flags: string[]): void {
  ok('run', '-d', '--name', name, '--restart', 'always', ...flags, 'busybox', 'sleep', '1000');
}

async function restart(name: string): Promise<void> {
  const before = await containers.until('it runs', name, ({ pid }) => pid > 0);
  process.kill(before.pid, 'SIGKILL');
  await containers.until(
    'it was restarted',
    name,
    ({ restarts, status }) => restarts > before.restarts && status === 'running',
  );
}

/** Its addresses by interface: `eth0 10.67.1.2/24`. */
function addresses(name: string): string[] {
  const text = ok('exec', name, 'ip', '-o', 'addr');
  return [...text.matchAll(/^\d+: (eth\d)\s+inet6? (\S+)/gm)]
    .map(([, device, address]) => `${device} ${address}`)
    .filter((line) => !line.includes('fe80'));
}

const shown = (name: string, file: string) => ok('exec', name, 'cat', file);
const route = (name: string) => /^default via (\S+)/m.exec(ok('exec', name, 'ip', 'route'))?.[1];

function finds(from: string, name: string): boolean {
  return home.foster(['exec', from, 'ping', '-4', '-c', '1', '-W', '20', name]).status === 0;
}

/** The container's /etc/hostname, as its web server at a published port sends it. */
async function served(port: number): Promise<string> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/hostname`)).text()).trim();
  } catch {
    return '';
  }
}

const namesIn = (network: string) => readdirSync(join(home.folder, 'data/foster/networks/names', network));

test('a network that was connected while it ran is there again, with its addresses and names', async () => {
  start('web', '--network', 'front');
  ok('run', '-d', '--name', 'sql', '--network', 'back', 'busybox', 'sleep', '1000');
  ok('network', 'connect', '--ip', '10.67.2.9', '--alias', 'www', 'back', 'web');
  ok('network', 'connect', 'side', 'web');
  const all = ['eth0 10.67.1.2/24', 'eth1 10.67.2.9/24', 'eth2 10.67.3.2/24', 'eth2 fd00:67:3::2/64'];
  assert.deepEqual(addresses('web'), all);
  for (let round = 0; round < 2; round++) {
    await restart('web');
    assert.deepEqual(addresses('web'), all);
    assert.equal(route('web'), '10.67.1.1');
    assert.ok(finds('web', 'sql'));
    assert.ok(finds('sql', 'www'));
  }
  ok('network', 'disconnect', 'side', 'web');
  assert.deepEqual(addresses('web'), all.slice(0, 2));
  ok('stop', '-t', '0', 'web');
  assert.deepEqual([namesIn('front'), namesIn('back').length, namesIn('side')], [[], 1, []]);
});

test('a network that was disconnected stays away, and its files and its route are those of the others', async () => {
  start('web', '--network', 'front', '--hostname', 'shop-web');
  ok('network', 'connect', 'side', 'web');
  ok('run', '-d', '--name', 'peer', '--network', 'side', 'busybox', 'sleep', '1000');
  ok('network', 'disconnect', 'front', 'web');
  await restart('web');
  assert.deepEqual(addresses('web'), ['eth1 10.67.3.2/24', 'eth1 fd00:67:3::2/64']);
  assert.equal(route('web'), '10.67.3.1');
  assert.match(shown('web', '/etc/resolv.conf'), /^nameserver 10\.67\.3\.1$/m);
  assert.doesNotMatch(shown('web', '/etc/resolv.conf'), /10\.67\.1\.1/);
  assert.match(shown('web', '/etc/hosts'), /^10\.67\.3\.2\tshop-web /m);
  assert.doesNotMatch(shown('web', '/etc/hosts'), /10\.67\.1\./);
  assert.ok(finds('web', 'peer'));
  assert.ok(finds('peer', 'web'));
});

test('a container can lose all its networks, be restarted without any, and get others', async () => {
  start('web', '--network', 'front');
  ok('network', 'disconnect', 'front', 'web');
  await restart('web');
  assert.deepEqual(addresses('web'), []);
  ok('network', 'connect', 'side', 'web');
  assert.deepEqual(addresses('web'), ['eth0 10.67.3.2/24', 'eth0 fd00:67:3::2/64']);
  await restart('web');
  assert.deepEqual(addresses('web'), ['eth0 10.67.3.2/24', 'eth0 fd00:67:3::2/64']);
  assert.equal(route('web'), '10.67.3.1');
});

test('its published ports lead to the network that it has', async () => {
  const port = await freePorts();
  const serve = ['busybox', 'httpd', '-f', '-h', '/etc'];
  ok(
    ...['run', '-d', '--name', 'web', '--hostname', 'served', '--restart', 'always'],
    ...['--network', 'front', '-p', `127.0.0.1:${port}:80`, ...serve],
  );
  await waitUntil('it serves', async () => (await served(port)) === 'served');
  ok('network', 'connect', 'side', 'web');
  ok('network', 'disconnect', 'front', 'web');
  assert.equal(await served(port), 'served'); // at once
  await restart('web');
  await waitUntil('it serves again', async () => (await served(port)) === 'served');
  ok('network', 'disconnect', 'side', 'web');
  await restart('web');
  assert.equal(await served(port), '');
  ok('network', 'connect', 'front', 'web');
  await waitUntil('it serves in its first network', async () => (await served(port)) === 'served');
});

test('stop and start begin anew: what is on record counts', async () => {
  start('web', '--network', 'front');
  ok('network', 'connect', 'side', 'web');
  ok('stop', '-t', '0', 'web');
  ok('network', 'disconnect', 'front', 'web');
  ok('start', 'web');
  await restart('web');
  assert.deepEqual(addresses('web'), ['eth0 10.67.3.2/24', 'eth0 fd00:67:3::2/64']);
});

test('nothing is left', async () => {
  await home.assertNothingLeft();
});
